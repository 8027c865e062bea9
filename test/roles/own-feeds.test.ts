import { MemoryDatastore } from 'datastore-core'
import test from 'ava'
import { OwnFeeds } from '../../src/roles/own-feeds.js'
import { feedForkOf, Store } from '../../src/store/index.js'
import { CONTRIBUTOR, makeFeed, unsigned } from '../net/announcements.js'
import { connect, startNode } from '../net/nodes.js'

test('a contributor whose data folder was restored goes on where others know that it was', async t => {
  const [verifier, restored, stranger] = await Promise.all([startNode(t), startNode(t, { roles: ['contributor'] }), startNode(t)])
  const now = BigInt(Date.now())
  const lost = makeFeed(5, { change: { time: now } })
  for (const read of lost) await verifier.store.feeds.put(read)
  const body = unsigned({ change: { time: now } })
  const last = async () => restored.store.feeds.latest(lost[0]!.feed)
  await restored.store.feeds.append(body.statement, () => lost[0]!.bytes)
  const own = new OwnFeeds(restored)
  await own.upToDate(body.statement)
  t.like(await last(), { index: '0' }, 'nobody is there to be asked')
  await Promise.all([connect(restored, verifier), connect(restored, stranger)])
  await own.upToDate(body.statement)
  t.like(await last(), { index: '4', own: true, kept: 5 })
  const next = await restored.net.announce.announce(body, CONTRIBUTOR)
  t.is(next.announcement.index, 5n)
  t.deepEqual(next.announcement.previous, lost[4]!.hash)
  t.is(await verifier.store.feeds.put(next), 'stored')
  // What is known is not asked for again; without it the next would have been a fork.
  const { answered } = verifier.net.fetch.counters
  const before = { ...answered }
  await own.upToDate(body.statement)
  t.deepEqual(answered, before)
  t.not(feedForkOf(lost[1]!, makeFeed(2, { user: null, change: { time: now } })[1]!), undefined)
})

test('a peer that is gone, and one that has only the latest, leave the feed so that the next fits', async t => {
  const [verifier, here] = await Promise.all([startNode(t), startNode(t, { roles: ['contributor'] })])
  const lost = makeFeed(40, { change: { time: BigInt(Date.now()) } })
  await verifier.store.feeds.put(lost[39]!)
  await connect(here, verifier)
  const body = unsigned({ change: { time: BigInt(Date.now()) } })
  await new OwnFeeds(here).upToDate(body.statement)
  t.is((await here.net.announce.announce(body, CONTRIBUTOR)).announcement.index, 40n)

  const store = await Store.open({ datastore: new MemoryDatastore() })
  const node = {
    ...here.net.node,
    logger: here.net.node.logger,
    getPeers: () => here.net.node.getPeers(),
    peerStore: here.net.node.peerStore
  }
  const fetch = { ...here.net.fetch, heads: () => Promise.reject(new Error('gone')) } as unknown as typeof here.net.fetch
  await new OwnFeeds({ net: { fetch, node }, store }).upToDate(body.statement)
  t.is(await store.feeds.latest(lost[0]!.feed), undefined)
})
