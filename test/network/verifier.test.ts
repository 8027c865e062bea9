import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import test, { type ExecutionContext } from 'ava'
import { fromHex, toHex } from '../../src/bytes.js'
import { hash, PoolFullError, WorkerLostError } from '../../src/kernel/index.js'
import { adapterKey, type AnnouncementBody, type Heard } from '../../src/net/index.js'
import {
  certifiedEntries,
  decodeManifest,
  sign,
  signDelegation,
  publicKeyOf,
  verify,
  verifyBatch,
  verifyManifest
} from '../../src/proof/index.js'
import { verifyFile } from '../../src/browser/verify-file.js'
import { KnownProofs } from '../../src/roles/known.js'
import type { VerdictInfo } from '../../src/roles/types.js'
import { Verifier, type VerifierChecks, type VerifierInit, type VerifierLimits } from '../../src/roles/verifier.js'
import { Witness } from '../../src/roles/witness.js'
import type { EvidenceJob } from '../../src/roles/workers.js'
import {
  ANNOUNCEMENT_LABEL,
  checkEvidence,
  type CheckedEvidence,
  type FeedAnnouncement,
  feedId,
  openAnnouncement,
  RECEIPT_LABEL,
  Store
} from '../../src/store/index.js'
import { encodeAnnouncement, encodeStatement, encodeUnsigned, NO_PREVIOUS, type UnsignedAnnouncement } from '../../src/wire/announcement.js'
import { event, startNode, type TestNode } from '../net/nodes.js'
import { flip, honestBundle, kernel, OWNER_SECRET, seeded, USER_SECRET } from '../proof/fixture.js'
import { bodyOf, keep, makeBundle, type MadeBundle, statementOf } from './bundles.js'

interface Scene {
  readonly holder: TestNode
  readonly here: TestNode
  readonly verifier: Verifier
  readonly verdicts: VerdictInfo[]
  readonly witness: Witness
  /** Lets the verifier hear an announcement, as gossip would. */
  hear(body: AnnouncementBody, change?: Partial<UnsignedAnnouncement>): Promise<void>
}

/** A verifier that hears what the test tells it, and a holder that it can dial. */
async function scene(t: ExecutionContext, init: Partial<VerifierInit> = {}): Promise<Scene> {
  const [holder, here] = await Promise.all([startNode(t, { roles: ['contributor'] }), startNode(t)])
  await here.net.node.peerStore.patch(holder.net.node.peerId, { multiaddrs: holder.net.node.getMultiaddrs() })
  let tell!: (heard: Heard) => void
  const listen = (listener: (heard: Heard) => void): (() => void) => {
    tell = listener
    return () => {}
  }
  const net = { ...here.net, announce: { ...here.net.announce, listen } as unknown as TestNode['net']['announce'] }
  const check = async ({ bytes, ...known }: EvidenceJob): Promise<CheckedEvidence> =>
    checkEvidence(bytes, { kernel, random: seeded('witness'), ...known })
  const witness = new Witness({ store: here.store, check, log: () => here.net.node.logger.forComponent('test') })
  const verifier = new Verifier({ net, store: here.store, kernel, random: seeded('verifier'), witness, counters: here.counters, ...init })
  const verdicts: VerdictInfo[] = []
  verifier.listen(verdict => verdicts.push(verdict))
  verifier.start()
  t.teardown(() => verifier.stop())
  return {
    holder,
    here,
    verifier,
    verdicts,
    witness,
    async hear(body, change = {}) {
      tell({ read: announced(body, change), from: holder.net.node.peerId })
      await verifier.idle()
      await witness.idle()
    }
  }
}

/** Signed by the contributor of the fixtures; the first of its feed unless told otherwise. */
function announced(body: AnnouncementBody, change: Partial<UnsignedAnnouncement> = {}): FeedAnnouncement {
  const unsigned = { ...body, index: 0n, previous: NO_PREVIOUS, ...change }
  return openAnnouncement(encodeAnnouncement({ ...unsigned, signature: sign(OWNER_SECRET, ANNOUNCEMENT_LABEL, encodeUnsigned(unsigned)) }))
}

/** Real verification, which begins when it is let go. */
function heldChecks(): VerifierChecks & { readonly go: () => void; readonly begun: Promise<void> } {
  let go!: () => void
  let begin!: () => void
  const gone = new Promise<void>(resolve => (go = resolve))
  const begun = new Promise<void>(resolve => (begin = resolve))
  return {
    manifest: async bytes => verifyManifest({ kernel, manifest: decodeManifest(bytes), random: seeded('held') }),
    bundles: async items => {
      begin()
      await gone
      return { results: verifyBatch({ kernel, items, random: seeded('held') }), elapsed: 1 }
    },
    atOnce: 1,
    batchBytes: 0,
    go: () => go(),
    begun
  }
}

const made = makeBundle('verifier', 'one')
const last = ({ verdicts }: Scene): VerdictInfo => verdicts.at(-1)!

async function heard(t: ExecutionContext, change: (body: AnnouncementBody) => AnnouncementBody, of: MadeBundle = made): Promise<Scene> {
  const it = await scene(t)
  await keep(it.holder.store, of)
  await it.hear(change(bodyOf(of, it.holder.net.node.peerId)))
  return it
}

test('announced, then valid, with the time that it took', async t => {
  const it = await heard(t, body => body)
  const { busy, used, ...configured } = it.verifier.load
  t.deepEqual(configured, { share: 0.5, lanes: 1 })
  // Of the last ten seconds: on a busy machine they may be over.
  t.true(busy > 0 && used >= 0, `${busy} ${used}`)
  t.deepEqual(
    it.verdicts.map(({ verdict }) => verdict),
    ['announced', 'valid']
  )
  t.like(last(it), { adapterName: 'tiny', userSigned: true, error: null, rows: 5, bundleBytes: made.bundle.length })
  t.true(last(it).elapsed! > 0)
  t.like(await it.here.store.bundles.info(made.proof.digest), { valid: true, own: false })
  t.deepEqual(await it.here.store.verdicts.list(), [last(it)])
})

/** The statement says something else than the bundle; both signed it. */
const lies: [string, Partial<MadeBundle['statement']>, RegExp][] = [
  ['another session', { session: new Uint8Array(32).fill(9) }, /session/],
  ['other rows', { end: 6 }, /rows/],
  ['another root', { root: new Uint8Array(32).fill(9) }, /root/],
  ['another public hash before', { publicStart: new Uint8Array(32).fill(9) }, /before/],
  ['another public hash after', { publicEnd: new Uint8Array(32).fill(9) }, /after/],
  ['another user', { userKey: publicKeyOf(OWNER_SECRET) }, /user key/],
  ['a greater length', { length: made.bundle.length + 1 }, /length/]
]

for (const [what, change, message] of lies) {
  test(`an announcement that tells ${what} is invalid`, async t => {
    const it = await heard(t, body => ({ ...body, statement: { ...body.statement, ...change } }))
    t.is(last(it).verdict, 'invalid')
    t.regex(last(it).error!, message)
    t.regex(last(it).error!, /announcement/)
    t.is(await it.here.store.bundles.get(made.proof.digest), undefined)
  })
}

test('a replica that announces, with its delegation, a bundle that the owner’s key served is found out', async t => {
  const contributorKey = publicKeyOf(USER_SECRET)
  const share = { adapter: made.manifest.id, key: contributorKey, expiry: 4_000_000_000n, share: 5n }
  const delegation = { owner: publicKeyOf(OWNER_SECRET), ...signDelegation(OWNER_SECRET, share) }
  const copied = await heard(t, body => ({ ...body, statement: { ...body.statement, contributorKey }, delegation }))
  t.is(last(copied).verdict, 'invalid')
  t.regex(last(copied).error!, /contributor key/)
})

test('an announcement of a time before its session’s, but for ten minutes, is invalid', async t => {
  const started = BigInt(Math.floor(Date.now() / 1000))
  const recent = makeBundle('verifier', 'recent', started)
  const at = (time: bigint) => heard(t, body => ({ ...body, time }), recent)
  t.is(last(await at((started - 600n) * 1000n)).verdict, 'valid')
  const early = last(await at((started - 600n) * 1000n - 1n))
  t.is(early.verdict, 'invalid')
  t.regex(early.error!, /session started later/)
})

test('a bundle that does not verify is invalid, with the step', async t => {
  const it = await scene(t)
  const { bundle } = made
  // A scalar at the end of the proof; its holder is honest about these bytes.
  const forged = flip(bundle, bundle.length - 40)
  const info = await it.holder.store.bundles.putOwn(made.proof, forged)
  await it.holder.store.manifests.put(made.manifest)
  const body = bodyOf(made, it.holder.net.node.peerId)
  const digest = Uint8Array.from(info.digest.match(/../g)!, digits => Number.parseInt(digits, 16))
  await it.hear({ ...body, statement: { ...body.statement, digest } })
  t.is(last(it).verdict, 'invalid')
  t.regex(last(it).error!, /inner product|equations/)
  t.is(it.here.store.verdicts.counts.invalid, 1)
})

test('a bundle that nobody has is unavailable', async t => {
  const it = await scene(t)
  await it.holder.store.manifests.put(made.manifest)
  await it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.is(last(it).verdict, 'unavailable')
  t.regex(last(it).error!, /does not have it/)
})

test('a length below the real one is a holder that does not serve it: unavailable', async t => {
  const it = await heard(t, body => ({ ...body, statement: { ...body.statement, length: made.bundle.length - 1 } }))
  t.is(last(it).verdict, 'unavailable')
})

test('a manifest that nobody has, or this node as its own holder, is unavailable', async t => {
  const it = await scene(t)
  await it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.like(last(it), { verdict: 'unavailable', adapterName: null })
  await it.hear(bodyOf(made, it.here.net.node.peerId))
  t.regex(last(it).error!, /nobody is known/)
  t.is((await it.here.store.feeds.list()).length, 0)
})

test('an announcement by a key that is not the owner’s is dropped, and not stored', async t => {
  const it = await scene(t)
  await keep(it.holder.store, made)
  await it.hear(bodyOf(made, it.holder.net.node.peerId, { statement: { ...made.statement, contributorKey: publicKeyOf(USER_SECRET) } }))
  t.deepEqual(it.verdicts, [])
  t.is(it.verifier.counters.dropped.owner, 1)
  t.is((await it.here.store.feeds.list()).length, 0)
})

test('the same announcement and another of its index are dropped', async t => {
  const it = await heard(t, body => body)
  const body = bodyOf(made, it.holder.net.node.peerId)
  const first = (await it.here.store.feeds.range(feedId(made.statement.contributorKey, made.manifest.id), 0n, 1))[0]!
  await it.hear({ ...body, time: openAnnouncement(first).announcement.time })
  await it.hear({ ...body, time: body.time + 1n })
  t.like(it.verifier.counters.dropped, { known: 1, conflict: 1 })
  t.is(it.verdicts.length, 2)
})

test('a bundle that is kept already is not fetched again', async t => {
  const it = await scene(t)
  await keep(it.here.store, made)
  await it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.is(last(it).verdict, 'valid')
  t.is(it.holder.net.fetch.counters.answered['bundle 0'], undefined)
  t.like(await it.here.store.bundles.info(made.proof.digest), { own: true })
})

test('a manifest kept from an earlier run is verified again, not fetched', async t => {
  const it = await scene(t)
  const old = await Store.open({ datastore: it.here.datastore })
  await old.manifests.put(made.manifest)
  await it.holder.store.bundles.putVerified(made.proof, made.bundle, { own: true })
  await it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.is(last(it).verdict, 'valid')
  t.is(it.holder.net.fetch.counters.answered['bundle 0'], 1)
  t.is(it.holder.net.fetch.counters.answered['manifest 0'], undefined)
})

test('two announcements of one unknown adapter fetch its manifest once', async t => {
  const it = await scene(t)
  const other = makeBundle('verifier', 'two')
  for (const of of [made, other]) await keep(it.holder.store, of)
  const holder = it.holder.net.node.peerId
  const first = it.hear(bodyOf(made, holder))
  await Promise.all([first, it.hear(bodyOf(other, holder), { index: 5n, previous: new Uint8Array(32).fill(1) })])
  t.is(it.here.store.verdicts.counts.valid, 2)
  t.is(it.holder.net.fetch.counters.answered['manifest 0'], 1)
})

test('one owner fills its own share of the queue, not that of others', async t => {
  const it = await scene(t, { limits: { verifierQueuePerOwner: 1 } })
  await keep(it.holder.store, made)
  const holder = it.holder.net.node.peerId
  const first = it.hear(bodyOf(made, holder))
  await it.hear(bodyOf(makeBundle('verifier', 'more'), holder), { index: 5n, previous: new Uint8Array(32).fill(1) })
  await first
  t.is(it.verifier.counters.dropped['queue of the owner full'], 1)
  t.deepEqual(it.here.counters.limits.all(), { verifierQueuePerOwner: 1 })
  t.is(last(it).verdict, 'valid')
})

test('a store that cannot be written ends one announcement, not the verifier', async t => {
  const it = await scene(t)
  await keep(it.holder.store, made)
  const { verdicts } = it.here.store
  const put = verdicts.put.bind(verdicts)
  verdicts.put = async () => {
    throw new Error('no space left')
  }
  await it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.is(it.verifier.counters.queued, 0)
  verdicts.put = put
  const other = makeBundle('verifier', 'after')
  await keep(it.holder.store, other)
  await it.hear(bodyOf(other, it.holder.net.node.peerId), { index: 5n, previous: new Uint8Array(32).fill(1) })
  t.is(last(it).verdict, 'valid')
})

test('what is skipped under load stays announced, and is verified when somebody asks for it', async t => {
  const bundles = ['one', 'two', 'three', 'four'].map(seed => makeBundle('verifier', seed))
  const checks = heldChecks()
  const it = await scene(t, { limits: { backlog: { bundles: 1, points: 1_000_000, atOnce: 1 } }, checks })
  for (const of of bundles) await keep(it.holder.store, of)
  const holder = it.holder.net.node.peerId
  const [first, ...rest] = bundles.map(
    (of, index) => () => it.hear(bodyOf(of, holder), { index: BigInt(2 * index), previous: new Uint8Array(32).fill(index) })
  )
  const heard = [first!()]
  await checks.begun
  heard.push(...rest.map(hear => hear()))
  while (it.verifier.backlogged.skipped < 2) await new Promise(resolve => setImmediate(resolve))
  checks.go()
  await Promise.all(heard)
  t.deepEqual(it.here.store.verdicts.counts, { announced: 2, valid: 2, invalid: 0, unavailable: 0 })
  t.deepEqual(it.verifier.backlogged, { bundles: 0, points: 0, skipped: 2 })
  t.deepEqual(it.here.counters.limits.all(), { backlogBundles: 2 })
  it.holder.net.discovery.provide(adapterKey(made.manifest.id))
  await it.holder.net.discovery.settled()
  const skipped = (await it.here.store.verdicts.list()).find(({ verdict }) => verdict === 'announced')!
  const known = new KnownProofs({
    store: it.here.store,
    verifier: it.verifier,
    verifyFile: async (source, bytes) => verifyFile(source, bytes, { kernel, random: seeded('file') })
  })
  t.like(await known.verify(skipped.root), { verdict: 'valid' })
})

test('beyond the bound of the queue, and of unknown adapters in it, announcements are dropped and counted', async t => {
  const full = await scene(t, { limits: { verifierQueue: 0 } })
  await full.hear(bodyOf(made, full.holder.net.node.peerId))
  t.is(full.verifier.counters.dropped['queue full'], 1)
  t.deepEqual(full.here.counters.limits.all(), { verifierQueue: 1 })
  const strangers = await scene(t, { limits: { verifierQueueUnknown: 0 } })
  await strangers.hear(bodyOf(made, strangers.holder.net.node.peerId))
  t.is(strangers.verifier.counters.dropped['queue of unknown adapters full'], 1)
  t.deepEqual(strangers.here.counters.limits.all(), { verifierQueueUnknown: 1 })
  t.deepEqual(strangers.verdicts, [])
})

test('a two-sided announcement replaces a one-sided one, not the other way, and what is valid stays so meanwhile', async t => {
  const it = await scene(t)
  await keep(it.holder.store, made)
  const body = bodyOf(made, it.holder.net.node.peerId)
  await it.hear({ ...body, receipt: null })
  t.like(last(it), { verdict: 'valid', userSigned: false })
  const previous = (): Promise<Uint8Array> => it.here.store.feeds.list().then(([head]) => fromHex(head!.hash))
  await it.hear(body, { index: 1n, previous: await previous() })
  t.like(last(it), { verdict: 'valid', userSigned: true })
  await it.hear({ ...body, receipt: null }, { index: 2n, previous: await previous() })
  t.like(last(it), { verdict: 'valid', userSigned: true })
  t.deepEqual(
    it.verdicts.map(({ verdict, userSigned }) => [verdict, userSigned]),
    [
      ['announced', false],
      ['valid', false],
      ['valid', true],
      ['valid', true]
    ]
  )
  t.is((await it.here.store.verdicts.list()).length, 1)
})

test('a verifier that stops gives up what it fetches, and says nothing false about it', async t => {
  const it = await scene(t, { limits: { gossipManifests: 0 } })
  // No manifest may be fetched: it waits until it is stopped.
  const done = it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.is(it.verifier.counters.queued, 1)
  await it.verifier.stop()
  await done
  t.deepEqual(it.verdicts, [])
  t.is(it.verifier.counters.queued, 0)
})

test('a manifest is checked once, also over a restart', async t => {
  const it = await heard(t, body => body)
  t.is(last(it).verdict, 'valid')
  const checks = {
    manifest: async () => t.fail('the manifest was checked again'),
    bundle: async () => t.fail('no bundle was to be checked')
  } as unknown as VerifierInit['checks']
  // As after a restart: nothing but the datastore is left.
  const { net, datastore } = it.here
  const store = await Store.open({ datastore })
  const verifier = new Verifier({ net, store, kernel, random: seeded('restarted'), checks })
  const manifest = await verifier.manifest(made.manifest.id, [])
  t.deepEqual(manifest.bytes, made.manifest.bytes)
  t.is(store.manifests.verified(made.manifest.id), manifest)
})

const spent = test.macro(async (t: ExecutionContext, limits: Partial<VerifierLimits>) => {
  const [limit] = Object.keys(limits) as [string]
  const it = await scene(t, { limits })
  await keep(it.holder.store, made)
  await it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.is(last(it).verdict, 'valid')
  const other = makeBundle('another adapter', 'one')
  await keep(it.holder.store, other)
  const seen = it.verdicts.length
  const done = it.hear(bodyOf(other, it.holder.net.node.peerId), { index: 5n, previous: new Uint8Array(32).fill(1) })
  t.is(it.verifier.counters.queued, 1)
  while (Object.keys(it.here.counters.limits.all()).length === 0) await new Promise(resolve => setImmediate(resolve))
  await it.verifier.stop()
  await done
  t.is(it.verdicts.length, seen)
  t.deepEqual(it.here.counters.limits.all(), { [limit]: 1 })
})

test('so many manifests may be fetched for gossip in a minute, others wait', spent, { gossipManifests: 1 })
test('long manifests use up what gossip may cost in a minute', spent, { gossipManifestBytes: made.manifest.bytes.length })
test('manifests that take long to check use up what gossip may cost in a minute', spent, {
  gossipManifestEntries: certifiedEntries({ groups: made.manifest.groups, weightBits: made.manifest.weightBits })
})

test('what a verifier kept, another finds by the DHT when the holder is gone', async t => {
  const it = await heard(t, body => body)
  const late = await startNode(t, { bootstrap: [it.here.address] })
  const verifier = new Verifier({ net: late.net, store: late.store, kernel, random: seeded('late') })
  verifier.start()
  t.teardown(() => verifier.stop())
  await event(late.net.node, 'peer:identify', () => true)
  await it.here.net.discovery.settled()
  const nobody = peerIdFromPublicKey((await generateKeyPair('Ed25519')).publicKey)
  await late.net.node.peerStore.patch(nobody, { multiaddrs: [multiaddr('/ip4/127.0.0.1/tcp/1')] })
  const manifest = await verifier.manifest(made.manifest.id, [nobody])
  t.deepEqual(manifest.id, made.manifest.id)
  t.deepEqual(await verifier.bundle({ digest: made.proof.digest, adapter: made.manifest.id }, [nobody]), made.bundle)
  t.true((await late.net.discovery.providers(adapterKey(made.manifest.id))).some(({ id }) => id.equals(it.here.net.node.peerId)))
})

test('receipts of the fixture are those of the protocol', t => {
  const { receipt } = bodyOf(made, { toMultihash: () => ({ bytes: new Uint8Array(1) }) } as never)
  t.deepEqual(receipt, sign(USER_SECRET, RECEIPT_LABEL, encodeStatement(made.statement)))
})

// Evidence

/** What a verifier keeps against the contributor of the fixtures. */
async function against({ here }: Scene): Promise<string[]> {
  return here.store.evidence.list().map(({ kind, key }) => (key === toHex(publicKeyOf(OWNER_SECRET)) ? kind : key))
}

test('an announced bundle that does not hold is evidence against who announced it', async t => {
  const bundle = flip(made.bundle, made.bundle.length - 1)
  const it = await scene(t)
  await it.holder.store.manifests.put(made.manifest)
  const statement = { ...made.statement, digest: hash('zklora/v1/bundle', bundle) }
  const { proof } = made
  await it.holder.store.bundles.putOwn(proof, bundle)
  await it.hear(bodyOf({ ...made, statement }, it.holder.net.node.peerId))
  t.is(last(it).verdict, 'invalid')
  t.deepEqual(await against(it), ['invalid bundle'])
  t.regex(it.here.store.evidence.list()[0]!.reason, /announced a bundle that does not hold/)
})

test('a bundle that is not to be had, or that its holder changes, is no evidence', async t => {
  const it = await scene(t)
  await it.holder.store.manifests.put(made.manifest)
  await it.hear(bodyOf(made, it.holder.net.node.peerId))
  t.is(last(it).verdict, 'unavailable')
  t.deepEqual(await against(it), [])
})

test('what fails here, and is not about the bytes, makes no bundle invalid and is no evidence', async t => {
  const failures = [new PoolFullError(64), new WorkerLostError('verifyBundles'), new RangeError('Array buffer allocation failed')]
  const left = [...failures]
  const bundles = async (): Promise<never> => {
    throw left.shift()!
  }
  const checks = { ...heldChecks(), bundles }
  const it = await scene(t, { checks })
  for (const [index, seed] of ['one', 'two', 'three'].entries()) {
    const of = makeBundle('verifier', seed)
    await keep(it.holder.store, of)
    await it.hear(bodyOf(of, it.holder.net.node.peerId), { index: BigInt(2 * index), previous: new Uint8Array(32).fill(index) })
    t.like(last(it), { verdict: 'unavailable', error: failures[index]!.message })
  }
  t.deepEqual(left, [])
  t.deepEqual(await against(it), [])
})

test('a second announcement with an index that is taken is evidence', async t => {
  const it = await heard(t, body => body)
  await it.hear(bodyOf(makeBundle('verifier', 'another'), it.holder.net.node.peerId))
  t.deepEqual(await against(it), ['feed fork'])
  // Once more says nothing new.
  await it.hear(bodyOf(makeBundle('verifier', 'another'), it.holder.net.node.peerId, { time: BigInt(Date.now()) + 5n }))
  t.is(it.here.store.evidence.list().length, 2)
})

test('an announcement whose neighbour is another than the one that is kept brings that neighbour, which is evidence', async t => {
  const it = await heard(t, body => body)
  // To others the contributor told another story; this node comes across its second announcement alone.
  const holder = it.holder.net.node.peerId
  const first = announced(bodyOf(makeBundle('verifier', 'another'), holder))
  const after = { index: 1n, previous: first.hash, time: first.announcement.time }
  const body = bodyOf(makeBundle('verifier', 'after'), holder)
  for (const read of [first, announced(body, after)]) await it.holder.store.feeds.put(read)
  await it.hear(body, after)
  t.is(it.verifier.counters.dropped.conflict, 1)
  t.deepEqual(await against(it), ['feed fork'])
  // It is asked for once, however often such announcements come.
  const { answered } = it.holder.net.fetch.counters
  const before = answered['feed 0']
  await it.hear(body, { ...after, index: 3n, previous: new Uint8Array(32).fill(1), time: 1n })
  t.is(it.verifier.counters.dropped.conflict, 2)
  t.is(answered['feed 0'], before)
})

test('two bundles that verify and tell two stories of one session are evidence', async t => {
  const it = await heard(t, body => body)
  const context = { userNonce: made.proof.context.userNonce }
  const { bundle } = honestBundle(made.adapter, 'two stories', { context })
  const proof = verify({ kernel, manifest: made.manifest, bundle, random: seeded('verify') })
  t.deepEqual(proof.session, made.proof.session)
  const other = { ...made, bundle, proof, statement: statementOf(proof) }
  await keep(it.holder.store, other)
  const previous = openAnnouncement((await it.here.store.feeds.get(feedId(publicKeyOf(OWNER_SECRET), made.manifest.id), 0n))!).hash
  await it.hear(bodyOf(other, it.holder.net.node.peerId), { index: 1n, previous })
  t.is(last(it).verdict, 'valid')
  t.deepEqual(await against(it), ['session fork'])
})
