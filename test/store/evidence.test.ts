import test, { type ExecutionContext } from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { toHex } from '../../src/bytes.js'
import { Counters } from '../../src/counters.js'
import { InvalidProofError } from '../../src/errors.js'
import { publicKeyOf } from '../../src/proof/index.js'
import { checkEvidence, type CheckedEvidence, contradictionOf, feedForkOf, Store, type StoreLimits } from '../../src/store/index.js'
import { bytes32, CONTRIBUTOR, delegation, make, OWNER, USER } from '../net/announcements.js'
import { contextOf, kernel, makeTails, OWNER_SECRET, random, signedTail, smallSession } from './evidence-of.js'

/** A fork at some index of the feed of some contributor. */
function fork(index: number, { seed = CONTRIBUTOR, delegated = false }: { seed?: Uint8Array; delegated?: boolean } = {}): CheckedEvidence {
  const place = { index: BigInt(index), previous: bytes32(index === 0 ? 0 : 9) }
  const change = { ...place, ...(delegated && { delegation: delegation({ key: publicKeyOf(seed) }) }) }
  const [one, other] = [1, 2].map(digest => make({ statement: { digest: bytes32(digest) }, contributor: seed, change }))
  return checkEvidence(feedForkOf(one!, other!)!, { kernel, random })
}

async function open(
  t: ExecutionContext,
  { datastore = new MemoryDatastore(), ...init }: { datastore?: MemoryDatastore; limits?: Partial<StoreLimits>; counters?: Counters } = {}
): Promise<Store> {
  let now = 0
  const store = await Store.open({ datastore, ...init, now: () => ++now })
  t.teardown(() => store.close())
  return store
}

const key = publicKeyOf(CONTRIBUTOR)

test('evidence convicts the contributor key and the owner who delegated to it, and nobody else, also after a restart', async t => {
  const datastore = new MemoryDatastore()
  const evidence = fork(3, { delegated: true })
  const first = await open(t, { datastore })
  const kept = await first.evidence.put(evidence)
  t.like(kept, { id: toHex(evidence.id), kind: 'feed fork', key: toHex(key), owners: [toHex(publicKeyOf(OWNER))] })
  t.is(await first.evidence.put(evidence), undefined)
  for (const store of [first, await open(t, { datastore })]) {
    t.deepEqual(store.evidence.against(key), kept)
    t.deepEqual(store.evidence.against(publicKeyOf(OWNER)), kept)
    t.is(store.evidence.against(publicKeyOf(USER)), undefined)
    t.deepEqual(await store.evidence.get(evidence.id), evidence.bytes)
    t.deepEqual(store.evidence.list(), [kept])
    t.is(store.evidence.keys, 2)
    t.is(store.sizes()['evidence'], evidence.bytes.length)
  }
})

test('of one key four are kept', async t => {
  const { evidence } = await open(t)
  for (let index = 0; index < 4; index++) t.not(await evidence.put(fork(index)), undefined)
  t.true(evidence.isFullOf(key))
  t.is(await evidence.put(fork(4)), undefined)
  t.false(evidence.isFullOf(publicKeyOf(OWNER)))
  t.is(evidence.list().length, 4)
})

test('beyond the bound in bytes the oldest of whoever has the most go, and who has one keeps it', async t => {
  const { length } = fork(0).bytes
  const counters = new Counters()
  const store = await open(t, { limits: { evidence: { bytes: 3 * length, age: Infinity } }, counters })
  const other = fork(0, { seed: OWNER })
  await store.evidence.put(other)
  for (let index = 0; index < 3; index++) await store.evidence.put(fork(index))
  const kept = store.evidence.list().filter(info => info.kept)
  t.true(kept.reduce((sum, { bytes }) => sum + bytes, 0) <= 3 * length)
  t.true(kept.some(({ id }) => id === toHex(other.id)))
  t.false(kept.some(({ id }) => id === toHex(fork(0).id)))
  t.true(store.evidence.against(publicKeyOf(OWNER))!.kept)
  t.true(store.evidence.against(key)!.kept)
  t.is(store.evidence.bytes, store.sizes()['evidence']!)
  t.true(counters.limits.all().keptEvidenceBytes! > 0)
})

test('whoever makes keys by the hundred pushes out another’s bytes, and not what they have shown, also after a restart', async t => {
  const datastore = new MemoryDatastore()
  const other = fork(0, { delegated: true })
  const limits = { evidence: { bytes: 4 * other.bytes.length, age: Infinity } }
  const store = await open(t, { datastore, limits })
  const info = await store.evidence.put(other)
  for (let seed = 100; seed < 120; seed++) await store.evidence.put(fork(0, { seed: bytes32(seed) }))
  t.true(store.evidence.bytes <= limits.evidence.bytes)
  t.is(await store.evidence.get(other.id), undefined)
  for (const each of [store, await open(t, { datastore, limits })]) {
    t.deepEqual(each.evidence.against(key), { ...info!, kept: false })
    t.deepEqual(each.evidence.against(publicKeyOf(OWNER)), { ...info!, kept: false })
    t.is(each.evidence.list().length, 21)
  }
})

test('evidence whose bytes went is checked and kept again when they come again, without a second record', async t => {
  const store = await open(t, { limits: { evidence: { bytes: fork(0).bytes.length, age: Infinity } } })
  await store.evidence.put(fork(0))
  await store.evidence.put(fork(0, { seed: OWNER }))
  t.false(store.evidence.against(key)!.kept)
  t.like(await store.evidence.put(fork(0)), { id: toHex(fork(0).id), kept: true })
  t.is(store.evidence.list().length, 2)
  t.false(store.evidence.against(publicKeyOf(OWNER))!.kept)
})

test('of one key whose bytes went newer evidence is kept, in the place of a record that convicts nobody else', async t => {
  const store = await open(t, { limits: { evidence: { bytes: 2 * fork(0, { delegated: true }).bytes.length, age: Infinity } } })
  const delegated = fork(0, { delegated: true })
  await store.evidence.put(delegated)
  for (let index = 1; index < 9; index++) await store.evidence.put(fork(index))
  const list = store.evidence.list()
  t.is(list.length, 4)
  t.deepEqual(list.map(({ id, kept }) => [id, kept])[0], [toHex(delegated.id), false])
  t.is(list.at(-1)!.id, toHex(fork(8).id))
  t.true(list.at(-1)!.kept)
  t.not(store.evidence.against(publicKeyOf(OWNER)), undefined)
})

test('an owner’s replicas together have one share of the room, and sixteen records', async t => {
  const store = await open(t, { limits: { evidence: { bytes: 4 * fork(0).bytes.length, age: Infinity } } })
  const other = fork(0)
  await store.evidence.put(other)
  for (let seed = 100; seed < 120; seed++) await store.evidence.put(fork(0, { seed: bytes32(seed), delegated: true }))
  t.true(store.evidence.against(key)!.kept)
  t.is(store.evidence.list().length, 17)
  const owners = [publicKeyOf(OWNER)]
  t.true(store.evidence.isFullOf(publicKeyOf(bytes32(99)), owners))
  t.false(store.evidence.isFullOf(publicKeyOf(bytes32(99))))
  t.is(store.evidence.against(publicKeyOf(bytes32(119))), undefined)
})

test('of convictions so many are remembered: of whom the most is known goes first, of others one by lot', async t => {
  const counters = new Counters()
  const datastore = new MemoryDatastore()
  const limits = { evidence: { bytes: Infinity, age: Infinity, records: 3 } }
  const store = await Store.open({ datastore, limits, counters })
  for (const index of [0, 1]) await store.evidence.put(fork(index))
  for (const seed of [OWNER, USER]) await store.evidence.put(fork(0, { seed }))
  t.is(store.evidence.list().length, 3)
  for (const each of [key, publicKeyOf(OWNER), publicKeyOf(USER)]) t.not(store.evidence.against(each), undefined)
  await store.evidence.put(fork(0, { seed: bytes32(100) }))
  t.is(store.evidence.list().length, 3)
  t.is(store.evidence.keys, 3)
  t.is(
    store.evidence.bytes,
    store.evidence.list().reduce((sum, { bytes }) => sum + bytes, 0)
  )
  t.deepEqual(counters.limits.all(), { keptConvictions: 2 })
  await store.close()
  t.deepEqual((await open(t, { datastore, limits })).evidence.list(), store.evidence.list())
})

test('announcements of two places, or the same twice, are made into nothing', t => {
  const one = make()
  t.is(feedForkOf(one, one), undefined)
  t.is(feedForkOf(one, make({ change: { index: 1n, previous: bytes32(9) } })), undefined)
  t.is(feedForkOf(one, make({ statement: { adapter: bytes32(99) } })), undefined)
})

test('among a contributor’s tails the first contradiction is found, in whatever order they came', t => {
  const { context, session } = smallSession()
  const tail = signedTail(session)
  const [open8, other8, open9, closed8] = [
    tail({ accepted: 8 }),
    tail({ accepted: 8, publicHash: bytes32(77) }),
    tail({ accepted: 9 }),
    tail({ accepted: 8, closed: true })
  ]
  const kindOf = (...tails: Parameters<typeof contradictionOf>[2]): string | undefined => {
    const bytes = contradictionOf(context, publicKeyOf(OWNER_SECRET), tails)
    return bytes === undefined ? undefined : checkEvidence(bytes, { kernel, random }).kind
  }
  t.is(kindOf(open8, open9, open8), undefined)
  t.is(kindOf(open9, other8, open8), 'session fork')
  t.is(kindOf(open9, closed8), 'rows after closing')
  t.is(kindOf(closed8, open8), undefined)
  // Whoever cannot show the contributor's signature shows nothing.
  const bytes = contradictionOf(context, publicKeyOf(OWNER_SECRET), [open8, { ...other8, signature: open8.signature }])!
  t.throws(() => checkEvidence(bytes, { kernel, random }), {
    instanceOf: InvalidProofError,
    message: /^evidence: .*not signed by the contributor/
  })
})

test('an honest session’s tails contradict nothing', t => {
  const { adapter, context, rows } = smallSession()
  const tails = [1, 2, 3].map(count => makeTails(context, rows.slice(0, count), { change: { closed: count === 3 } }).contributorTail)
  t.is(contradictionOf(contextOf(adapter), publicKeyOf(OWNER_SECRET), [...tails, tails[2]!]), undefined)
})
