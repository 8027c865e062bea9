import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import test from 'ava'
import { fromHex } from '../../../src/bytes.js'
import { adapterKey } from '../../../src/net/index.js'
import { publicKeyOf, sign, signDelegation } from '../../../src/proof/index.js'
import { Verifier, type VerifierInit } from '../../../src/roles/verifier.js'
import { feedId, openAnnouncement, RECEIPT_LABEL, Store } from '../../../src/store/index.js'
import { encodeStatement } from '../../../src/wire/announcement.js'
import { event, startNode } from '../../net/nodes.js'
import { flip, kernel, OWNER_SECRET, seeded, USER_SECRET } from '../../proof/fixture.js'
import { bodyOf, keep, makeBundle, type MadeBundle } from '../bundles.js'
import { heard, last, made, scene } from './scene.js'

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
