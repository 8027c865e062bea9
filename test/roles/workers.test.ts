import test from 'ava'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { encodeProofFile } from '../../src/proof/index.js'
import { fileWorkers, sessionWorkers } from '../../src/roles/workers.js'
import { inlineUserJobs } from '../../src/session/index.js'
import { flip, honestBundle, integers, kernel, register, seeded } from '../proof/fixture.js'

const random = seeded('workers')
const { manifest } = register('workers')

test('sessions get their work done on worker threads unless there are to be none', async t => {
  const { pool, jobs } = sessionWorkers({ kernel, random })
  t.teardown(() => pool!.stop())
  const x = integers(random, manifest.groups[0]!.dIn, 1000)
  const here = await inlineUserJobs({ kernel, manifest, random }).commitInputs({ group: 0, x })
  t.deepEqual(await jobs.user!(manifest).commitInputs({ group: 0, x }), here)
  t.like(sessionWorkers({ kernel, random, threads: 0 }), { pool: undefined, jobs: {}, registration: { atOnce: 1 }, checks: undefined })
})

test('jobs that are given come before those of the pool', t => {
  const given = { user: () => inlineUserJobs({ kernel, manifest, random }) }
  const { jobs } = sessionWorkers({ kernel, random, threads: 1 }, given)
  t.is(jobs.user, given.user)
  t.is(typeof jobs.contributor, 'function')
})

test('proof files are verified on threads as in this one', async t => {
  const { adapter } = register('workers')
  const { bundle } = honestBundle(adapter, 'file')
  const bytes = encodeProofFile({ manifest: manifest.bytes, bundles: [bundle] })
  const workers = fileWorkers(1)
  t.teardown(() => workers.stop())
  const { verifyFile: here } = sessionWorkers({ kernel, random, threads: 0 })
  for (const file of [bytes, flip(bytes, bytes.length - 40), bytes.subarray(1)]) {
    const [there, expected] = await Promise.all([workers.verifyFile('a file', file), here('a file', file)])
    t.deepEqual({ ...there, elapsed: null }, { ...expected, elapsed: null })
  }
  t.is((await here('a file', bytes)).verdict, 'valid')
})

test('threads work in a program that is given on the command line', t => {
  const program = `import { fileWorkers } from '${pathToFileURL(resolve('dist/src/roles/workers.js')).href}'
const workers = fileWorkers(1)
console.log((await workers.verifyFile('x', new Uint8Array(3))).verdict)
await workers.stop()`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  t.is(stdout, 'unchecked\n', stderr)
})
