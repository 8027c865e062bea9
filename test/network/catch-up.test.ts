/** A verifier that was offline, or missed an announcement, finds the rest of the feed. */
import test, { type ExecutionContext } from 'ava'
import type { Heard } from '../../src/net/index.js'
import type { VerdictInfo } from '../../src/roles/types.js'
import { Verifier } from '../../src/roles/verifier.js'
import { feedId, openAnnouncement, type FeedAnnouncement } from '../../src/store/index.js'
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
