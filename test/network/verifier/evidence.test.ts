/** What a verifier keeps as evidence against those who announce, and what is none. */
import test from 'ava'
import { toHex } from '../../../src/bytes.js'
import { hash, PoolFullError, WorkerLostError } from '../../../src/kernel/index.js'
import { publicKeyOf, verify } from '../../../src/proof/index.js'
import { feedId, openAnnouncement } from '../../../src/store/index.js'
import { flip, honestBundle, kernel, OWNER_SECRET, seeded } from '../../proof/fixture.js'
import { bodyOf, keep, makeBundle, statementOf } from '../bundles.js'
import { announced, heard, heldChecks, last, made, scene, type Scene } from './scene.js'

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
