import { defaultLogger } from '@libp2p/logger'
import type { MultiaddrConnection } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import test from 'ava'
import * as lengthPrefixed from 'it-length-prefixed'
import { concat } from '../../src/bytes.js'
import { LimitExceededError, MalformedMessageError } from '../../src/errors.js'
import { NET_LIMITS } from '../../src/limits.js'
import { Answers } from '../../src/net/guard/answers.js'
import { Counters } from '../../src/counters.js'
import { guardConnections } from '../../src/net/guard/connections.js'
import { FrameRates } from '../../src/net/guard/frames.js'
import { Lengths, Negotiation } from '../../src/net/guard/framing.js'

const line = (text: string): Uint8Array => lengthPrefixed.encode.single(new TextEncoder().encode(`${text}\n`)).subarray()
const lines = (...texts: string[]): Uint8Array => concat(texts.map(line))
const speaksNoise = (protocol: string): boolean => protocol === '/noise'

test('a negotiation ends with the line of a protocol that is spoken, wherever its bytes are cut', t => {
  const bytes = concat([lines('/multistream/1.0.0', '/tls/1.0.0', '/noise'), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff)])
  for (let cut = 0; cut <= bytes.length; cut++) {
    const negotiation = new Negotiation(speaksNoise)
    const first = negotiation.feed(bytes.subarray(0, cut))
    const rests = [first?.rest ?? negotiation.feed(bytes.subarray(cut))!.rest]
    if (first !== undefined) rests.push(bytes.subarray(cut))
    t.deepEqual(concat(rests), Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff))
  }
})

test('a length that does not end, a long line, and lines without number end a negotiation', t => {
  const negotiation = (): Negotiation => new Negotiation(speaksNoise)
  t.is(negotiation().feed(Uint8Array.of(0xff, 0xff, 0xff)), undefined)
  t.throws(() => negotiation().feed(Uint8Array.of(0xff, 0xff, 0xff, 0xff)), { instanceOf: MalformedMessageError })
  t.throws(() => negotiation().feed(Uint8Array.of(0x81, 0x00)), { instanceOf: MalformedMessageError })
  t.is(negotiation().feed(line('x'.repeat(1023))), undefined)
  t.throws(() => negotiation().feed(line('x'.repeat(1024))), { instanceOf: LimitExceededError })
  t.is(negotiation().feed(lines(...new Array<string>(64).fill('/x'))), undefined)
  t.throws(() => negotiation().feed(lines(...new Array<string>(65).fill('/x'))), { instanceOf: LimitExceededError })
  t.throws(() => negotiation().feed(new Uint8Array(65)), { instanceOf: LimitExceededError })
})

test('frames are measured by their length alone', t => {
  const seen: number[] = []
  const lengths = new Lengths(1000, length => seen.push(length))
  const bytes = concat([300, 0, 1000].map(length => lengthPrefixed.encode.single(new Uint8Array(length).fill(0xff)).subarray()))
  for (let at = 0; at < bytes.length; at += 7) lengths.feed(bytes.subarray(at, at + 7))
  t.deepEqual(seen, [300, 0, 1000])
  t.throws(() => lengths.feed(Uint8Array.of(0xe9, 0x07)), { instanceOf: LimitExceededError })
})

/** One header of yamux. */
function header(type: number, flags: number, length: number): Uint8Array {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  view.setUint8(1, type)
  view.setUint16(2, flags)
  view.setUint32(4, 1)
  view.setUint32(8, length)
  return bytes
}
const repeated = (bytes: Uint8Array, times: number): Uint8Array => concat(new Array<Uint8Array>(times).fill(bytes))

test('frames that carry little are counted, those that carry bytes are not, and what they carry is not taken for frames', t => {
  const data = concat([header(0, 0, 1000), repeated(header(2, 1, 0), 83), new Uint8Array(4)])
  const rates = new FrameRates()
  for (let n = 0; n < 2 * NET_LIMITS.smallFrames; n += 100) rates.feed(repeated(data, 100), 0, true)
  const ping = header(2, 1, 7)
  const pings = repeated(ping, NET_LIMITS.smallFrames)
  // In pieces that cut headers.
  for (let at = 0; at < pings.length; at += 100_003) rates.feed(pings.subarray(at, at + 100_003), 0, true)
  t.like(
    t.throws(() => rates.feed(ping, 0, true), { instanceOf: LimitExceededError }),
    { atLimit: 'smallFrames' }
  )
  rates.feed(repeated(ping, NET_LIMITS.smallFramesPerSecond), 1000, true)
  t.throws(() => rates.feed(ping, 1000, true), { instanceOf: LimitExceededError })
  t.throws(() => rates.feed(ping, 2000, false), { instanceOf: LimitExceededError }, 'who takes nothing has no more')
})

test('streams that are opened are counted, by data as by windows', t => {
  const rates = new FrameRates()
  rates.feed(repeated(concat([header(0, 1, 1), new Uint8Array(1), header(1, 9, 0)]), NET_LIMITS.streams / 2), 0, true)
  t.throws(() => rates.feed(header(1, 1, 0), 0, true), { instanceOf: LimitExceededError })
  rates.feed(repeated(header(1, 1, 0), NET_LIMITS.streamsPerSecond), 1000, true)
  t.throws(() => rates.feed(header(1, 1, 0), 1000, true), { instanceOf: LimitExceededError })
})

const field = (number: number, bytes: Uint8Array): Uint8Array =>
  concat([Uint8Array.of((number << 3) | 2), lengthPrefixed.encode.single(bytes).subarray()])

test('an answer of the DHT names at most so many peers, wherever its bytes are cut', t => {
  const answer = (closer: number, providers: number): Uint8Array =>
    lengthPrefixed.encode
      .single(
        concat([
          Uint8Array.of(0x08, 0x04, 0x50, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
          ...new Array<Uint8Array>(closer).fill(field(8, field(8, new Uint8Array(200).fill(0xff)))),
          ...new Array<Uint8Array>(providers).fill(field(9, new Uint8Array(0)))
        ])
      )
      .subarray()
  const feed = (bytes: Uint8Array, step: number): void => {
    const answers = new Answers()
    for (let at = 0; at < bytes.length; at += step) answers.feed(bytes.subarray(at, at + step))
  }
  const [closer, providers] = [NET_LIMITS.queryCloserPeers, NET_LIMITS.providerRecordsPerKey + 1]
  for (const step of [1, 7, 1e6]) {
    feed(concat([answer(closer, providers), answer(closer, 0)]), step)
    t.throws(() => feed(answer(closer + 1, 0), step), { instanceOf: LimitExceededError })
    t.throws(() => feed(answer(0, providers + 1), step), { instanceOf: LimitExceededError })
  }
  for (const bytes of [[0x08], [0x42, 0x02, 0x00], [0x0d, 0, 0, 0, 0], [0x08, ...new Array<number>(11).fill(0xff)]]) {
    t.throws(() => feed(Uint8Array.of(bytes.length, ...bytes), 1e6), { instanceOf: MalformedMessageError })
  }
})

function connectionFrom(address: string): MultiaddrConnection {
  return multiaddrConnectionPair({ inbound: { remoteAddr: multiaddr(address), log: defaultLogger().forComponent('test') } })[1]
}

test('connections of one host are bounded, those of another are not', t => {
  const counters = new Counters()
  const gater = guardConnections({ counters })
  const enters = (connection: MultiaddrConnection): boolean => {
    const denied = gater.denyInboundConnection!(connection) as boolean
    void gater.denyInboundUpgradedConnection!(undefined as never, connection)
    return !denied
  }
  const held = Array.from({ length: NET_LIMITS.connectionsPerHost }, (_, port) => connectionFrom(`/ip6/2001:db8::${port}/tcp/${port + 1}`))
  for (const connection of held) t.true(enters(connection))
  t.false(enters(connectionFrom('/ip6/2001:db8::ffff/tcp/9')), 'one network')
  t.true(enters(connectionFrom('/ip6/2001:db8:0:1::1/tcp/9')))
  t.true(enters(connectionFrom('/ip4/192.0.2.1/tcp/9')))
  held[0]!.abort(new Error('over'))
  t.true(enters(connectionFrom('/ip6/2001:db8::ffff/tcp/9')))
  t.false(enters(connectionFrom('/ip6/2001:db8::fffe/tcp/9')))
  t.deepEqual(counters.limits.all(), { connectionsPerHost: 2 })
})
