import test from 'ava'
import { Counters } from '../../src/counters.js'
import { ClockSkew } from '../../src/net/announce/skew.js'
import { NET_LIMITS } from '../../src/limits.js'
import { type SessionService } from '../../src/net/session/index.js'
import { Slots } from '../../src/net/session/slots.js'
import { reachabilityOf, Status, type StatusInit } from '../../src/roles/status.js'
import type { Machine } from '../../src/session/index.js'
import { Store } from '../../src/store/index.js'
import { MemoryDatastore } from 'datastore-core'
import { makeFeed } from '../net/announcements.js'

test('the clock is held against the median of peers, each of which counts once', t => {
  const skew = new ClockSkew()
  t.is(skew.median, null)
  for (const [peer, ahead] of [
    ['a', 100],
    ['b', 200],
    ['c', 9e15]
  ] as const)
    skew.note(peer, ahead)
  t.is(skew.median, 200)
  for (let n = 0; n < 50; n++) skew.note('c', 9e15)
  t.deepEqual([skew.median, skew.peers], [200, 3])
  for (let n = 0; n < 1000; n++) skew.note(`${n}`, 5)
  t.deepEqual([skew.median, skew.peers], [5, 64])
})

test('a node is reachable when somebody has dialled it, and otherwise told what it lacks', t => {
  const state = (addresses: string[], ...directions: ('inbound' | 'outbound')[]) =>
    reachabilityOf(
      addresses,
      directions.map(direction => ({ direction }))
    )
  t.like(state([], 'outbound'), { state: 'unreachable' })
  t.regex(state([]).why, /--listen/)
  t.deepEqual(state(['/ip4/10.0.0.1/tcp/1'], 'inbound', 'outbound'), { state: 'reachable', why: '1 of the connected peers has dialled it' })
  for (const address of [
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/172.20.0.1/tcp/1',
    '/ip4/192.168.1.1/tcp/1',
    '/ip6/::1/tcp/1',
    '/ip6/fd00::1/tcp/1'
  ]) {
    t.regex(state([address]).why, /--announce/, address)
  }
  for (const address of ['/ip4/192.0.2.1/tcp/1', '/ip4/172.32.0.1/tcp/1', '/ip6/2001:db8::1/tcp/1', '/dns4/node.example/tcp/1']) {
    t.regex(state([address, '/ip4/127.0.0.1/tcp/1']).why, /has to be open/, address)
  }
})

test('places that are taken are counted by the limit that was hit', t => {
  const counters = new Counters()
  const slots = new Slots({ perPeer: 1, all: 2, idle: 60_000 }, counters)
  const slot = slots.enter('a')
  t.throws(() => slots.enter('a'), { message: /busy/ })
  slots.enter('b').machine = { fail: () => {} } as unknown as Machine
  t.throws(() => slots.enter('c'), { message: /busy/ })
  slots.leave(slot)
  slots.enter('c')
  t.deepEqual(counters.limits.all(), { sessionsPerPeer: 1, sessions: 1 })
})

/** A node's parts, as far as its status asks them, over a real store. */
async function parts(change: Partial<StatusInit> = {}): Promise<StatusInit> {
  const node = {
    peerId: 'P',
    getMultiaddrs: () => [],
    getPeers: () => [],
    services: { pubsub: { mesh: new Map([['/zklora/announce/1/3', new Set(['a', 'b'])]]) } } as unknown as { session: SessionService }
  }
  const announce = {
    counters: { accepted: 1, ignored: { clock: 2, 'feed rate': 3, seen: 4 }, rejected: {}, published: 0 },
    skew: new ClockSkew()
  }
  const fetch = { counters: { answered: {}, bytes: 0, open: 0, refused: { fetchesPerPeer: 5, fetches: 0 } } }
  return {
    net: { node, announce, fetch } as unknown as StatusInit['net'],
    store: await Store.open({ datastore: new MemoryDatastore() }),
    verifier: {
      counters: { queued: 7, arriving: 1, dropped: { 'queue full': 1, 'unknown adapters': 0, owner: 0, conflict: 0, known: 0, past: 0 } },
      backlogged: { bundles: 6, points: 600, skipped: 8 }
    },
    contributor: { outstandingRows: 9 },
    counters: new Counters(),
    roles: ['verifier'],
    adapters: async () => [],
    started: 0,
    ...change
  }
}

test('limits that were hit are told by the names of limits.ts, wherever they were counted', async t => {
  const init = await parts()
  init.counters.limits.add('sessions', 2)
  init.counters.refused.add('busy')
  const report = await new Status(init).report()
  t.deepEqual(report.limits, { sessions: 2, clockSkew: 2, announcementsPerFeed: 3, fetchesPerPeer: 5, backlogBundles: 8 })
  t.true(Object.keys(report.limits).every(name => name in NET_LIMITS))
  t.deepEqual(report.refusals, { sent: { busy: 1 }, received: {} })
  t.deepEqual(report.backlog, { announcements: 7, bundles: 6, points: 600, skipped: 8 })
  t.like(report, {
    outstandingRows: 9,
    announcements: { ignored: { seen: 4, 'queue full': 1 } },
    clockSkew: { milliseconds: null, peers: 0 }
  })
  t.is(Object.keys(report.mesh).length, 16)
  t.is(report.mesh['3'], 2)
  t.is((await new Status(await parts({ contributor: undefined })).report()).outstandingRows, 0)
})

test('what is missing in feeds is counted, and looked for once a minute', async t => {
  const init = await parts()
  const status = new Status(init)
  const feed = makeFeed(4)
  await init.store.feeds.put(feed[0]!)
  t.is((await new Status(init).report()).feedGaps, 0)
  await init.store.feeds.put(feed[3]!)
  t.is((await status.report()).feedGaps, 2)
  await init.store.feeds.put(feed[1]!)
  t.is((await status.report()).feedGaps, 2)
  t.is((await new Status(init).report()).feedGaps, 1)
})

test('proofs owed and awaited, and receipts missing, are those of the sessions kept', async t => {
  const init = await parts()
  const put = (n: number, role: 'user' | 'contributor', state: 'broken' | 'proving' | 'proved' | 'announced') =>
    init.store.sessions.put({
      session: `${n}`.repeat(64),
      role,
      adapter: 'a'.repeat(64),
      adapterName: 'a',
      base: 'b'.repeat(64),
      peer: 'P',
      state,
      rows: 1,
      root: null,
      digest: null,
      bundleBytes: null,
      times: { commit: null, prove: null, verify: null },
      started: n,
      error: null,
      bundles: [],
      announcement: null
    })
  await put(1, 'contributor', 'broken')
  await put(2, 'contributor', 'proving')
  await put(3, 'contributor', 'proved')
  await put(4, 'contributor', 'announced')
  await put(5, 'user', 'broken')
  await put(6, 'user', 'proved')
  const report = await new Status(init).report()
  t.like(report, { proofsOwed: 2, proofsAwaited: 1, receiptsMissing: 1, sessions: { broken: 2, proving: 1, proved: 2, announced: 1 } })
})
