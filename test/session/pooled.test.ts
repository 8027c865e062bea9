import test from 'ava'
import { InvalidProofError, MalformedMessageError } from '../../src/errors.js'
import { WorkerPool } from '../../src/kernel/index.js'
import { hidden, outputs } from '../../src/lora/delta.js'
import { nodeWorker } from '../../src/roles/threads.js'
import { PooledJobs } from '../../src/session/index.js'
import { integers, kernel, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, random, serve, smallAdapter } from './pair.js'

const pool = new WorkerPool({ module: new URL('../../src/roles/worker.js', import.meta.url), worker: nodeWorker, threads: 2 })
const jobs = new PooledJobs({ pool, kernel, random })
const { adapter, manifest } = smallAdapter()
test.after.always(() => pool.stop())

test('a session whose work is done on worker threads gives exact deltas and a bundle that verifies', async t => {
  const [user, contributor] = [jobs.user(manifest), jobs.contributor(adapter)]
  const pair = makePair({ user: { jobs: user, commitRows: 4 }, contributor: { jobs: contributor } })
  const carried = carryPair(pair)
  const served = serve(pair.contributor)
  const inputs = seeded('inputs')
  for (let token = 0; token < 3; token++) {
    await Promise.all(
      adapter.quantized.groups.map(async (group, g) => {
        const x = integers(inputs, group.dIn, 32767)
        t.deepEqual(await pair.user.request(g, token, x), outputs(group, hidden(group, x, 1), 1))
      })
    )
  }
  const proof = await finish(pair.user, user)
  await Promise.all([carried, served])
  t.true(proof.whole)
  t.is(proof.end, 6)
})

test('what does not verify on a worker thread is refused as in this one', async t => {
  await t.throwsAsync(jobs.user(manifest).verify(new Uint8Array(100)), { instanceOf: MalformedMessageError })
  const x = integers(seeded('x'), adapter.manifest.groups[0]!.dIn, 32767)
  const commitments = await jobs.user(manifest).commitInputs({ group: 0, x })
  x[0]! += 1
  const wrong = jobs.contributor(adapter).checkInputs({ firstRow: 0, runs: [{ group: 0, x }], commitments, cy: commitments })
  await t.throwsAsync(wrong, { instanceOf: InvalidProofError, message: /does not open/ })
})

test('a manifest that is verified on a worker thread serves for bundles, there and here', async t => {
  const checked = await jobs.verifyManifest(manifest.bytes)
  t.deepEqual(checked, manifest)
  const pair = makePair({ user: { jobs: jobs.user(checked) } })
  const carried = carryPair(pair)
  const served = serve(pair.contributor)
  await pair.user.request(0, 0, integers(seeded('one row'), manifest.groups[0]!.dIn, 32767))
  const verified: Uint8Array[] = []
  const user = jobs.user(checked)
  const verify = async (bundle: Uint8Array): ReturnType<typeof user.verify> => {
    verified.push(bundle)
    return user.verify(bundle)
  }
  await finish(pair.user, { ...user, verify })
  await Promise.all([carried, served])
  const bundle = verified[0]!
  const items = [bundle, bundle.map((byte, i) => (i === 200 ? byte ^ 1 : byte)), bundle].map((bytes, i) => ({
    manifest: i === 2 ? manifest : checked,
    bundle: bytes
  }))
  const { results, elapsed } = await jobs.verifyBundles(items)
  t.like(results, { 0: { end: 1 }, 2: { end: 1 } })
  t.true(results[1] instanceof InvalidProofError)
  t.true(elapsed > 0)
  const bytes = manifest.bytes.slice()
  bytes[bytes.length - 40]! ^= 1
  await t.throwsAsync(jobs.verifyManifest(bytes), { instanceOf: InvalidProofError })
})
