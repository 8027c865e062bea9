/** What a verifier takes at a time: its queue and each owner's share of it, what gossip may cost, and what is left for later. */
import test, { type ExecutionContext } from 'ava'
import { verifyFile } from '../../../src/browser/verify-file.js'
import { adapterKey } from '../../../src/net/index.js'
import { certifiedEntries } from '../../../src/proof/index.js'
import { KnownProofs } from '../../../src/roles/known.js'
import type { VerifierLimits } from '../../../src/roles/verifier.js'
import { kernel, seeded } from '../../proof/fixture.js'
import { bodyOf, keep, makeBundle } from '../bundles.js'
import { heldChecks, last, made, scene } from './scene.js'

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
