/** A verifier that was offline, or missed an announcement, finds the rest of the feed. */
import { MemoryDatastore } from 'datastore-core'
import test, { type ExecutionContext } from 'ava'
import type { Heard } from '../../src/net/index.js'
import type { VerdictInfo } from '../../src/roles/types.js'
import { Verifier } from '../../src/roles/verifier.js'
import { feedId, openAnnouncement, type FeedAnnouncement, Store } from '../../src/store/index.js'
import { CatchUp } from '../../src/roles/catch-up.js'
import { equal } from '../../src/bytes.js'
import { bytes32, make, makeFeed, NOW, OWNER } from '../net/announcements.js'
import { connect, startNode, type TestNode } from '../net/nodes.js'
import { kernel, OWNER_SECRET, seeded } from '../proof/fixture.js'
import { bodyOf, keep, makeBundle, type MadeBundle } from './bundles.js'

const SESSIONS = ['one', 'two', 'three'].map(session => makeBundle('catch-up', session))
const feed = feedId(SESSIONS[0]!.statement.contributorKey, SESSIONS[0]!.statement.adapter)

/** A contributor that announced all this while nobody listened. */
async function contributor(t: ExecutionContext, bundles: readonly MadeBundle[] = SESSIONS): Promise<TestNode> {
  const node = await startNode(t, { roles: ['contributor'] })
  for (const made of bundles) {
    await keep(node.store, made)
    await node.net.announce.announce(bodyOf(made, node.net.node.peerId), OWNER_SECRET)
  }
  return node
}

interface Listening {
  readonly verifier: Verifier
  /** Resolves when so many verdicts are not "announced" any more. */
  settled(count: number): Promise<VerdictInfo[]>
  hear(heard: Heard): void
}

function listen(t: ExecutionContext, { net, store }: TestNode): Listening {
  let hear!: (heard: Heard) => void
  const announce = {
    ...net.announce,
    listen: (listener: typeof hear) => ((hear = listener), () => {})
  } as unknown as TestNode['net']['announce']
  const verifier = new Verifier({ net: { ...net, announce }, store, kernel, random: seeded('verifier') })
  const verdicts: VerdictInfo[] = []
  let wake = (): void => {}
  verifier.listen(verdict => {
    if (verdict.verdict !== 'announced') verdicts.push(verdict)
    wake()
  })
  verifier.start()
  t.teardown(() => verifier.stop())
  const settled = async (count: number): Promise<VerdictInfo[]> => {
    while (verdicts.length < count) await new Promise<void>(resolve => (wake = resolve))
    return verdicts
  }
  return { verifier, settled, hear: heard => hear(heard) }
}

async function announcement({ store }: TestNode, index: bigint): Promise<FeedAnnouncement> {
  return openAnnouncement((await store.feeds.get(feed, index))!)
}

test('a verifier that joins late verifies what was announced before, and asks once', async t => {
  const holder = await contributor(t)
  const here = await startNode(t)
  const first = listen(t, here)
  await connect(here, holder)
  const verdicts = await first.settled(3)
  t.deepEqual(new Set(verdicts.map(({ verdict }) => verdict)), new Set(['valid']))
  t.deepEqual(new Set(verdicts.map(({ session }) => session)).size, 3)
  await first.verifier.idle()
  t.is((await here.store.feeds.list())[0]!.kept, 3)
  await first.verifier.stop()

  // Restarted beside the same peer: it asks for the heads, has them, and verifies nothing again.
  const again = listen(t, here)
  await again.verifier.idle()
  t.deepEqual(await again.settled(0), [])
})

test('a peer that was connected before the verifier began is asked too', async t => {
  const holder = await contributor(t, SESSIONS.slice(0, 1))
  const here = await startNode(t)
  await connect(here, holder)
  t.is((await listen(t, here).settled(1))[0]!.verdict, 'valid')
})

test('an announcement with unknown ones before it brings them, from who forwarded it', async t => {
  const holder = await contributor(t)
  const here = await startNode(t)
  const { hear, settled, verifier } = listen(t, here)
  await here.net.node.peerStore.patch(holder.net.node.peerId, { multiaddrs: holder.net.node.getMultiaddrs() })
  hear({ read: await announcement(holder, 2n), from: holder.net.node.peerId })
  t.is((await settled(3)).length, 3)
  await verifier.idle()
  t.deepEqual(await here.store.feeds.firstMissing(feed, 3n, 10), undefined)
})

test('what is missing is counted from where it begins, within a bound', async t => {
  const holder = await contributor(t)
  const { store } = await startNode(t)
  t.is(await store.feeds.firstMissing(feed, 3n, 10), 0n, 'an unknown feed')
  await store.feeds.put(await announcement(holder, 0n))
  await store.feeds.put(await announcement(holder, 2n))
  t.is(await store.feeds.firstMissing(feed, 3n, 10), 1n)
  t.is(await store.feeds.firstMissing(feed, 3n, 1), undefined, 'older ones are beyond the bound')
  t.is(await store.feeds.firstMissing(feed, 1n, 10), undefined)
})

test('a peer that cannot give the feed leaves things as they were', async t => {
  const holder = await contributor(t)
  const [here, empty] = await Promise.all([startNode(t), startNode(t)])
  const { hear, settled, verifier } = listen(t, here)
  for (const node of [holder, empty]) {
    await here.net.node.peerStore.patch(node.net.node.peerId, { multiaddrs: node.net.node.getMultiaddrs() })
  }
  const { announcement: body, ...read } = await announcement(holder, 2n)
  // Who forwarded it has nothing; the announcement's own holder is asked next.
  hear({ read: { ...read, announcement: body }, from: empty.net.node.peerId })
  t.is((await settled(3)).length, 3)
  await verifier.idle()
  t.false(verifier.counters.queued > 0)
})

/** A node that catches up on announcements, which have no bundles: it keeps what it is to consider. */
async function catchingUp(t: ExecutionContext, holder: TestNode, store?: Store) {
  const here = await startNode(t)
  const { feeds } = store ?? here.store
  const considered: FeedAnnouncement[] = []
  let [running, most] = [0, 0]
  const catchUp = new CatchUp({
    net: here.net,
    store: { feeds },
    now: () => NOW,
    signal: new AbortController().signal,
    isKnown: async () => true,
    consider: async read => {
      considered.push(read)
      most = Math.max(most, ++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
      await feeds.put(read)
    }
  })
  catchUp.start()
  t.teardown(() => catchUp.stop())
  await connect(here, holder)
  // The peer is asked when it has been identified: topic by topic, in this process at the latest when all is answered.
  while (holder.net.fetch.counters.answered['heads 0'] !== 1 || catchUp.busy) {
    await new Promise(resolve => setImmediate(resolve))
    await catchUp.idle()
  }
  return { here, considered, most: () => most }
}

test('an owner with many feeds is caught up with in turn with others, a few at a time', async t => {
  const holder = await startNode(t)
  for (let n = 0; n < 30; n++) await holder.store.feeds.put(make({ user: null, statement: { adapter: bytes32(30 + n) } }))
  const quiet = makeFeed(20, { user: null, contributor: OWNER, change: { time: BigInt(NOW - 1000) } })
  for (const read of quiet) await holder.store.feeds.put(read)
  const { here, considered, most } = await catchingUp(t, holder)
  t.is(considered.length, 16 + 20, 'of one owner 16 feeds are told and followed')
  t.is((await here.store.feeds.range(quiet[0]!.feed, 0n, 20)).length, 20)
  t.true(most() <= 4)
  const first = considered.findIndex(({ feed }) => equal(feed, quiet[0]!.feed))
  t.true(first < 5, `its head, told last, was looked at as number ${first}`)
})

test('what is kept no more, or is of the future, is not caught up with', async t => {
  const holder = await startNode(t)
  const future = make({ statement: { adapter: bytes32(31) }, change: { time: BigInt(NOW + 600_001) } })
  const [old] = makeFeed(1, { statement: { adapter: bytes32(32) }, change: { time: BigInt(NOW - 1001) } })
  // Of this feed the first went from the asker's store for its age, the second not.
  const [first, second] = [
    make({ user: null, change: { time: BigInt(NOW - 1001) } }),
    (hash: Uint8Array) => make({ user: null, change: { index: 1n, previous: hash } })
  ]
  for (const read of [future, old!, first, second(first.hash)]) await holder.store.feeds.put(read)
  const limits = { announcements: { bytes: 1e6, age: 1000 } }
  const store = await Store.open({ datastore: new MemoryDatastore(), limits, now: () => NOW })
  const { considered } = await catchingUp(t, holder, store)
  t.deepEqual(
    considered.map(({ announcement }) => announcement.index),
    [1n]
  )
})
