import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { toHex } from '../../src/bytes.js'
import { Counters } from '../../src/counters.js'
import { contentDigest } from '../../src/proof/index.js'
import { openDatastore } from '../../src/roles/platform.js'
import { keptManifest, type SessionRecord, Store, STORE_LIMITS, type VerdictRecord } from '../../src/store/index.js'
import { bytes32, makeFeed, NOW } from '../net/announcements.js'
import { makeBundle, type MadeBundle } from '../network/bundles.js'
import { BASE, flip, OWNER_SECRET } from '../proof/fixture.js'

const open = (datastore = new MemoryDatastore(), init = {}): Promise<Store> => Store.open({ datastore, ...init })

async function adapterOf({ adapter }: MadeBundle, policy = { mode: 'open' as const, allow: [], limitRows: null }) {
  const { quantized, secret, salt, manifest, content } = adapter
  return { manifest, own: { quantized, ownerSeed: OWNER_SECRET, secret, salt, content, policy, added: 5 } }
}

test('a store of a newer version is refused, one of this version is opened again', async t => {
  const datastore = new MemoryDatastore()
  await open(datastore)
  await open(datastore)
  await datastore.put(new Key('/zklora/version'), new TextEncoder().encode('2'))
  await t.throwsAsync(open(datastore), { name: 'InvalidInputError', message: /version 2, this program knows 1/ })
})

test('an own adapter comes back with every weight, scale and secret', async t => {
  const datastore = new MemoryDatastore()
  const store = await open(datastore)
  const made = makeBundle('store', 'one')
  const { manifest, own } = await adapterOf(made)
  const entry = await store.adapters.put(manifest, own)
  t.deepEqual(entry, { id: toHex(manifest.id), name: 'tiny', base: toHex(BASE), groups: 2, policy: own.policy, added: 5 })
  const again = (await open(datastore)).adapters
  t.deepEqual(await again.get(manifest.id), { ...own, manifestBytes: manifest.bytes })
  t.deepEqual(await again.list(), [entry])
  t.true(await again.has(manifest.id))
  t.deepEqual(contentDigest(BASE, (await again.get(manifest.id)).quantized), own.content)
})

test('an own adapter’s policy can be changed, and the adapter removed', async t => {
  const store = await open()
  const { manifest, own } = await adapterOf(makeBundle('store', 'one'))
  await t.throwsAsync(store.adapters.get(manifest.id), { name: 'NotFoundError' })
  const listed = { mode: 'listed' as const, allow: ['12D3'], limitRows: 7 }
  await t.throwsAsync(store.adapters.setPolicy(manifest.id, listed), { name: 'NotFoundError' })
  await store.adapters.put(manifest, own)
  await store.adapters.setPolicy(manifest.id, listed)
  t.deepEqual((await store.adapters.get(manifest.id)).policy, listed)
  t.deepEqual(await keptManifest(store, manifest.id), manifest.bytes)
  await store.adapters.remove(manifest.id)
  t.deepEqual(await store.adapters.list(), [])
  t.is(await keptManifest(store, manifest.id), undefined)
})

test('own adapters are listed in the order in which they were added', async t => {
  const store = await open()
  for (const [seed, added] of [
    ['store', 9],
    ['gossip', 3]
  ] as const) {
    const { manifest, own } = await adapterOf(makeBundle(seed, 'one'))
    await store.adapters.put(manifest, { ...own, added })
  }
  t.deepEqual(
    (await store.adapters.list()).map(({ added }) => added),
    [3, 9]
  )
})

test('a verified manifest is kept; that it is verified is not a matter of bytes on a disk', async t => {
  const datastore = new MemoryDatastore()
  const store = await open(datastore)
  const { manifest } = makeBundle('store', 'one')
  await store.manifests.put(manifest)
  await store.manifests.put(manifest)
  t.is(store.manifests.verified(manifest.id), manifest)
  const again = await open(datastore)
  t.is(again.manifests.verified(manifest.id), undefined)
  t.deepEqual(await again.manifests.get(manifest.id), manifest.bytes)
  t.true(await again.manifests.has(manifest.id))
  t.is((await again.manifests.info(manifest.id))!.name, 'tiny')
  t.is((await again.manifests.list()).length, 1)
  t.is(again.sizes().manifests, manifest.bytes.length)
})

test('a bundle is found by digest, root and session, and is valid only through its proof', async t => {
  const store = await open()
  const { proof, bundle } = makeBundle('store', 'one')
  const proved = await store.bundles.putOwn(proof, bundle)
  t.like(proved, { valid: false, own: true, bytes: bundle.length, digest: toHex(proof.digest) })
  const verified = await store.bundles.putVerified(proof, bundle, { own: false })
  t.like(verified, { valid: true, own: true })
  t.like(await store.bundles.putOwn(proof, bundle), { valid: true })
  t.deepEqual(await store.bundles.get(proof.digest), bundle)
  t.deepEqual(await store.bundles.info(proof.digest), verified)
  t.deepEqual(await store.bundles.withRoot(proof.root), [verified])
  t.deepEqual(await store.bundles.ofSession(proof.session), [verified])
  t.deepEqual(await store.bundles.ofSession(bytes32(1)), [])
  t.is((await store.bundles.list()).length, 1)
  t.is(store.sizes()['own bundles'], bundle.length)
  t.is(store.sizes().bundles, 0)
})

test('bytes of another bundle are not kept under a proof', async t => {
  const store = await open()
  const { proof, bundle } = makeBundle('store', 'one')
  await t.throwsAsync(store.bundles.putVerified(proof, flip(bundle, 9), { own: true }), { name: 'InvalidProofError', message: /digest/ })
  t.is(await store.bundles.get(proof.digest), undefined)
})

const SESSIONS = ['one', 'two', 'three', 'four']

test('of others’ bundles the oldest go beyond the bound, own ones never', async t => {
  const all = SESSIONS.map(seed => makeBundle('store', seed))
  const bytes = all[0]!.bundle.length
  let now = 1000
  const datastore = new MemoryDatastore()
  const limits = { bundles: { bytes: 2.5 * bytes, age: 1e9 } }
  const counters = new Counters()
  const store = await open(datastore, { limits, counters, now: () => now++ })
  await store.bundles.putVerified(all[0]!.proof, all[0]!.bundle, { own: true })
  for (const { proof, bundle } of all.slice(1)) await store.bundles.putVerified(proof, bundle, { own: false })
  const left = await Promise.all(all.map(async ({ proof }) => (await store.bundles.get(proof.digest)) !== undefined))
  t.deepEqual(left, [true, false, true, true])
  t.deepEqual(await store.bundles.ofSession(all[1]!.proof.session), [])
  t.deepEqual(await store.bundles.withRoot(all[1]!.proof.root), [])
  t.deepEqual(store.bundles.bytes, { own: bytes, others: 2 * bytes })
  t.deepEqual(counters.limits.all(), { keptBundleBytes: 1 })
  // Counted again from the disk, and lowered by an operator.
  const again = await open(datastore, { limits: { bundles: { bytes: bytes, age: 1e9 } } })
  t.deepEqual(again.bundles.bytes, { own: bytes, others: 0 })
})

test('of others’ manifests the oldest go beyond the bound', async t => {
  const [one, two] = ['store', 'another store'].map(seed => makeBundle(seed, 'one').manifest)
  let now = 1000
  const limits = { manifests: { bytes: one!.bytes.length + two!.bytes.length - 1, age: Infinity } }
  const counters = new Counters()
  const store = await open(new MemoryDatastore(), { limits, counters, now: () => now++ })
  await store.manifests.put(one!)
  await store.manifests.put(two!)
  t.false(await store.manifests.has(one!.id))
  t.is(await store.manifests.info(one!.id), undefined)
  t.true(await store.manifests.has(two!.id))
  t.is(store.sizes().manifests, two!.bytes.length)
  t.deepEqual(counters.limits.all(), { keptManifestBytes: 1 })
})

test('others’ data goes when it is too old', async t => {
  let now = NOW
  const limits = Object.fromEntries(Object.keys(STORE_LIMITS).map(kind => [kind, { bytes: 1e9, age: 100 }]))
  const counters = new Counters()
  const store = await open(new MemoryDatastore(), { limits, counters, now: () => now })
  const { proof, bundle, manifest } = makeBundle('store', 'one')
  await store.bundles.putVerified(proof, bundle, { own: false })
  await store.manifests.put(manifest)
  for (const read of makeFeed(2)) await store.feeds.put(read)
  await store.verdicts.put(verdict({ announced: now }))
  now += 100
  t.is(await store.evict(), 0)
  now += 1
  t.is(await store.evict(), 5)
  // Two announcements and a verdict on one of them; manifests have no age of their own.
  t.deepEqual(counters.limits.all(), { keptBundleAge: 1, keptAnnouncementAge: 3 })
  t.deepEqual(store.sizes(), {
    'own bundles': 0,
    bundles: 0,
    announcements: 0,
    manifests: 0,
    verdicts: 0,
    journals: 0,
    'own rows': 0,
    evidence: 0
  })
  t.is(store.feeds.count, 0)
  t.deepEqual(await store.feeds.list(), [])
  t.is(store.verdicts.counts.valid, 0)
  t.is(await store.manifests.get(manifest.id), undefined)
})

test('a node that runs on forgets what is too old by itself, within the hour', async t => {
  let now = 0
  const limits = { verdicts: { bytes: 1e9, age: 1000 } }
  const store = await open(new MemoryDatastore(), { limits, now: () => now })
  await store.verdicts.put(verdict({ digest: 'old', announced: 0 }))
  now = 3_599_999
  await store.verdicts.put(verdict({ digest: 'later', announced: now }))
  t.is(store.verdicts.counts.valid, 2)
  now = 3_600_000
  await store.verdicts.put(verdict({ digest: 'last', announced: now }))
  t.deepEqual(
    (await store.verdicts.list()).map(({ digest }) => digest),
    ['last', 'later']
  )
})

function verdict(change: Partial<VerdictRecord> = {}): VerdictRecord {
  const ids = { digest: 'd1', root: 'aa', session: 'bb', adapter: 'cc', contributor: 'c1' }
  const rest = { adapterName: null, rows: 5, bundleBytes: 10, error: null, elapsed: 1, announced: 1, checked: 2, userSigned: true }
  return { ...ids, ...rest, verdict: 'valid', ...change }
}

test('a verdict belongs to a digest and a contributor: another’s false announcement does not touch it', async t => {
  const datastore = new MemoryDatastore()
  const store = await open(datastore)
  await store.verdicts.put(verdict({ verdict: 'announced' }))
  await store.verdicts.put(verdict())
  await store.verdicts.put(verdict({ contributor: 'c2', verdict: 'invalid', announced: 7 }))
  t.is((await store.verdicts.get('d1', 'c1'))!.verdict, 'valid')
  t.deepEqual(
    (await store.verdicts.list()).map(({ contributor }) => contributor),
    ['c2', 'c1']
  )
  t.deepEqual((await open(datastore, { now: () => 10 })).verdicts.counts, { announced: 0, valid: 1, invalid: 1, unavailable: 0 })
})

test('what is valid stays valid and signed while it is announced again, until it is found invalid', async t => {
  const store = await open(new MemoryDatastore(), { now: () => 10 })
  t.like(await store.verdicts.put(verdict()), { verdict: 'valid', userSigned: true })
  for (const given of ['announced', 'unavailable'] as const) t.is(await store.verdicts.put(verdict({ verdict: given })), undefined)
  t.like(await store.verdicts.put(verdict({ userSigned: false, announced: 5 })), { userSigned: true, announced: 5 })
  t.deepEqual(store.verdicts.counts, { announced: 0, valid: 1, invalid: 0, unavailable: 0 })
  t.like(await store.verdicts.put(verdict({ verdict: 'invalid', userSigned: false })), { verdict: 'invalid', userSigned: false })
  t.like(await store.verdicts.put(verdict({ userSigned: false })), { verdict: 'valid', userSigned: false })
})

test('a session is found by its identifier, its root and the digests of its bundles', async t => {
  const store = await open()
  const bundles = [{ digest: 'd0', root: 'f0', start: 0, end: 5, bytes: 9 }]
  const record: SessionRecord = {
    session: '50',
    role: 'user',
    adapter: 'aa',
    adapterName: 'tiny',
    base: 'bb',
    peer: '12D3',
    state: 'proved',
    rows: 5,
    root: 'f0',
    digest: 'd0',
    bundleBytes: 9,
    times: { commit: 1, prove: null, verify: 2 },
    started: 3,
    error: null,
    bundles,
    announcement: null
  }
  await store.sessions.put({ ...record, state: 'open', bundles: [] })
  await store.sessions.put(record)
  await store.sessions.put({ ...record, session: '51', started: 4, bundles: [] })
  for (const id of ['50', 'f0', 'd0']) t.deepEqual(await store.sessions.find(id), record)
  t.is(await store.sessions.find('99'), undefined)
  t.deepEqual(
    (await store.sessions.list()).map(({ session }) => session),
    ['51', '50']
  )
})

test('a store on disk is there after it was closed, and has one owner', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'zklora-store-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'store'), { mode: 0o755 })
  const datastore = await openDatastore(join(folder, 'store'))
  t.is((await stat(join(folder, 'store'))).mode & 0o777, 0o700)
  const store = await Store.open({ datastore })
  const made = makeBundle('store', 'one')
  const { manifest, own } = await adapterOf(made)
  await store.adapters.put(manifest, own)
  await store.bundles.putVerified(made.proof, made.bundle, { own: true })
  for (const read of makeFeed(3)) await store.feeds.put(read)
  await store.adapters.remove(bytes32(99))
  await t.throwsAsync(openDatastore(join(folder, 'store')), { name: 'InvalidInputError', message: /cannot be opened/ })
  await datastore.close()
  const reopened = await openDatastore(join(folder, 'store'))
  const again = await Store.open({ datastore: reopened })
  t.deepEqual(await again.adapters.get(manifest.id), { ...own, manifestBytes: manifest.bytes })
  t.deepEqual(await again.bundles.get(made.proof.digest), made.bundle)
  t.is((await again.feeds.range(makeFeed(1)[0]!.feed, 0n, 256)).length, 3)
  await reopened.close()
})

test('a secret is made once, and the same after a restart', async t => {
  const datastore = new MemoryDatastore()
  const make = (): Uint8Array => new Uint8Array(32).fill(7)
  t.deepEqual(await (await Store.open({ datastore })).secret('sampling', make), make())
  const again = await Store.open({ datastore })
  t.deepEqual(await again.secret('sampling', () => t.fail() as never), make())
  t.deepEqual(await again.secret('another', () => new Uint8Array(1)), new Uint8Array(1))
})
