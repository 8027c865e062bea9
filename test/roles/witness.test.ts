import test, { type ExecutionContext } from 'ava'
import { defaultLogger } from '@libp2p/logger'
import { MemoryDatastore } from 'datastore-core'
import { toHex } from '../../src/bytes.js'
import { publicKeyOf, type Tail, type VerifiedProof, verify } from '../../src/proof/index.js'
import { Witness } from '../../src/roles/witness.js'
import type { EvidenceJob } from '../../src/roles/workers.js'
import { checkEvidence, type CheckedEvidence, type FeedAnnouncement, feedForkOf, Store, type StoreLimits } from '../../src/store/index.js'
import { bytes32, delegation, make, OWNER } from '../net/announcements.js'
import { honestBundle, kernel, OWNER_SECRET, register, seeded, type SessionOptions } from '../proof/fixture.js'

const random = seeded('witness')

interface Scene {
  readonly store: Store
  readonly witness: Witness
  /** What is checked, and how many are at a time, at most. */
  readonly jobs: EvidenceJob[]
  readonly busy: { now: number; most: number }
}

async function scene(t: ExecutionContext, limits: Partial<StoreLimits> = {}): Promise<Scene> {
  const store = await Store.open({ datastore: new MemoryDatastore(), limits })
  t.teardown(() => store.close())
  const [jobs, busy]: [EvidenceJob[], Scene['busy']] = [[], { now: 0, most: 0 }]
  const check = async (job: EvidenceJob): Promise<CheckedEvidence> => {
    jobs.push(job)
    busy.most = Math.max(busy.most, ++busy.now)
    await new Promise(setImmediate)
    busy.now--
    return checkEvidence(job.bytes, { kernel, random, ...job })
  }
  return { store, witness: new Witness({ store, check, log: () => defaultLogger().forComponent('test') }), jobs, busy }
}

/** The store has one of two announcements with an index; the witness sees the other. */
async function seeFork({ store, witness }: Scene, index: bigint, { seed, delegated = false }: { seed: number; delegated?: boolean }) {
  const contributor = bytes32(seed)
  const place = { index, previous: bytes32(index === 0n ? 0 : 9) }
  const change = { ...place, ...(delegated && { delegation: delegation({ key: publicKeyOf(contributor) }) }) }
  const [one, other] = [1, 2].map(fill => make({ contributor, statement: { digest: bytes32(fill) }, change }))
  await store.feeds.put(one!)
  witness.announced(other!)
}

test('what is seen is checked one at a time, and of one key four are checked, however many come', async t => {
  const it = await scene(t)
  for (let index = 0n; index < 12n; index++) await seeFork(it, 2n * index, { seed: 100 })
  await it.witness.idle()
  await seeFork(it, 40n, { seed: 100 })
  await it.witness.idle()
  t.is(it.jobs.length, 4)
  t.is(it.busy.most, 1)
  t.is(it.store.evidence.list().length, 4)
})

test('of an owner that delegates to key after key sixteen are checked', async t => {
  const it = await scene(t)
  for (let seed = 100; seed < 120; seed++) {
    await seeFork(it, 0n, { seed, delegated: true })
    await it.witness.idle()
  }
  t.is(it.jobs.length, 16)
  t.is(it.store.evidence.list().filter(({ owners }) => owners.includes(toHex(publicKeyOf(OWNER)))).length, 16)
})

/** What is seen meanwhile is told to the witness at once. */
async function atOnce({ witness, ...it }: Scene, see: (late: Scene) => Promise<void>): Promise<void> {
  const seen: FeedAnnouncement[] = []
  await see({ ...it, witness: { announced: (read: FeedAnnouncement) => seen.push(read) } as unknown as Witness })
  for (const read of seen) witness.announced(read)
  await witness.idle()
}

test('of one key few observations wait, and leave their places to others', async t => {
  const it = await scene(t)
  await atOnce(it, async late => {
    for (let index = 0n; index < 50n; index++) await seeFork(late, 2n * index, { seed: 100 })
    await seeFork(late, 0n, { seed: 101 })
  })
  t.true(it.store.evidence.against(publicKeyOf(bytes32(101)))!.kept)
})

test('what is seen at once of very many keys waits within a bound', async t => {
  const it = await scene(t)
  await atOnce(it, async late => {
    for (let seed = 100; seed < 150; seed++) await seeFork(late, 0n, { seed })
  })
  // One is checked while 32 wait.
  t.is(it.jobs.length, 33)
})

const { adapter, manifest } = register('witness')

/** Bundles of one session of five rows; the contributor's tails are told. */
function bundleOf(seed: string, tails: Partial<Tail>, options: SessionOptions = {}): { proof: VerifiedProof; bundle: Uint8Array } {
  const { bundle } = honestBundle(adapter, seed, { ...options, tails })
  return { bundle, proof: verify({ kernel, manifest, bundle, random }) }
}

test('a second story is found behind any number of later bundles of its session', async t => {
  const it = await scene(t)
  const see = async ({ proof, bundle }: ReturnType<typeof bundleOf>): Promise<void> => {
    await it.store.bundles.putVerified(proof, bundle, { own: false })
    it.witness.proved(proof, manifest)
    await it.witness.idle()
  }
  const one = bundleOf('one', { closed: false })
  await see(one)
  // A bundle ends where its tail's public hash does: later ones of the same start are later rows.
  let { publicEnd, end } = one.proof
  for (let later = 0; later < 5; later++) {
    const next = bundleOf(`later ${later}`, { closed: false }, { first: end, publicAtStart: publicEnd, groups: [0] })
    await see(next)
    ;({ publicEnd, end } = next.proof)
  }
  t.deepEqual(it.jobs, [])
  await see(bundleOf('another', { closed: false }))
  const [info] = it.store.evidence.list()
  t.like(info, { kind: 'session fork', key: toHex(publicKeyOf(OWNER_SECRET)) })
  // A bundle that is verified again says nothing against itself.
  await see(one)
  t.is(it.store.evidence.list().length, 1)
})

test('a bundle that closed before others went on is found, whichever comes first', async t => {
  const open = bundleOf('one', { closed: false })
  const rest = { first: open.proof.end, publicAtStart: open.proof.publicEnd, groups: [0] }
  const later = bundleOf('later', { closed: false }, rest)
  const closed = bundleOf('one', { closed: true })
  for (const order of [
    [closed, later],
    [later, closed]
  ]) {
    const it = await scene(t)
    for (const { proof, bundle } of order) {
      await it.store.bundles.putVerified(proof, bundle, { own: false })
      it.witness.proved(proof, manifest)
      await it.witness.idle()
    }
    t.deepEqual(
      it.store.evidence.list().map(({ kind }) => kind),
      ['rows after closing']
    )
  }
})

test('a manifest that was verified here is not verified again, one in a file is', async t => {
  const it = await scene(t)
  const { bundle } = bundleOf('one', {})
  const read = make()
  it.witness.refused(read, manifest, bundle)
  await it.witness.idle()
  t.deepEqual(
    it.jobs.map(({ isManifestVerified }) => isManifestVerified),
    [true]
  )
  // It was neither this adapter's manifest nor this bundle that the announcement tells of.
  t.deepEqual(it.store.evidence.list(), [])
  const fork = feedForkOf(make(), make({ statement: { length: 7 } }))!
  t.like(await it.witness.add(fork), { kind: 'feed fork', kept: true })
  t.false(it.jobs.at(-1)!.isManifestVerified)
})

test('evidence whose bytes went is told of with who may have them, and taken again', async t => {
  const fork = feedForkOf(make(), make({ statement: { length: 7 } }))!
  const it = await scene(t, { evidence: { bytes: 1, age: Infinity } })
  const { id, kept } = await it.witness.add(fork)
  t.false(kept)
  t.false(it.witness.against(make().announcement.statement.contributorKey)!.kept)
  await t.throwsAsync(it.witness.get(id), { name: 'NotFoundError', message: /went for want of room.*zklora evidence add/ })
  t.is((await it.witness.add(fork)).id, id)
})
