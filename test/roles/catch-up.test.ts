import { defaultLogger } from '@libp2p/logger'
import { MemoryDatastore } from 'datastore-core'
import test from 'ava'
import { peersOfHolder } from '../../src/net/index.js'
import { CatchUp } from '../../src/roles/catch-up.js'
import { type FeedAnnouncement, Store } from '../../src/store/index.js'
import { bytes32, CONTRIBUTOR, HOLDER, make, makeFeed, NOW, OWNER } from '../net/announcements.js'

test('announcements of a feed with a hole that nobody fills make nobody look for it each time', async t => {
  const { feeds } = await Store.open({ datastore: new MemoryDatastore(), now: () => NOW })
  const counted = { asked: 0, looked: 0 }
  /** What a peer has, beside the hole. */
  let there: readonly FeedAnnouncement[] = []
  const fetch = {
    feed: async (_peer: unknown, _feed: unknown, { from, count }: { from: bigint; count: number }) => {
      counted.asked++
      return there.filter(({ announcement: { index } }) => index >= from && index < from + BigInt(count))
    }
  }
  const catchUp = new CatchUp({
    net: { fetch, node: { logger: defaultLogger() } } as unknown as ConstructorParameters<typeof CatchUp>[0]['net'],
    store: {
      feeds: {
        has: (...of) => feeds.has(...of),
        isPast: read => feeds.isPast(read),
        firstMissing: (...of) => {
          counted.looked++
          return feeds.firstMissing(...of)
        }
      }
    },
    isKnown: async () => true,
    now: () => NOW,
    signal: new AbortController().signal,
    consider: async read => void (await feeds.put(read))
  })
  const hear = async (read: FeedAnnouncement): Promise<void> => {
    await feeds.put(read)
    catchUp.gap(read, peersOfHolder(HOLDER))
    await catchUp.idle()
  }
  const feed = makeFeed(8, { contributor: CONTRIBUTOR })
  await hear(feed[0]!)
  for (const read of feed.slice(2)) await hear(read)
  t.deepEqual(counted, { asked: 1, looked: 3 }, 'it is looked for once, and seen to be missing still')
  // Another feed is caught up with as before, also far ahead and twice in a row.
  const other = makeFeed(6, { contributor: OWNER })
  there = other
  await hear(other[3]!)
  await hear(other[5]!)
  t.is((await feeds.range(other[0]!.feed, 0n, 10)).length, 6)
  there = []
  // An index near 2^64 is looked before within the same bound.
  counted.asked = 0
  const far = make({ contributor: bytes32(77), change: { index: 2n ** 64n - 1n, previous: bytes32(9) } })
  await hear(far)
  t.is(counted.asked, 1)
  t.is((await feeds.latest(far.feed))!.index, (2n ** 64n - 1n).toString())
})
