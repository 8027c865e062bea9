import test from 'ava'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { timeLimit } from '../../src/net/time-limit.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test('a time limit that is one signal of several fires, whatever the garbage collector does', async t => {
  const owner = new AbortController()
  const aborted = new Promise<unknown>(resolve => {
    const either = AbortSignal.any([owner.signal, timeLimit(50)])
    either.addEventListener('abort', () => resolve(either.reason))
  })
  await new Promise(resolve => setImmediate(resolve))
  collectGarbage()
  // The limit's own timer does not keep this process alive; without it, nothing would fire.
  const alive = setTimeout(() => t.fail('the limit did not fire'), 5_000)
  t.is(((await aborted) as Error).name, 'TimeoutError')
  clearTimeout(alive)
})
