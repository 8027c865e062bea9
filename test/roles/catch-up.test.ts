import { defaultLogger } from '@libp2p/logger'
import { MemoryDatastore } from 'datastore-core'
import test from 'ava'
import { Counters } from '../../src/counters.js'
import { NET_LIMITS } from '../../src/limits.js'
import { FETCH_PROTOCOL, peersOfHolder, TOPICS } from '../../src/net/index.js'
import { CatchUp } from '../../src/roles/catch-up.js'
import { type FeedAnnouncement, Store } from '../../src/store/index.js'
import { bytes32, CONTRIBUTOR, HOLDER, make, makeFeed, NOW, OWNER } from '../net/announcements.js'

/** A node that catches up from one peer; `there` is what that has, undefined: it cannot be asked. */
async function scene() {
  const { feeds } = await Store.open({ datastore: new MemoryDatastore(), now: () => NOW })
  const counters = new Counters()
  const it = { feeds, there: [] as readonly FeedAnnouncement[] | undefined, asked: 0, looked: 0, stories: [] as FeedAnnouncement[] }
  const fetch = {
    feed: async (_peer: unknown, _feed: unknown, { from, count }: { from: bigint; count: number }) => {
      it.asked++
      if (it.there === undefined) throw new Error('gone')
      return it.there.filter(({ announcement: { index } }) => index >= from && index < from + BigInt(count))
    }
  }
  const catchUp = new CatchUp({
    net: { fetch, node: { logger: defaultLogger() } } as unknown as ConstructorParameters<typeof CatchUp>[0]['net'],
    store: {
      feeds: {
        has: (...of) => feeds.has(...of),
        isPast: read => feeds.isPast(read),
        firstMissing: (...of) => {
          it.looked++
          return feeds.firstMissing(...of)
        }
      }
    },
    isKnown: async () => true,
    now: () => NOW,
    signal: new AbortController().signal,
    counters,
    consider: async read => void (await feeds.put(read)),
    onStory: read => it.stories.push(read)
  })
  return Object.assign(it, { catchUp, hits: () => counters.limits.all() })
}

/** Feeds that nothing is signed in: as many owners as there are, of so many feeds each. */
function unsignedFeeds(owners: number, feedsOfEach: number): FeedAnnouncement[] {
  const read = make({ change: { index: 1n, previous: bytes32(9) } })
  const number = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n, 1, 1, 1, 1, 1, 1, 1).buffer)
  return Array.from({ length: owners * feedsOfEach }, (_, n) => {
    const statement = { ...read.announcement.statement, contributorKey: number(n % owners) }
    return { ...read, feed: number(n), announcement: { ...read.announcement, statement } }
  })
}

/** One that meets peers, which tell of these heads; nothing that it is to consider ends before it is let. */
function meeting(peers: number, heads: readonly FeedAnnouncement[], topics?: readonly string[]) {
  const counters = new Counters()
  const stop = new AbortController()
  let [asked, go] = [0, (): void => {}]
  const topicsAsked: number[] = []
  const gate = new Promise<void>(resolve => (go = resolve))
  const node = {
    logger: defaultLogger(),
    getPeers: () => Array.from({ length: peers }, (_, n) => `peer ${n}`),
    peerStore: { get: async () => ({ protocols: [FETCH_PROTOCOL] }) },
    addEventListener: () => {},
    removeEventListener: () => {}
  }
  const fetch = {
    heads: async (_peer: unknown, topic: number) => {
      topicsAsked.push(topic)
      if (topic > 0) return []
      asked++
      return heads
    }
  }
  const catchUp = new CatchUp({
    net: { fetch, node } as unknown as ConstructorParameters<typeof CatchUp>[0]['net'],
    store: { feeds: { has: async () => false, isPast: async () => false, firstMissing: async () => undefined } },
    topics,
    isKnown: async () => false,
    now: () => NOW,
    signal: stop.signal,
    counters,
    consider: () => gate
  })
  return { catchUp, topicsAsked, asked: () => asked, hits: () => counters.limits.all(), go: () => go() }
}

test('so many peers are asked for heads in an hour, and a peer once', async t => {
  const it = meeting(NET_LIMITS.catchUpPeersPerHour + 2, [])
  it.catchUp.start()
  await it.catchUp.idle()
  t.is(it.asked(), NET_LIMITS.catchUpPeersPerHour)
  t.deepEqual(it.hits(), { catchUpPeersPerHour: 2 })
  it.catchUp.stop()
})

test('heads are asked for of the topics that are followed, by default of all', async t => {
  for (const [topics, numbers] of [
    [undefined, [...TOPICS.keys()]],
    [
      [TOPICS[11]!, TOPICS[2]!],
      [11, 2]
    ]
  ] as const) {
    const it = meeting(1, [], topics)
    it.catchUp.start()
    await it.catchUp.idle()
    t.deepEqual(it.topicsAsked, numbers)
    it.catchUp.stop()
  }
})

test('of adapters whose manifest is not here so many heads wait', async t => {
  // One is looked at, so many wait, and three are one too many each.
  const it = meeting(1, unsignedFeeds(1 + NET_LIMITS.catchUpFeedsUnknown + 3, 1))
  it.catchUp.start()
  while (it.hits().catchUpFeedsUnknown !== 3) await new Promise(resolve => setImmediate(resolve))
  it.go()
  await it.catchUp.idle()
  t.deepEqual(it.hits(), { catchUpFeedsUnknown: 3 })
})

test('feeds that are caught up with are bounded, in all and of one owner', async t => {
  const most = NET_LIMITS.catchUpFeedsPerOwner
  const ofOne = await scene()
  for (const read of unsignedFeeds(1, most + 2)) ofOne.catchUp.gap(read, [])
  t.deepEqual(ofOne.hits(), { catchUpFeedsPerOwner: 2 })
  await ofOne.catchUp.idle()
  const ofMany = await scene()
  for (const read of unsignedFeeds(NET_LIMITS.catchUpFeeds / most + 1, most)) ofMany.catchUp.gap(read, [])
  t.deepEqual(ofMany.hits(), { catchUpFeeds: most })
  await ofMany.catchUp.idle()
})

test('of other stories so many wait to be asked for', async t => {
  const it = await scene()
  // Four are asked for at a time.
  for (const read of unsignedFeeds(NET_LIMITS.catchUpFeeds + 4 + 3, 1)) it.catchUp.stories(read, peersOfHolder(HOLDER))
  t.deepEqual(it.hits(), { catchUpFeeds: 3 })
  await it.catchUp.idle()
  t.is(it.asked, NET_LIMITS.catchUpFeeds + 4)
})

test('who tells of another story is asked for its neighbours once a minute, and may be gone', async t => {
  const it = await scene()
  const [mine, others] = [CONTRIBUTOR, OWNER].map(contributor => makeFeed(6, { contributor }))
  const tell = async (read: FeedAnnouncement): Promise<void> => {
    it.catchUp.stories(read, peersOfHolder(HOLDER))
    await it.catchUp.idle()
  }
  it.there = undefined
  await tell(others![3]!)
  t.deepEqual(it.stories, [])
  it.there = mine!
  await tell(mine![3]!)
  t.deepEqual(it.stories, mine!.slice(2, 5))
  await tell(mine![0]!)
  t.is(it.asked, 2)
  const first = make({ contributor: bytes32(78) })
  it.there = [first]
  await tell(first)
  t.deepEqual(it.stories.at(-1), first)
})

test('announcements of a feed with a hole that nobody fills make nobody look for it each time', async t => {
  const it = await scene()
  const { feeds, catchUp } = it
  const hear = async (read: FeedAnnouncement): Promise<void> => {
    await feeds.put(read)
    catchUp.gap(read, peersOfHolder(HOLDER))
    await catchUp.idle()
  }
  const feed = makeFeed(8, { contributor: CONTRIBUTOR })
  await hear(feed[0]!)
  for (const read of feed.slice(2)) await hear(read)
  t.deepEqual([it.asked, it.looked], [1, 3], 'it is looked for once, and seen to be missing still')
  t.deepEqual(it.hits(), { catchUpPause: 5 })
  // Another feed is caught up with as before, also far ahead and twice in a row.
  const other = makeFeed(6, { contributor: OWNER })
  it.there = other
  await hear(other[3]!)
  await hear(other[5]!)
  t.is((await feeds.range(other[0]!.feed, 0n, 10)).length, 6)
  it.there = []
  // An index near 2^64 is looked before within the same bound.
  it.asked = 0
  const far = make({ contributor: bytes32(77), change: { index: 2n ** 64n - 1n, previous: bytes32(9) } })
  await hear(far)
  t.is(it.asked, 1)
  t.is((await feeds.latest(far.feed))!.index, (2n ** 64n - 1n).toString())
  t.is(it.hits().catchUpAnnouncements, 1)
})
