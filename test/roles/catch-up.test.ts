import { defaultLogger } from '@libp2p/logger'
import { MemoryDatastore } from 'datastore-core'
import test from 'ava'
import { peersOfHolder } from '../../src/net/index.js'
import { CatchUp } from '../../src/roles/catch-up.js'
import { type FeedAnnouncement, Store } from '../../src/store/index.js'
import { bytes32, CONTRIBUTOR, HOLDER, make, makeFeed, NOW, OWNER } from '../net/announcements.js'

/** A node that catches up from one peer; `there` is what that has, undefined: it cannot be asked. */
async function scene() {
  const { feeds } = await Store.open({ datastore: new MemoryDatastore(), now: () => NOW })
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
    consider: async read => void (await feeds.put(read)),
    onStory: read => it.stories.push(read)
  })
  return Object.assign(it, { catchUp })
}

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
})
