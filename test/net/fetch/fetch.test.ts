import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import test, { type ExecutionContext } from 'ava'
import { concat, equal } from '../../../src/bytes.js'
import { hash } from '../../../src/kernel/hash.js'
import { NET_LIMITS } from '../../../src/limits.js'
import { SignatureChecks } from '../../../src/net/announce/checks.js'
import { FETCH_PROTOCOL, type FetchSource } from '../../../src/net/fetch/index.js'
import { encodeAnnouncements, encodeCatalogue, encodeHeader, encodeRequest } from '../../../src/net/fetch/messages.js'
import { FrameStream } from '../../../src/net/streams.js'
import type { FeedAnnouncement } from '../../../src/store/index.js'
import type { ServedAdapter } from '../../../src/wire/generated/fetch.js'
import { bytes32, flipped, make, makeFeed, NOW } from '../announcements.js'
import { bundleDigest, DIGEST, holding, LARGE, network, scripted, send, WAIT } from './nodes.js'

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
