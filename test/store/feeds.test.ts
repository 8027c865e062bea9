import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { toHex, u32 } from '../../src/bytes.js'
import { Counters } from '../../src/counters.js'
import { hash } from '../../src/kernel/hash.js'
import { Newest, type NewestHead } from '../../src/store/newest.js'
import { publicKeyOf } from '../../src/proof/index.js'
import { checkChain, checkSignatures, type FeedAnnouncement, openAnnouncement, readAnnouncement, Store } from '../../src/store/index.js'
import { NO_PREVIOUS } from '../../src/wire/announcement.js'
import {
  bytes32,
  CONTRIBUTOR,
  flipped,
  make,
  makeFeed,
  type MakeOptions,
  NOW,
  OWNER,
  signAnnouncement,
  unsigned
} from '../net/announcements.js'

const open = (datastore = new MemoryDatastore()): Promise<Store> => Store.open({ datastore })
const OWN = { contributorKey: publicKeyOf(CONTRIBUTOR), adapter: bytes32(2) }

/** Appends an announcement to the own feed. */
const append = (store: Store, digest = 6): Promise<FeedAnnouncement> =>
  store.feeds.append(OWN, place => signAnnouncement(unsigned({ statement: { digest: bytes32(digest) }, change: place })))

test('an own feed grows by one at a time, each naming the one before, also after a restart', async t => {
  const datastore = new MemoryDatastore()
  const store = await open(datastore)
  await append(store)
  await Promise.all([append(store, 7), append(store, 8), append(store, 9)])
  const again = await open(datastore)
  const last = await append(again, 10)
  t.is(last.announcement.index, 4n)
  const range = await again.feeds.range(last.feed, 0n, 256)
  t.notThrows(() => checkChain(range, last.feed, 0n).forEach(checkSignatures))
  t.is(range.length, 5)
  t.like((await again.feeds.list())[0], { own: true, kept: 5, index: '4', contributor: toHex(OWN.contributorKey) })
})

test('what the builder refuses leaves the feed as it was', async t => {
  const store = await open()
  await append(store)
  const refuse = (): never => {
    throw new Error('others would refuse it')
  }
  await t.throwsAsync(store.feeds.append(OWN, refuse), { message: /others would refuse/ })
  t.is((await append(store)).announcement.index, 1n)
})

test('an announcement is kept once; another of the same index is a conflict', async t => {
  const store = await open()
  const [first] = makeFeed(1)
  t.is(await store.feeds.put(first!), 'stored')
  t.is(await store.feeds.put(first!), 'known')
  t.is(await store.feeds.put(make({ statement: { root: bytes32(9) } })), 'conflict')
  t.deepEqual(await store.feeds.get(first!.feed, 0n), first!.bytes)
  t.true(await store.feeds.has(first!.feed, 0n, first!.hash))
  t.false(await store.feeds.has(first!.feed, 0n, bytes32(1)))
  t.false(await store.feeds.has(first!.feed, 1n, first!.hash))
})

test('feeds are kept with gaps, and the hash chain is checked to both sides', async t => {
  const store = await open()
  const feed = makeFeed(4)
  const other = makeFeed(4, { user: null })
  t.is(await store.feeds.put(feed[2]!), 'stored')
  t.is(await store.feeds.put(other[1]!), 'conflict')
  t.is(await store.feeds.put(other[3]!), 'conflict')
  t.is(await store.feeds.put(feed[0]!), 'stored')
  t.deepEqual(await store.feeds.range(feed[0]!.feed, 0n, 10), [feed[0]!.bytes])
  t.is(await store.feeds.put(feed[1]!), 'stored')
  t.is((await store.feeds.range(feed[0]!.feed, 0n, 10)).length, 3)
  t.is((await store.feeds.range(feed[0]!.feed, 1n, 1)).length, 1)
  t.like((await store.feeds.list())[0], { index: '2', kept: 3, own: false })
  t.is(store.feeds.count, 1)
})

test('a feed that changes its base model is a conflict', async t => {
  const store = await open()
  const [first] = makeFeed(1)
  await store.feeds.put(first!)
  const moved = make({ statement: { base: bytes32(0x7a) }, change: { index: 1n, previous: first!.hash } })
  t.is(await store.feeds.put(moved), 'conflict')
})

test('a time that falls within a feed is a conflict, on either side', async t => {
  const store = await open()
  const [first] = makeFeed(1)
  const { time } = first!.announcement
  const second = make({ change: { index: 1n, previous: first!.hash, time: time - 1n } })
  await store.feeds.put(first!)
  t.is(await store.feeds.put(second), 'conflict')
  const other = await open()
  await other.feeds.put(second)
  t.is(await other.feeds.put(first!), 'conflict')
  t.throws(() => checkChain([first!.bytes, second.bytes], first!.feed, 0n), {
    name: 'InvalidProofError',
    message: /time of announcement 1/
  })
})

test('nor do times fall over a gap', async t => {
  const store = await open()
  const at = (index: bigint, change: bigint): FeedAnnouncement =>
    make({ change: { index, previous: bytes32(9), time: BigInt(NOW) + change } })
  t.is(await store.feeds.put(at(5n, 0n)), 'stored')
  t.is(await store.feeds.put(at(2n, 1n)), 'conflict')
  t.is(await store.feeds.put(at(8n, -1n)), 'conflict')
  t.is(await store.feeds.put(at(2n, 0n)), 'stored')
  t.is(await store.feeds.put(at(8n, 0n)), 'stored')
})

test('heads are the latest of each feed of a topic, the newest first, not older than asked for', async t => {
  const store = await open()
  for (const [adapter, base, time] of [
    [1, 0x51, 0],
    [2, 0x5f, 5],
    [3, 0x61, 9]
  ] as const) {
    const options = { statement: { adapter: bytes32(adapter), base: bytes32(base) }, change: { time: BigInt(NOW + time) } }
    for (const read of makeFeed(2, options)) await store.feeds.put(read)
  }
  const heads = (since: number, most = 256): Promise<[number, bigint][]> =>
    store.feeds
      .heads(5, BigInt(NOW + since), most)
      .then(list => list.map(bytes => readAnnouncement(bytes).announcement).map(({ statement, index }) => [statement.adapter[0]!, index]))
  t.deepEqual(await heads(0), [
    [2, 1n],
    [1, 1n]
  ])
  t.deepEqual(await heads(1), [[2, 1n]])
  t.deepEqual(await heads(0, 1), [[2, 1n]])
  t.deepEqual(await store.feeds.heads(7, 0n, 256), [])
})

/** A store with room for about so many announcements of others. */
async function small(room: number, now = (): number => NOW, counters?: Counters, datastore = new MemoryDatastore()): Promise<Store> {
  const limits = { announcements: { bytes: room * make().bytes.length, age: 1e9 } }
  return Store.open({ datastore, limits, now, counters })
}

/** Announcements a second apart. */
function timedFeed(count: number, options: MakeOptions = {}): FeedAnnouncement[] {
  const feed: FeedAnnouncement[] = []
  for (let index = 0; index < count; index++) {
    const previous = index === 0 ? NO_PREVIOUS : feed[index - 1]!.hash
    const change = { index: BigInt(index), previous, time: BigInt(NOW - 100_000 + 1000 * index) }
    feed.push(make({ ...options, statement: { digest: bytes32(index), ...options.statement }, change }))
  }
  return feed
}

test('of an owner with many feeds the newest are among the heads, and those of others are not hidden', async t => {
  const datastore = new MemoryDatastore()
  const store = await open(datastore)
  const at = (n: number, contributor: Uint8Array): FeedAnnouncement =>
    make({ contributor, user: null, statement: { adapter: hash('feed', u32(n)) }, change: { time: BigInt(NOW + n) } })
  await store.feeds.put(at(0, OWNER))
  for (let n = 1; n <= 40; n++) await store.feeds.put(at(n, CONTRIBUTOR))
  const times = async (of: Store): Promise<bigint[]> =>
    (await of.feeds.heads(5, 0n, 256)).map(bytes => openAnnouncement(bytes).announcement.time)
  const expected = [...Array.from({ length: 16 }, (_, n) => BigInt(NOW + 40 - n)), BigInt(NOW)]
  t.deepEqual(await times(store), expected)
  t.deepEqual(await times(await open(datastore)), expected)
  // A feed that had been left out goes on, and another makes room.
  const first = at(1, CONTRIBUTOR)
  const next = { index: 1n, previous: first.hash, time: BigInt(NOW + 50) }
  await store.feeds.put(make({ user: null, statement: { adapter: first.announcement.statement.adapter }, change: next }))
  t.deepEqual(await times(store), [BigInt(NOW + 50), ...expected.slice(0, 15), BigInt(NOW)])
})

test('heads are the newest of thousands of feeds, also after most of those have gone', async t => {
  const newest = new Newest()
  const head = (n: number): NewestHead => ({ feed: `${n}`, owner: `${n}`, index: 0n, time: n })
  for (let n = 0; n < 5000; n++) newest.put(head(n))
  t.deepEqual(
    newest.list(0n, 256).map(({ time }) => time),
    Array.from({ length: 256 }, (_, n) => 4999 - n)
  )
  t.false(newest.isShort(256))
  for (let n = 4999; n > 4000; n--) newest.delete(`${n}`)
  t.true(newest.isShort(256), 'they have to be read from the disk again')
  newest.clear()
  newest.put(head(7))
  t.false(newest.isShort(256), 'there are no more')
  t.deepEqual(newest.list(8n, 256), [])
})

test('beyond the bound a feed keeps its newest part with the head, whatever came first', async t => {
  const counters = new Counters()
  const store = await small(3.5, undefined, counters)
  const feed = timedFeed(6)
  for (const index of [5, 4, 0, 1, 2, 3]) await store.feeds.put(feed[index]!)
  t.like((await store.feeds.list())[0], { index: '5', kept: 3 })
  const range = await store.feeds.range(feed[0]!.feed, 3n, 10)
  t.deepEqual(
    range.map(bytes => openAnnouncement(bytes).announcement.index),
    [3n, 4n, 5n]
  )
  t.is((await store.feeds.heads(5, 0n, 256)).length, 1)
  t.true(counters.limits.all().keptAnnouncementBytes! > 0)
  // What went is no gap.
  t.deepEqual(store.feeds.gaps, { announcements: 0n, feeds: 0 })
})

test('what went is neither missing nor taken again', async t => {
  const store = await small(3.5)
  const feed = timedFeed(6)
  for (const read of feed) await store.feeds.put(read)
  t.is(await store.feeds.firstMissing(feed[0]!.feed, 5n, 100), undefined)
  t.is(await store.feeds.put(feed[1]!), 'past')
  t.true(await store.feeds.isPast(feed[1]!))
  t.false(await store.feeds.isPast(feed[5]!))
  t.is((await store.feeds.list())[0]!.kept, 3)
})

test('a feed that went whole is not taken again, newer announcements of its owner are, also after a restart', async t => {
  const datastore = new MemoryDatastore()
  const before = await small(3.5, undefined, undefined, datastore)
  const [old] = timedFeed(1, { statement: { adapter: bytes32(90) } })
  const feed = timedFeed(5)
  await before.feeds.put(old!)
  for (const read of feed.slice(1)) await before.feeds.put(read)
  t.is(before.feeds.count, 1)
  t.is(await before.feeds.put(old!), 'past')
  const store = await small(3.5, undefined, undefined, datastore)
  // Nor another story in its place.
  const another = make({ statement: { adapter: bytes32(90), length: 77 }, change: { time: old!.announcement.time } })
  for (const read of [old!, another]) t.is(await store.feeds.put(read), 'past')
  const next = make({ statement: { adapter: bytes32(90) }, change: { index: 1n, previous: old!.hash } })
  t.is(await store.feeds.put(next), 'stored')
  const notes = async (): Promise<number> => {
    let count = 0
    for await (const _ of datastore.query({ prefix: '/zklora/went/' })) count++
    return count
  }
  t.is(await notes(), 1)
  // What is too old by now needs none.
  await small(3.5, () => NOW + 2e9, undefined, datastore)
  t.is(await notes(), 0)
})

test('what is older than announcements are kept is not taken', async t => {
  const store = await small(10, () => NOW + 1e9)
  t.is(await store.feeds.put(make({ change: { time: BigInt(NOW) - 1n } })), 'past')
  t.is(await store.feeds.put(make()), 'stored')
})

test('an owner’s many announcements do not push out those of others', async t => {
  const store = await small(10.5)
  const quiet = timedFeed(3, { contributor: OWNER })
  for (const read of quiet) await store.feeds.put(read)
  // Three feeds, all newer.
  for (const adapter of [60, 61, 62])
    for (const read of timedFeed(20, { statement: { adapter: bytes32(adapter) } }).slice(5)) await store.feeds.put(read)
  t.is((await store.feeds.range(quiet[0]!.feed, 0n, 10)).length, 3)
  const kept = (await store.feeds.list()).reduce((sum, feed) => sum + feed.kept, 0)
  t.true(kept >= 9 && kept <= 10, `${kept}`)
})

test('announcements with a wrong signature, receipt or delegation are not read', t => {
  const { bytes, announcement } = make()
  t.notThrows(() => readAnnouncement(bytes))
  for (const [at, who] of [
    [bytes.length - 1, /contributor key/],
    [1, /contributor key/]
  ] as const) {
    t.throws(() => readAnnouncement(flipped(bytes, at)), { name: 'InvalidProofError', message: who })
  }
  const receipt = flipped(announcement.receipt!, 0)
  t.throws(() => readAnnouncement(signAnnouncement({ ...announcement, receipt })), { message: /user key/ })
  t.is(NO_PREVIOUS.length, 32)
})
