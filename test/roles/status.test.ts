import test from 'ava'
import { Counters } from '../../src/counters.js'
import { ClockSkew } from '../../src/net/announce/skew.js'
import { NET_LIMITS } from '../../src/limits.js'
import { type SessionService } from '../../src/net/session/index.js'
import { Status, type StatusInit } from '../../src/roles/status.js'
import { type SessionRecord, Store } from '../../src/store/index.js'
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

/** A node's parts, as far as its status asks them, over a real store. */
async function parts(change: Partial<StatusInit> = {}): Promise<StatusInit> {
  const node = {
    peerId: 'P',
    getMultiaddrs: () => [],
    getPeers: () => [],
    getConnections: () => [],
    addEventListener: () => {},
    services: { pubsub: { mesh: new Map([['/zklora/announce/1/3', new Set(['a', 'b'])]]) } } as unknown as { session: SessionService }
  }
  const announce = {
    counters: {
      accepted: 1,
      ignored: { clock: 2, 'feed rate': 3, seen: 4, owner: 5, 'unknown adapter of the feed': 6 },
      rejected: {},
      published: 0
    },
    skew: new ClockSkew()
  }
  const fetch = {}
  return {
    net: { node, announce, fetch } as unknown as StatusInit['net'],
    store: await Store.open({ datastore: new MemoryDatastore() }),
    verifier: {
      counters: {
        queued: 7,
        arriving: 1,
        dropped: {
          'queue full': 1,
          'queue of the owner full': 0,
          'queue of unknown adapters full': 0,
          owner: 6,
          conflict: 0,
          known: 0,
          past: 0
        }
      },
      backlogged: { bundles: 6, points: 600, skipped: 8 },
      load: { share: 0.5, used: 0.25, lanes: 2, busy: 900 }
    },
    sessions: { outstandingRows: { contributor: 9, user: 3 } },
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
  init.counters.timeouts.add('idle')
  const report = await new Status(init).report()
  t.deepEqual(report.limits, { sessions: 2, clockSkew: 2, announcementsPerFeed: 3, unknownAdapterFeedInterval: 6 })
  t.deepEqual(report.timeouts, { idle: 1 })
  t.true(Object.keys(report.limits).every(name => name in NET_LIMITS))
  t.deepEqual(report.refusals, { sent: { busy: 1 }, received: {} })
  t.deepEqual(report.backlog, { announcements: 7, bundles: 6, points: 600, skipped: 8 })
  t.like(report, {
    outstandingRows: { contributor: 9, user: 3 },
    // Of one reason, what the validator and what the verifier found.
    announcements: { ignored: { seen: 4, 'queue full': 1, owner: 11 } },
    verifier: { share: 0.5, used: 0.25, threads: 2, busy: 900 },
    clockSkew: { milliseconds: null, peers: 0 }
  })
  t.is(Object.keys(report.mesh).length, 16)
  t.is(report.mesh['3'], 2)
})

test('what gossip ignores on account of a limit counts as a hit of that limit, each reason as its own', async t => {
  const reasons = {
    clock: 'clockSkew',
    'feed rate': 'announcementsPerFeed',
    'owner rate': 'announcementsPerOwner',
    'signature checks': 'gossipSignatures',
    'signature checks of the peer': 'gossipSignaturesPerPeer',
    'unknown adapters': 'unknownAdapterAnnouncements',
    'unknown adapter of the feed': 'unknownAdapterFeedInterval'
  }
  const init = await parts()
  const { counters } = init.net.announce
  for (const [reason, limit] of Object.entries(reasons)) {
    counters.ignored = { version: 1, seen: 2, owner: 3, [reason]: 4 }
    t.deepEqual((await new Status(init).report()).limits, { [limit]: 4 }, reason)
  }
})

test('what is missing in feeds is counted, and in how many of them', async t => {
  const init = await parts()
  const status = new Status(init)
  const feed = makeFeed(4)
  await init.store.feeds.put(feed[0]!)
  t.deepEqual((await status.report()).feedGaps, { announcements: 0, feeds: 0 })
  await init.store.feeds.put(feed[3]!)
  t.deepEqual((await status.report()).feedGaps, { announcements: 2, feeds: 1 })
  await init.store.feeds.put(feed[1]!)
  t.deepEqual((await status.report()).feedGaps, { announcements: 1, feeds: 1 })
  await init.store.feeds.put(feed[2]!)
  t.deepEqual((await status.report()).feedGaps, { announcements: 0, feeds: 0 })
})

const HEX = (digit: string): string => digit.repeat(64)

function sessionRecord(n: number, role: SessionRecord['role'], state: SessionRecord['state']): SessionRecord {
  return {
    session: n.toString(16).padStart(64, '0'),
    role,
    adapter: HEX('a'),
    adapterName: 'a',
    base: HEX('b'),
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
  }
}

test('proofs owed and awaited, and receipts missing, are those of the sessions kept', async t => {
  const init = await parts()
  const put = (...record: Parameters<typeof sessionRecord>) => init.store.sessions.put(sessionRecord(...record))
  await put(1, 'contributor', 'broken')
  await put(2, 'contributor', 'proving')
  await put(3, 'contributor', 'proved')
  await put(4, 'contributor', 'announced')
  await put(5, 'user', 'broken')
  await put(6, 'user', 'proved')
  const report = await new Status(init).report()
  t.like(report, { proofsOwed: 2, proofsAwaited: 1, receiptsMissing: 1, sessions: { broken: 2, proving: 1, proved: 2, announced: 1 } })
})

test('a status reads no session, however many are kept', async t => {
  const datastore = new MemoryDatastore()
  const written = await Store.open({ datastore })
  for (let n = 0; n < 2000; n++) await written.sessions.put(sessionRecord(n, n % 2 === 0 ? 'user' : 'contributor', 'announced'))
  await written.sessions.put(sessionRecord(0, 'user', 'broken'))
  const store = await Store.open({ datastore })
  const status = new Status(await parts({ store }))
  datastore.query =
    datastore.get =
    datastore.has =
      () => {
        throw new Error('the store was read')
      }
  t.like(await status.report(), { sessions: { announced: 1999, broken: 1, open: 0 }, proofsAwaited: 1 })
})
