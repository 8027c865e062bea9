import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import test, { type ExecutionContext } from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { concat, equal } from '../../src/bytes.js'
import { Counters } from '../../src/counters.js'
import { hash } from '../../src/kernel/hash.js'
import { NET_LIMITS } from '../../src/limits.js'
import { Incoming } from '../../src/net/fetch/incoming.js'
import { FETCH_PROTOCOL, type FetchInit, type FetchService, fetchService, type FetchSource } from '../../src/net/fetch/index.js'
import {
  decodeHeader,
  decodeRequest,
  encodeAnnouncements,
  encodeCatalogue,
  encodeHeader,
  encodeRequest,
  type Request
} from '../../src/net/fetch/messages.js'
import { createNetNode, type NetNode } from '../../src/net/node.js'
import { FrameStream } from '../../src/net/streams.js'
import type { ServedAdapter } from '../../src/wire/generated/fetch.js'
import { nodeTransports } from '../../src/roles/platform.js'
import { SignatureChecks } from '../../src/net/announce/checks.js'
import type { FeedAnnouncement } from '../../src/store/index.js'
import { bytes32, flipped, make, makeFeed, NOW } from './announcements.js'

const bundleDigest = (bytes: Uint8Array): Uint8Array => hash('zklora/v1/bundle', bytes)
/** More than two pieces. */
const LARGE = Uint8Array.from({ length: 600_000 }, (_, i) => i * 7)
const DIGEST = bundleDigest(LARGE)
const WAIT = { what: 'a test', milliseconds: 10_000 }

async function startPeer<Extra extends Record<string, unknown>>(t: ExecutionContext, services: Parameters<typeof createNetNode<Extra>>[1]) {
  const node = await createNetNode<Extra>(
    {
      privateKey: await generateKeyPair('Ed25519'),
      datastore: new MemoryDatastore(),
      transports: nodeTransports(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: '0.0.0',
      roles: [],
      privateAddresses: true
    },
    services
  )
  await node.start()
  t.teardown(() => node.stop())
  return node
}

type FetchNode = NetNode<{ fetch: FetchService }>

/** A node that asks, and one for each source that it knows the addresses of. */
async function network(t: ExecutionContext, sources: FetchSource[], init: Partial<FetchInit> = {}) {
  const blamed: string[] = []
  const [counters, theirs] = [new Counters(), new Counters()]
  const asker: FetchNode = await startPeer(t, {
    fetch: fetchService({
      source: {},
      counters,
      onBlame: (peer, error) => blamed.push(`${holders.findIndex(holder => holder.equals(peer))} ${error.name}`),
      ...init
    })
  })
  const nodes: FetchNode[] = await Promise.all(
    sources.map(source => startPeer(t, { fetch: fetchService({ source, limits: init.limits, counters: theirs }) }))
  )
  const holders = nodes.map(({ peerId }) => peerId)
  for (const node of nodes) await asker.peerStore.patch(node.peerId, { multiaddrs: node.getMultiaddrs() })
  return { fetch: asker.services.fetch, holders, nodes, blamed, asker, counters, theirs }
}

const holding = (...bundles: Uint8Array[]): FetchSource => ({
  bundle: async digest => bundles.find(bytes => equal(bundleDigest(bytes), digest))
})

test('a bundle of several pieces is fetched by its digest', async t => {
  const { fetch, holders, nodes } = await network(t, [holding(LARGE)])
  const { bytes, holder } = await fetch.bundle(holders, DIGEST, { length: LARGE.length })
  t.true(equal(bytes, LARGE))
  t.true(holder.equals(holders[0]!))
  t.deepEqual(nodes[0]!.services.fetch.counters.answered, { 'bundle 0': 1 })
})

test('a manifest is fetched by its identifier, an empty bundle by its digest', async t => {
  const manifest = bytes32(5)
  const { fetch, holders } = await network(t, [{ manifest: async () => manifest, bundle: async () => new Uint8Array(0) }])
  t.deepEqual((await fetch.manifest(holders, hash('zklora/v1/adapter', manifest))).bytes, manifest)
  t.deepEqual((await fetch.bundle(holders, bundleDigest(new Uint8Array(0)))).bytes, new Uint8Array(0))
})

test('wrong bytes are thrown away whole, blame their holder, and the next holder is asked', async t => {
  const { fetch, holders, blamed } = await network(t, [{ bundle: async () => flipped(LARGE, 300_000) }, holding(LARGE)])
  const { bytes, holder } = await fetch.bundle(holders, DIGEST)
  t.true(equal(bytes, LARGE))
  t.true(holder.equals(holders[1]!))
  t.deepEqual(blamed, ['0 InvalidProofError'])
  t.is(fetch.blames(holders[0]!), 1)
  t.is(fetch.blames(holders[1]!), 0)
})

test('wrong bytes of the only holder are an InvalidProofError of step digest', async t => {
  const { fetch, holders } = await network(t, [{ bundle: async () => flipped(LARGE, 0) }])
  const error = await t.throwsAsync(fetch.bundle(holders, DIGEST), { name: 'InvalidProofError' })
  t.is((error as unknown as { step: string }).step, 'digest')
})

test('a length above the announced one is refused before any byte is taken', async t => {
  const { fetch, holders } = await network(t, [holding(LARGE)])
  await t.throwsAsync(fetch.bundle(holders, DIGEST, { length: LARGE.length - 1 }), { name: 'LimitExceededError' })
  await t.throwsAsync(
    network(t, [holding(LARGE)], { limits: { bundleBytes: 1000 } }).then(it => it.fetch.bundle(it.holders, DIGEST)),
    {
      name: 'LimitExceededError',
      message: /600000, at most 1000/
    }
  )
})

test('at most three holders are tried, nobody twice, and the one that has it last is found', async t => {
  const { fetch, holders, nodes, counters } = await network(t, [holding(), holding(), holding(), holding(LARGE)])
  await t.throwsAsync(fetch.bundle(holders, DIGEST), { name: 'NotFoundError' })
  t.deepEqual(nodes[3]!.services.fetch.counters.answered, {})
  t.deepEqual(counters.limits.all(), { fetchHolders: 1 })
  const [first, , , last] = holders as [PeerId, PeerId, PeerId, PeerId]
  t.true(equal((await fetch.bundle([first, first, last], DIGEST)).bytes, LARGE))
  await t.throwsAsync(fetch.bundle([], DIGEST), { name: 'NotFoundError', message: /nobody is known/ })
})

test('what a node does not answer for is not supported', async t => {
  const { fetch, holders } = await network(t, [{}])
  const expected = { name: 'RefusedError', message: /does not support/ }
  await t.throwsAsync(fetch.bundle(holders, DIGEST), expected)
  await t.throwsAsync(fetch.feed(holders[0]!, bytes32(1), { from: 0n, count: 1 }), expected)
  await t.throwsAsync(fetch.heads(holders[0]!, 5, 0n), expected)
  await t.throwsAsync(fetch.adapters(holders[0]!, null), expected)
})

test('a peer that is not there is a named error, and the caller’s signal ends the wait', async t => {
  // Without addresses the DHT is asked for them, until the time is over.
  const { fetch, asker } = await network(t, [], { limits: { answerTime: 300 } })
  const { publicKey } = await generateKeyPair('Ed25519')
  await t.throwsAsync(fetch.bundle([peerIdFromPublicKey(publicKey)], DIGEST), { name: 'TimeoutError', message: /opening a fetch stream/ })
  await t.throwsAsync(fetch.bundle([asker.peerId], DIGEST), { name: 'ConnectionLostError' })
  const reason = new Error('not wanted any more')
  await t.throwsAsync(fetch.adapters(asker.peerId, null, { signal: AbortSignal.abort(reason) }), { message: reason.message })
})

test('feeds come in order with chain and signatures checked', async t => {
  const feed = makeFeed(5)
  const source: FetchSource = { feed: async (_, from, count) => feed.slice(Number(from), Number(from) + count).map(({ bytes }) => bytes) }
  const { fetch, holders, theirs } = await network(t, [source])
  const range = await fetch.feed(holders[0]!, feed[0]!.feed, { from: 1n, count: 3 })
  t.deepEqual(
    range.map(({ announcement }) => announcement.index),
    [1n, 2n, 3n]
  )
  t.deepEqual(await fetch.feed(holders[0]!, feed[0]!.feed, { from: 5n, count: 3 }), [])
  t.is((await fetch.feed(holders[0]!, feed[0]!.feed, { from: 0n, count: NET_LIMITS.feedAnnouncements })).length, 5)
  await t.throwsAsync(fetch.feed(holders[0]!, feed[0]!.feed, { from: 0n, count: NET_LIMITS.feedAnnouncements + 1 }), {
    name: 'RefusedError',
    message: /malformed/
  })
  t.deepEqual(theirs.limits.all(), { feedAnnouncements: 1 })
})

test('a feed with a gap, of another feed, with a broken chain or too long blames the peer', async t => {
  const feed = makeFeed(3).map(({ bytes }) => bytes)
  const other = makeFeed(3, { statement: { adapter: bytes32(77) } }).map(({ bytes }) => bytes)
  const unchained = makeFeed(3, { user: null }).map(({ bytes }) => bytes)
  const [of] = makeFeed(1)
  const lies: [Uint8Array[], RegExp][] = [
    [[feed[0]!, feed[2]!], /2 came in the place of 1/],
    [other, /came for feed/],
    [[feed[0]!, unchained[1]!], /does not name the hash/],
    [[feed[0]!, flipped(feed[1]!, feed[1]!.length - 1)], /signature/],
    [[...feed, feed[0]!], /4 announcements came, at most 3/]
  ]
  const { fetch, holders } = await network(
    t,
    lies.map(([list]) => ({ feed: async () => list }))
  )
  for (const [i, [, message]] of lies.entries()) {
    await t.throwsAsync(fetch.feed(holders[i]!, of!.feed, { from: 0n, count: 3 }), { message })
    t.is(fetch.blames(holders[i]!), 1)
  }
})

test('heads are of the topic asked for, not older than asked for, and one for each feed', async t => {
  const [first, second] = makeFeed(2)
  const lists = [[first!.bytes], [first!.bytes, second!.bytes], []]
  const { fetch, holders } = await network(
    t,
    lists.map(list => ({ heads: async () => list }))
  )
  t.is((await fetch.heads(holders[0]!, 5, BigInt(NOW)))[0]!.announcement.index, 0n)
  await t.throwsAsync(fetch.heads(holders[0]!, 6, 0n), { message: /another topic/ })
  await t.throwsAsync(fetch.heads(holders[0]!, 5, BigInt(NOW + 1)), { message: /older/ })
  await t.throwsAsync(fetch.heads(holders[1]!, 5, 0n), { message: /of one feed/ })
  t.deepEqual(await fetch.heads(holders[2]!, 5, 0n), [])
})

test('signatures of heads are checked between other work, those not wanted not at all, and room is left to gossip', async t => {
  const heads = Array.from({ length: 20 }, (_, n) => make({ user: null, statement: { adapter: bytes32(n) } }))
  const unwanted = flipped(heads[0]!.bytes, heads[0]!.bytes.length - 1)
  const checks = new SignatureChecks(20)
  const lists = [unwanted, ...heads.slice(1).map(({ bytes }) => bytes)]
  const { fetch, holders } = await network(t, [{ heads: async () => lists }], { checks })
  let turns = 0
  let isOver = false
  let least = true
  const watch = (): void => {
    turns++
    least &&= checks.has(9)
    if (!isOver) setTimeout(watch, 5)
  }
  const isWanted = async ({ announcement }: FeedAnnouncement): Promise<boolean> => {
    if (turns === 0) watch()
    return announcement.statement.adapter[0] !== 0
  }
  const began = performance.now()
  t.is((await fetch.heads(holders[0]!, 5, 0n, { isWanted })).length, 19)
  isOver = true
  t.true(turns >= 10, `${turns} turns of the event loop`)
  t.true(least, 'half of the second’s checks stay')
  // 19 of them, 10 at once and 20 a second from then on.
  t.true(performance.now() - began >= 400)
  const reason = new Error('not wanted any more')
  const stopped = fetch.heads(holders[0]!, 5, 0n, { isWanted, signal: AbortSignal.abort(reason) })
  await t.throwsAsync(stopped, { message: reason.message })
  await t.throwsAsync(fetch.heads(holders[0]!, 5, 0n), { name: 'InvalidProofError', message: /signature/ })
})

function servedAdapter(adapter: Uint8Array, base: Uint8Array): ServedAdapter {
  return { adapter: adapter.slice(), base: base.slice(), rowsLeft: 5, listedOnly: false, maxRows: 9 }
}

test('a contributor tells what it serves, for one base model or all', async t => {
  const served = [1, 2].map(n => servedAdapter(bytes32(n), bytes32(10 + n)))
  const honest: FetchSource = { catalogue: async base => served.filter(adapter => base === null || equal(adapter.base, base)) }
  const { fetch, holders } = await network(t, [honest, { catalogue: async () => served }])
  t.is((await fetch.adapters(holders[0]!, null)).length, 2)
  t.true(equal((await fetch.adapters(holders[0]!, bytes32(12)))[0]!.adapter, bytes32(2)))
  t.deepEqual(await fetch.adapters(holders[0]!, bytes32(99)), [])
  await t.throwsAsync(fetch.adapters(holders[1]!, bytes32(12)), { name: 'InvalidProofError', message: /names another/ })
})

test('how fast a peer sends is measured with one piece of a manifest, whatever its length', async t => {
  const { fetch, holders } = await network(t, [{ manifest: async () => LARGE }, { manifest: async () => LARGE.subarray(0, 1000) }, {}])
  t.is((await fetch.rate(holders[0]!, DIGEST)).bytes, NET_LIMITS.fetchPieceBytes)
  const short = await fetch.rate(holders[1]!, DIGEST)
  t.is(short.bytes, 1000)
  t.true(short.elapsed > 0)
  await t.throwsAsync(fetch.rate(holders[2]!, DIGEST), { name: 'RefusedError', message: /does not support/ })
})

test('more streams than allowed of one peer are told that the node is busy', async t => {
  let release = (): void => {}
  const held = new Promise<void>(resolve => (release = resolve))
  let arrived = (): void => {}
  const both = new Promise<void>(resolve => (arrived = resolve))
  let asked = 0
  const source: FetchSource = {
    bundle: async () => {
      if (++asked === 2) arrived()
      await held
      return LARGE
    }
  }
  const { fetch, holders, nodes, theirs } = await network(t, [source], { limits: { perPeer: 2 } })
  const slow = [fetch.bundle(holders, DIGEST), fetch.bundle(holders, DIGEST)]
  await both
  await t.throwsAsync(fetch.bundle(holders, DIGEST), { name: 'RefusedError', message: /busy/ })
  release()
  for (const { bytes } of await Promise.all(slow)) t.is(bytes.length, LARGE.length)
  t.deepEqual(nodes[0]!.services.fetch.counters.answered, { 'any 4': 1, 'bundle 0': 2 })
  t.deepEqual(theirs.limits.all(), { fetchesPerPeer: 1 })
  t.is((await fetch.bundle(holders, DIGEST)).bytes.length, LARGE.length)
})

test('more streams than allowed of all peers are told that the node is busy', async t => {
  const { fetch, holders, nodes, theirs } = await network(t, [holding(LARGE)], { limits: { all: 0 } })
  await t.throwsAsync(fetch.bundle(holders, DIGEST), { name: 'RefusedError', message: /busy/ })
  t.deepEqual(nodes[0]!.services.fetch.counters.answered, { 'any 4': 1 })
  t.deepEqual(theirs.limits.all(), { fetches: 1 })
})

/** Streams of a peer of its own that say nothing, opened one after the other; resolves when all have a place. */
async function silent(t: ExecutionContext, server: FetchNode, count: number): Promise<Stream[]> {
  const peer = await startPeer(t, {})
  const before = server.services.fetch.counters.open
  const streams: Stream[] = []
  for (let n = 0; n < count; n++) {
    const stream = await peer.dialProtocol(server.getMultiaddrs(), FETCH_PROTOCOL)
    // Named when something is sent: half a length.
    stream.send(Uint8Array.of(0x80))
    streams.push(stream)
    while (server.services.fetch.counters.open <= before + n) await new Promise(resolve => setTimeout(resolve, 5))
  }
  return streams
}

async function over(stream: Stream): Promise<void> {
  if (stream.status === 'open') await new Promise(resolve => stream.addEventListener('close', resolve, { once: true }))
}

test('when all places are taken the peer with most gives up its oldest to who comes', async t => {
  const { fetch, holders, nodes } = await network(t, [holding(LARGE)], { limits: { all: 4, answerTime: 60_000 } })
  await silent(t, nodes[0]!, 1)
  const greedy = await silent(t, nodes[0]!, 3)
  t.is((await fetch.bundle(holders, DIGEST)).bytes.length, LARGE.length)
  await over(greedy[0]!)
  t.deepEqual(
    greedy.map(({ status }) => status),
    ['reset', 'open', 'open']
  )
})

test('when each has one place, who has taken nothing for long gives it up', async t => {
  for (const rateWindow of [60_000, 0]) {
    const { asker, nodes } = await network(t, [holding(LARGE)], { limits: { all: 1, rateWindow, answerTime: 60_000 } })
    const [first] = await silent(t, nodes[0]!, 1)
    const frames = new FrameStream(await asker.dialProtocol(nodes[0]!.peerId, FETCH_PROTOCOL), { peer: 'holder' })
    await frames.write(encodeRequest({ kind: 'bundle', digest: DIGEST, offset: 0 }), WAIT)
    const header = decodeHeader((await frames.read(WAIT))!)
    t.is(header.status, rateWindow > 0 ? 4 : 0)
    if (rateWindow === 0) await over(first!)
    t.is(first!.status, rateWindow > 0 ? 'open' : 'reset')
    frames.abort(new Error('over'))
  }
})

/** A peer whose streams are answered by hand. */
async function scripted(
  t: ExecutionContext,
  answer: (frames: FrameStream, request: Request, stream: Stream) => Promise<void>,
  init: Partial<FetchInit> = {}
) {
  const liar = await startPeer(t, {})
  await liar.handle(FETCH_PROTOCOL, async (stream: Stream, connection: Connection) => {
    const frames = new FrameStream(stream, { peer: connection.remotePeer.toString() })
    try {
      await answer(frames, decodeRequest((await frames.read(WAIT))!), stream)
    } catch (error) {
      frames.abort(error)
    }
  })
  const { fetch, asker, blamed, counters } = await network(t, [], init)
  await asker.peerStore.patch(liar.peerId, { multiaddrs: liar.getMultiaddrs() })
  return { fetch, peer: liar.peerId, blamed, counters, connect: () => asker.dial(liar.getMultiaddrs()) }
}

const piece = (at: number): Uint8Array => LARGE.subarray(at, Math.min(at + NET_LIMITS.fetchPieceBytes, LARGE.length))

/** A holder whose connection breaks after each piece, when the piece has arrived. */
async function breaking(t: ExecutionContext, lengthOf: (attempt: number) => number) {
  const offsets: number[] = []
  let broke = (): void => {}
  const { fetch, peer, blamed } = await scripted(t, async (frames, request) => {
    const { offset } = request as Extract<Request, { offset: number }>
    const length = lengthOf(offsets.length)
    offsets.push(offset)
    const arrived = new Promise<void>(resolve => (broke = resolve))
    await send(frames, encodeHeader(0, length), piece(offset))
    await arrived
    if (offset + NET_LIMITS.fetchPieceBytes < length) throw new Error('the cable is out')
    await frames.closeWrite(WAIT)
  })
  return { bundle: () => fetch.bundle([peer], DIGEST, { onProgress: () => broke() }), offsets, blamed }
}

test('a broken transfer goes on with the same holder where it ended', async t => {
  const { bundle, offsets } = await breaking(t, () => LARGE.length)
  t.true(equal((await bundle()).bytes, LARGE))
  t.deepEqual(offsets, [0, NET_LIMITS.fetchPieceBytes, 2 * NET_LIMITS.fetchPieceBytes])
})

test('a holder that changes the length on resuming is blamed', async t => {
  const { bundle, blamed } = await breaking(t, attempt => LARGE.length - attempt)
  await t.throwsAsync(bundle(), { name: 'ProtocolViolationError', message: /599999 bytes, before it were 600000/ })
  t.deepEqual(blamed, ['-1 ProtocolViolationError'])
})

const lies: [string, (frames: FrameStream) => Promise<void>, RegExp][] = [
  ['a piece of no bytes', async frames => send(frames, encodeHeader(0, 10), new Uint8Array(0)), /a piece of 0 bytes/],
  [
    'a piece above 256 KiB',
    async frames => send(frames, encodeHeader(0, LARGE.length), LARGE.subarray(0, 262_145)),
    /a piece of 262145 bytes/
  ],
  ['more than announced in one piece', async frames => send(frames, encodeHeader(0, 10), LARGE.subarray(0, 11)), /more than the 10 bytes/],
  [
    'a piece after the end',
    async frames => send(frames, encodeHeader(0, 10), LARGE.subarray(0, 10), LARGE.subarray(0, 1)),
    /more than the 10 bytes/
  ],
  ['no header', async () => {}, /without an answer/],
  ['a header that is no message', async frames => send(frames, Uint8Array.of(255, 255)), /does not decode/],
  ['a header with an unknown field', async frames => send(frames, concat([encodeHeader(0, 10), Uint8Array.of(0x78, 1)])), /canonical/],
  ['an unknown status', async frames => send(frames, encodeHeader(77)), /status 77/]
]

async function send(frames: FrameStream, ...list: Uint8Array[]): Promise<void> {
  for (const frame of list) await frames.write(frame, WAIT)
}

for (const [what, answer, message] of lies) {
  test(`${what} ends the transfer with a named error`, async t => {
    const { fetch, peer } = await scripted(t, async frames => {
      await answer(frames)
      await frames.closeWrite(WAIT)
    })
    await t.throwsAsync(fetch.bundle([peer], DIGEST), { message })
  })
}

test('a stream that ends before the length is a named error and is not resumed', async t => {
  let asked = 0
  const { fetch, peer } = await scripted(t, async frames => {
    asked++
    await send(frames, encodeHeader(0, LARGE.length), piece(0))
    await frames.closeWrite(WAIT)
  })
  await t.throwsAsync(fetch.bundle([peer], DIGEST), { name: 'MalformedMessageError', message: /after 262144 of 600000/ })
  t.is(asked, 1)
})

test('a transfer below the least rate is given up', async t => {
  const { fetch, peer, counters } = await scripted(t, async frames => send(frames, encodeHeader(0, LARGE.length), piece(0)), {
    limits: { rateWindow: 100 }
  })
  await t.throwsAsync(fetch.bundle([peer], DIGEST), { name: 'TimeoutError', message: /at least 3276.8 are wanted/ })
  t.deepEqual(counters.limits.all(), { fetchBytesPerSecond: 1 })
})

test('a transfer that takes too long is given up, as is a peer that does not answer', async t => {
  const slow = await scripted(t, async frames => send(frames, encodeHeader(0, LARGE.length), piece(0)), { limits: { transferTime: 100 } })
  await t.throwsAsync(slow.fetch.bundle([slow.peer], DIGEST), { name: 'TimeoutError', message: /a bundle from peer/ })
  t.deepEqual(slow.counters.timeouts.all(), { fetch: 1 })
  const silent = await scripted(t, async () => {}, { limits: { answerTime: 1500 } })
  await silent.connect()
  await t.throwsAsync(silent.fetch.bundle([silent.peer], DIGEST), { name: 'TimeoutError', message: /an answer of peer/ })
  t.deepEqual(silent.counters.timeouts.all(), { open: 1 })
})

test('a measured transfer that breaks off, sends nothing or does not end is a named error', async t => {
  for (const frame of [new Uint8Array(0), undefined]) {
    const broken = await scripted(t, async frames => {
      await send(frames, encodeHeader(0, LARGE.length), ...(frame === undefined ? [] : [frame]))
      await frames.closeWrite(WAIT)
    })
    await t.throwsAsync(broken.fetch.rate(broken.peer, DIGEST), { name: 'MalformedMessageError', message: /after 0 of 600000/ })
  }
  const frozen = await scripted(t, async frames => send(frames, encodeHeader(0, LARGE.length)), { limits: { answerTime: 1500 } })
  await frozen.connect()
  await t.throwsAsync(frozen.fetch.rate(frozen.peer, DIGEST), { name: 'TimeoutError', message: /the beginning of a manifest/ })
})

test('a list that does not come, or comes twice, is a named error', async t => {
  const none = await scripted(t, async frames => {
    await send(frames, encodeHeader(0))
    await frames.closeWrite(WAIT)
  })
  await t.throwsAsync(none.fetch.adapters(none.peer, null), { name: 'MalformedMessageError', message: /before the list/ })
  const twice = await scripted(t, async frames => {
    await send(frames, encodeHeader(0), encodeAnnouncements([]), encodeAnnouncements([]))
    await frames.closeWrite(WAIT)
  })
  await t.throwsAsync(twice.fetch.heads(twice.peer, 0, 0n), { name: 'ProtocolViolationError', message: /more than one list/ })
})

test('a catalogue with a short identifier and a list of long announcements are refused', async t => {
  const catalogue = encodeCatalogue([servedAdapter(new Uint8Array(31), bytes32(1))])
  const short = await scripted(t, async frames => {
    await send(frames, encodeHeader(0), catalogue)
    await frames.closeWrite(WAIT)
  })
  await t.throwsAsync(short.fetch.adapters(short.peer, null), { message: /has not 32 bytes/ })
  const long = await scripted(t, async frames => {
    await send(frames, encodeHeader(0), encodeAnnouncements([new Uint8Array(641)]))
    await frames.closeWrite(WAIT)
  })
  await t.throwsAsync(long.fetch.heads(long.peer, 0, 0n), { message: /641 bytes/ })
})

/** Sends raw bytes as a request, and reads the status of the answer. */
async function status(t: ExecutionContext, ...requests: Uint8Array[]): Promise<number[]> {
  const { asker, holders } = await network(t, [holding(LARGE)])
  return Promise.all(
    requests.map(async request => {
      const stream = await asker.dialProtocol(holders[0]!, FETCH_PROTOCOL)
      const frames = new FrameStream(stream, { peer: 'holder' })
      await frames.write(request, WAIT)
      await frames.closeWrite(WAIT)
      // Status is field 1; a status of 0 is left out.
      const header = (await frames.read(WAIT))!
      return header[0] === 8 ? header[1]! : 0
    })
  )
}

test('malformed requests are told so', async t => {
  const found = encodeRequest({ kind: 'bundle', digest: DIGEST, offset: 0 })
  const wrong: Uint8Array[] = [
    new Uint8Array(0),
    Uint8Array.of(255),
    concat([found, found]),
    encodeRequest({ kind: 'bundle', digest: DIGEST.subarray(1), offset: 0 }),
    encodeRequest({ kind: 'manifest', digest: new Uint8Array(0), offset: 0 }),
    encodeRequest({ kind: 'feed', feed: bytes32(1).subarray(1), from: 0n, count: 1 }),
    encodeRequest({ kind: 'feed', feed: bytes32(1), from: 0n, count: 0 }),
    encodeRequest({ kind: 'feed', feed: bytes32(1), from: 0n, count: 257 }),
    encodeRequest({ kind: 'heads', topic: 16, since: 0n }),
    encodeRequest({ kind: 'adapters', base: bytes32(1).subarray(1) })
  ]
  // 8 streams of one peer at a time.
  t.deepEqual(await status(t, ...wrong.slice(0, 5)), [2, 2, 2, 2, 2])
  t.deepEqual(await status(t, ...wrong.slice(5)), [2, 2, 2, 2, 2])
})

test('an offset beyond the end is told, one at the end is answered with no bytes', async t => {
  const at = (offset: number): Uint8Array => encodeRequest({ kind: 'bundle', digest: DIGEST, offset })
  t.deepEqual(await status(t, at(0), at(LARGE.length), at(LARGE.length + 1)), [0, 0, 3])
})

test('the service is registered while it runs', async t => {
  const { asker } = await network(t, [])
  t.true(asker.services.fetch.isStarted())
  t.true(asker.getProtocols().includes(FETCH_PROTOCOL))
  await asker.stop()
  t.false(asker.services.fetch.isStarted())
})

test('what comes in pieces of a byte takes the room of its bytes, however long it claims to be', t => {
  const bytes = Uint8Array.from({ length: 4000 }, (_, i) => i)
  const taken = (claimed: number): Incoming => {
    const incoming = new Incoming('bundle', bundleDigest(bytes), 'a holder')
    incoming.begin(claimed, 2 ** 24)
    for (const byte of bytes) incoming.take(Uint8Array.of(byte))
    return incoming
  }
  const endless = taken(2 ** 24)
  t.false(endless.whole)
  t.true(endless.checked().buffer.byteLength <= 2 * 4000)
  const exact = taken(4000)
  t.true(exact.whole)
  t.deepEqual(exact.checked(), bytes)
  t.is(exact.checked().buffer.byteLength, 4000)
})
