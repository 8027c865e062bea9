/** Transfers that are slow, break off, or are not what was asked for: each a named error, and only what broke goes on. */
import test, { type ExecutionContext } from 'ava'
import { concat, equal } from '../../../src/bytes.js'
import { NET_LIMITS } from '../../../src/limits.js'
import { Incoming } from '../../../src/net/fetch/incoming.js'
import { encodeHeader, type Request } from '../../../src/net/fetch/messages.js'
import type { FrameStream } from '../../../src/net/streams.js'
import { bundleDigest, DIGEST, LARGE, network, scripted, send, WAIT } from './nodes.js'

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

test('how fast a peer sends is measured with one piece of a manifest, whatever its length', async t => {
  const { fetch, holders } = await network(t, [{ manifest: async () => LARGE }, { manifest: async () => LARGE.subarray(0, 1000) }, {}])
  t.is((await fetch.rate(holders[0]!, DIGEST)).bytes, NET_LIMITS.fetchPieceBytes)
  const short = await fetch.rate(holders[1]!, DIGEST)
  t.is(short.bytes, 1000)
  t.true(short.elapsed > 0)
  await t.throwsAsync(fetch.rate(holders[2]!, DIGEST), { name: 'RefusedError', message: /does not support/ })
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
