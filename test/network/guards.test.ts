/** Peers that turn against js-libp2p itself, below our protocols: raw sockets, and nodes that use their own connection badly. */
import { connect as connectSocket, type Socket } from 'node:net'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import test from 'ava'
import * as lengthPrefixed from 'it-length-prefixed'
import { pEvent } from 'p-event'
import { concat } from '../../src/bytes.js'
import { withResolvers } from '../../src/net/polyfill.js'
import { NET_LIMITS } from '../../src/limits.js'
import { KAD_PROTOCOL, roleKey } from '../../src/net/index.js'
import { connect, startNode, type TestNode } from '../net/nodes.js'

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes)
const ENDLESS = new Uint8Array(4).fill(0xff)
const MULTISTREAM = text('\x13/multistream/1.0.0\n')
const IDENTIFY = '/ipfs/id/1.0.0'

function socketTo(node: TestNode, bytes: Uint8Array): Socket {
  const { host, port } = multiaddr(node.address)
    .getComponents()
    .reduce(
      (all, { name, value }) => (name === 'ip4' ? { ...all, host: value! } : name === 'tcp' ? { ...all, port: Number(value) } : all),
      {
        host: '',
        port: 0
      }
    )
  const socket = connectSocket({ host, port })
  socket.on('error', () => {})
  socket.resume()
  socket.write(bytes)
  return socket
}

function ended(socket: Socket): Promise<void> {
  return new Promise(resolve => (socket.destroyed ? resolve() : socket.once('close', () => resolve())))
}

function closed(stream: Stream | Connection): Promise<void> {
  if (stream.status !== 'open' && stream.status !== 'closing') return Promise.resolve()
  return new Promise(resolve => (stream as Stream).addEventListener('close', () => resolve()))
}

/** A peer that is connected, and its muxer, which does what no honest one does. */
async function badPeer(
  t: Parameters<typeof startNode>[0],
  here: TestNode
): Promise<{ bad: TestNode; connection: Connection; muxer: Muxer }> {
  const bad = await startNode(t, { roles: [] })
  await connect(bad, here)
  const connection = bad.net.node.getConnections()[0]!
  return { bad, connection, muxer: (connection as unknown as { muxer: Muxer }).muxer }
}

interface Muxer {
  send(bytes: Uint8Array): boolean
  sendFrame(header: { type: number; flag: number; streamID: number; length: number }): void
}

const framed = (bytes: Uint8Array): Uint8Array => lengthPrefixed.encode.single(bytes).subarray()
/** A field of bytes in protobuf. */
const field = (number: number, bytes: Uint8Array): Uint8Array => concat([Uint8Array.of((number << 3) | 2), framed(bytes)])

/** FIND_NODE of a key that nobody has, in a frame. */
const query = (bytes = 32): Uint8Array => framed(concat([Uint8Array.of(0x08, 0x04), field(2, new Uint8Array(bytes).fill(7))]))

async function answers(t: Parameters<typeof startNode>[0], here: TestNode): Promise<void> {
  const honest = await startNode(t, { roles: [] })
  await connect(honest, here)
  t.is(honest.net.node.getConnections(here.net.node.peerId).length, 1)
}

// Before there were guards each of these waited for ten seconds, or used up as many of computing.
test.serial('a length that does not end, or names of protocols without number, end a connection at once', async t => {
  const here = await startNode(t)
  await Promise.all([
    ended(socketTo(here, ENDLESS)),
    ended(socketTo(here, concat([MULTISTREAM, ENDLESS]))),
    ended(socketTo(here, concat([MULTISTREAM, text('\x03/x\n'.repeat(64))]))),
    ended(socketTo(here, Uint8Array.of(0x81, 0x08)))
  ])
  await answers(t, here)
})

test.serial('handshakes of one host are bounded: another is let in when one of them ends', async t => {
  const here = await startNode(t)
  const most = NET_LIMITS.handshakesPerHost * NET_LIMITS.privateHostFactor
  t.true(most < NET_LIMITS.handshakes)
  const sockets = Array.from({ length: most }, () => socketTo(here, MULTISTREAM.subarray(0, 4)))
  await Promise.all(sockets.map(socket => new Promise(resolve => socket.once('connect', resolve))))
  await ended(socketTo(here, MULTISTREAM))
  t.deepEqual(here.counters.limits.all(), { handshakesPerHost: 1 })
  t.is(sockets.filter(socket => socket.destroyed).length, 0)
  for (const socket of sockets) socket.destroy()
  await answers(t, here)
})

test.serial('streams opened and reset beyond what a peer may open end its connection and no other', async t => {
  const here = await startNode(t)
  const { connection, muxer } = await badPeer(t, here)
  for (let id = 100_001; connection.status === 'open'; id += 2) {
    muxer.sendFrame({ type: 1, flag: 1, streamID: id, length: 0 })
    muxer.sendFrame({ type: 1, flag: 8, streamID: id, length: 0 })
    // Far more at once than grows in the meantime.
    if (id % 1000 === 1) await new Promise(resolve => setImmediate(resolve))
  }
  await closed(connection)
  t.is(here.counters.limits.all().streams, 1)
  await answers(t, here)
})

test.serial('queries of the DHT beyond their rate, and lengths that do not end, end their stream', async t => {
  const here = await startNode(t)
  const { bad, connection } = await badPeer(t, here)
  const open = (): Promise<Stream> => bad.net.node.dialProtocol(here.net.node.peerId, KAD_PROTOCOL)
  const flood = await open()
  flood.send(concat(Array.from({ length: NET_LIMITS.queries + 2 * NET_LIMITS.queriesPerSecond }, () => query())))
  await closed(flood)
  t.deepEqual(here.counters.limits.all(), { queries: 1 })
  for (const protocol of [KAD_PROTOCOL, IDENTIFY]) {
    const stream = await bad.net.node.dialProtocol(here.net.node.peerId, protocol)
    // Identify answers without reading, and closes.
    stream.send(ENDLESS)
    await closed(stream)
  }
  t.is(connection.status, 'open')
  await answers(t, here)
})

test.serial('queries of the DHT that are too long end their stream', async t => {
  const here = await startNode(t)
  const { bad } = await badPeer(t, here)
  const stream = await bad.net.node.dialProtocol(here.net.node.peerId, KAD_PROTOCOL)
  stream.send(query(NET_LIMITS.queryBytes))
  await closed(stream)
  t.not(stream.status, 'open')
  t.deepEqual(here.counters.limits.all(), { queryBytes: 1 })
})

test.serial('answers of the DHT that are too long, and identities, end their stream', async t => {
  const here = await startNode(t)
  const bad = await startNode(t, { roles: [] })
  const seen = Object.fromEntries(
    [KAD_PROTOCOL, IDENTIFY].map(protocol => [
      protocol,
      withResolvers.call(Promise) as { promise: Promise<Stream>; resolve(stream: Stream): void }
    ])
  )
  for (const [protocol, most] of [
    [KAD_PROTOCOL, NET_LIMITS.queryAnswerBytes],
    [IDENTIFY, NET_LIMITS.identifyBytes]
  ] as const) {
    await bad.net.node.unhandle(protocol)
    await bad.net.node.handle(protocol, stream => {
      seen[protocol]!.resolve(stream)
      // The length alone: nothing else is ever sent.
      stream.send(lengthPrefixed.encode.single(new Uint8Array(most + 1)).subarray(0, 3))
    })
  }
  await bad.net.node.dial(here.net.node.getMultiaddrs())
  await closed(await seen[IDENTIFY]!.promise)
  const stream = await here.net.node.dialProtocol(bad.net.node.peerId, KAD_PROTOCOL)
  stream.addEventListener('message', () => {})
  await closed(stream)
  t.not(stream.status, 'open')
  const { identifyBytes, queryAnswerBytes } = here.counters.limits.all()
  t.true(identifyBytes! > 0 && queryAnswerBytes! > 0)
})

test.serial('what waits for a peer that reads nothing is bounded, then its connection ends', async t => {
  const here = await startNode(t)
  const { bad, connection } = await badPeer(t, here)
  ;(connection as unknown as { maConn: { pause(): void } }).maConn.pause()
  const to = here.net.node.getConnections(bad.net.node.peerId)[0]!
  const { muxer } = to as unknown as { muxer: Muxer }
  const over = closed(to)
  // Frames of a stream that nobody has; the kernel takes some megabytes.
  for (let sent = 0; sent < 8 * NET_LIMITS.connectionUnsentBytes && to.status === 'open'; sent += 2 ** 16) {
    try {
      muxer.send(new Uint8Array(2 ** 16))
    } catch {
      break
    }
  }
  await over
  t.true(here.counters.limits.all().connectionUnsentBytes! > 0)
  await answers(t, here)
})

test.serial('the DHT stores no values, no addresses without number, and no other’s record', async t => {
  const here = await startNode(t)
  const { bad } = await badPeer(t, here)
  const { peerId } = bad.net.node
  const open = (): Promise<Stream> => bad.net.node.dialProtocol(here.net.node.peerId, KAD_PROTOCOL)
  // PUT_VALUE of its own public key, which kad-dht by itself takes from everybody.
  const values = await open()
  const id = peerId.toMultihash().bytes
  const key = concat([text('/pk/'), id])
  const record = concat([field(1, key), field(2, id.subarray(2)), field(5, text('2026-01-01T00:00:00.000000000Z'))])
  values.send(framed(concat([field(2, key), field(3, record)])))
  await closed(values)
  // ADD_PROVIDER with 200 addresses, of the peer itself and of another.
  const providers = await open()
  const content = roleKey('contributor', new Uint8Array(32)).bytes
  const other = here.net.node.peerId.toMultihash().bytes
  for (const provider of [other, id]) {
    const addresses = Array.from({ length: 200 }, (_, n) => field(2, multiaddr(`/ip4/10.0.0.${n}/tcp/4001`).bytes))
    providers.send(framed(concat([Uint8Array.of(0x08, 0x02), field(2, content), field(9, concat([field(1, provider), ...addresses]))])))
  }
  // Answered after both.
  providers.send(query())
  await pEvent(providers as never, 'message')
  const { addresses } = await here.net.node.peerStore.get(peerId)
  t.is(addresses.length, NET_LIMITS.addressesPerPeer)
  t.is(here.counters.limits.all().addressesPerPeer, 1)
  const kept: string[] = []
  for await (const { key } of here.datastore.query({ prefix: '/dht' })) kept.push(key.toString())
  t.deepEqual(
    kept.map(name => name.split('/').at(-1)),
    [peerId.toString()]
  )
})

test.serial('gossip beyond what a peer may send ends its stream, and is counted', async t => {
  const here = await startNode(t)
  const { bad } = await badPeer(t, here)
  const stream = await bad.net.node.dialProtocol(here.net.node.peerId, '/meshsub/1.1.0')
  // Subscriptions to a topic that is not ours: small, and well-formed.
  const rpc = framed(field(1, concat([Uint8Array.of(0x08, 0x01), field(2, text('/x'))])))
  const many = concat(new Array<Uint8Array>(1000).fill(rpc))
  // Twice what may come at once, before much can grow.
  for (let sent = 0; sent < 2 * NET_LIMITS.gossipBytes && stream.status === 'open'; sent += 1000 * (256 + rpc.length)) stream.send(many)
  await closed(stream)
  t.is(here.counters.limits.all().gossipBytes, 1)
  await answers(t, here)
})
