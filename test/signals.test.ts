import test from 'ava'
import { joinSignals, withSignals } from '../src/signals.js'

const until = async (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })

test('the first signal ends the work, with its reason', async t => {
  const [a, b] = [new AbortController(), new AbortController()]
  const work = withSignals([a.signal, undefined, b.signal], until)
  b.abort(new Error('b'))
  a.abort(new Error('a'))
  await t.throwsAsync(work, { message: 'b' })
})

test('a signal that has aborted before ends the work at once', async t => {
  const living = new AbortController()
  await t.throwsAsync(withSignals([living.signal, AbortSignal.abort(new Error('before'))], until), { message: 'before' })
})

test('one signal ends all that follow it, and nothing that is over', async t => {
  const source = new AbortController()
  let over: AbortSignal | undefined
  t.is(await withSignals([source.signal], signal => ((over = signal), 7)), 7)
  await t.throwsAsync(
    withSignals([source.signal], async signal => {
      over = signal
      throw new Error('of the work')
    }),
    { message: 'of the work' }
  )
  const both = [withSignals([source.signal], until), withSignals([source.signal], until)]
  source.abort(new Error('the end'))
  for (const work of both) await t.throwsAsync(work, { message: 'the end' })
  t.false(over!.aborted)
})

test('a signal that lives long has one listener, however much work follows it', async t => {
  const source = new AbortController()
  let listeners = 0
  const add = source.signal.addEventListener.bind(source.signal)
  source.signal.addEventListener = ((...args: Parameters<typeof add>) => {
    listeners++
    add(...args)
  }) as never
  await Promise.all(Array.from({ length: 100 }, async () => withSignals([source.signal], async () => {})))
  t.is(listeners, 1)
})

test('much may wait on a joined signal without a warning', async t => {
  const warnings: Error[] = []
  const onWarning = (warning: Error): number => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const source = new AbortController()
  const { signal, part } = joinSignals(source.signal)
  for (let n = 0; n < 11; n++) signal.addEventListener('abort', () => {})
  part()
  // Warnings are told in the next turn.
  await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(warnings, [])
})
