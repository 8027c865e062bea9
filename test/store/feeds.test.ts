import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { toHex } from '../../src/bytes.js'
import { publicKeyOf } from '../../src/proof/index.js'
import { checkRange, type FeedAnnouncement, readAnnouncement, Store } from '../../src/store/index.js'
import { NO_PREVIOUS } from '../../src/wire/announcement.js'
import { bytes32, CONTRIBUTOR, flipped, make, makeFeed, NOW, signAnnouncement, unsigned } from '../net/announcements.js'

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
  t.notThrows(() => checkRange(range, last.feed, 0n))
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
  t.throws(() => checkRange([first!.bytes, second.bytes], first!.feed, 0n), {
    name: 'InvalidProofError',
    message: /time of announcement 1/
  })
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

test('the oldest announcements go beyond the bound, and a head that went is not told', async t => {
  let now = 0
  const limits = { announcements: { bytes: 1000, age: 1e9 } }
  const store = await Store.open({ datastore: new MemoryDatastore(), limits, now: () => now++ })
  const feed = makeFeed(3)
  await store.feeds.put(feed[2]!)
  await store.feeds.put(feed[0]!)
  t.is(await store.feeds.get(feed[0]!.feed, 2n), undefined)
  t.deepEqual(await store.feeds.heads(5, 0n, 256), [])
  t.is(store.feeds.count, 1)
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
