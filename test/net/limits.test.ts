/** What libp2p bounds for us, at the size that limits.ts gives it: reached between two nodes, and what becomes of the peer that does. */
import type { Stream } from '@libp2p/interface'
import test from 'ava'
import * as lengthPrefixed from 'it-length-prefixed'
import { equal, fromHex } from '../../src/bytes.js'
import { encodeRequest } from '../../src/net/fetch/messages.js'
import { FETCH_PROTOCOL } from '../../src/net/fetch/index.js'
import { NET_LIMITS } from '../../src/limits.js'
import { streamError } from '../../src/net/streams.js'
import { TOPICS, topicOf } from '../../src/net/index.js'
import { bytes32, CONTRIBUTOR, unsigned } from './announcements.js'
import { connect, event, mesh, startNode } from './nodes.js'

const MiB = 2 ** 20
const MESH = '/meshsub/1.2.0'

/** With what it ended. */
function closed(stream: Stream): Promise<Error | undefined> {
  if (stream.status !== 'open' && stream.status !== 'closing') return Promise.resolve(undefined)
  return new Promise(resolve => stream.addEventListener('close', ({ error }) => resolve(error)))
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 5))
}

/** A varint of three bytes. */
const length = (bytes: number): Uint8Array => Uint8Array.of((bytes & 0x7f) | 0x80, ((bytes >>> 7) & 0x7f) | 0x80, bytes >>> 14)

test('what is handed over beyond 4 MiB and not read ends the stream instead of growing', async t => {
  const [one, two] = await Promise.all([startNode(t, { roles: [] }), startNode(t, { roles: [] })])
  const arrived = new Promise<Stream>(resolve => void two.net.node.handle('/test/1.0.0', stream => resolve(stream)))
  const stream = await one.net.node.dialProtocol(two.net.node.getMultiaddrs(), '/test/1.0.0')
  stream.send(new Uint8Array(1))
  const far = await arrived
  far.pause()
  let most = 0
  const ended = closed(stream)
  for (let n = 0; n < 64 && stream.status === 'open'; n++) {
    try {
      stream.send(new Uint8Array(MiB))
    } catch {
      break
    }
    most = Math.max(most, stream.writeBufferLength)
  }
  await ended
  t.true(most <= NET_LIMITS.unsentBytes + MiB, `${most} bytes were held`)
  t.like(streamError(await ended, 'slow'), { name: 'ConnectionLostError', atLimit: 'unsentBytes' })
  t.not(stream.status, 'open')
})

test('who sends a gossip message of more than 1 MiB is listened to no more, and others’ announcements arrive', async t => {
  const [honest, bad, here] = await Promise.all([startNode(t), startNode(t, { roles: [] }), startNode(t)])
  await mesh(honest, here, topicOf(bytes32(0x5a)))
  await connect(bad, here)
  const stream = await bad.net.node.dialProtocol(here.net.node.peerId, MESH)
  const before = process.memoryUsage().arrayBuffers
  stream.send(length(NET_LIMITS.gossipRpcBytes + 1))
  await until(() => !here.net.node.services.pubsub.getPeers().some(peer => peer.equals(bad.net.node.peerId)))
  t.true(process.memoryUsage().arrayBuffers - before < 16 * MiB)
  t.deepEqual(here.counters.limits.all(), { gossipRpcBytes: 1 })
  const heard = new Promise(resolve => here.net.announce.listen(resolve))
  await honest.net.announce.announce(unsigned({ change: { time: BigInt(Date.now()) } }), CONTRIBUTOR)
  await heard
  t.pass()
})

test('gossip for a peer that does not read is bounded: its stream ends, and others hear on', async t => {
  const [here, slow, honest] = await Promise.all([startNode(t), startNode(t, { roles: [] }), startNode(t)])
  // It takes the stream, says that it follows the topic, and never reads.
  const inbound: Stream[] = []
  await slow.net.node.unhandle(MESH)
  await slow.net.node.handle(MESH, stream => {
    stream.pause()
    inbound.push(stream)
  })
  await mesh(honest, here, TOPICS[0]!)
  const { pubsub } = here.net.node.services
  const subscribed = event<{ peerId: { toString(): string } }>(
    pubsub,
    'subscription-change',
    ({ peerId }) => String(peerId) === slow.net.node.peerId.toString()
  )
  await connect(slow, here)
  slow.net.node.services.pubsub.subscribe(TOPICS[0]!)
  await subscribed
  const outbound = (): Stream[] =>
    here.net.node
      .getConnections(slow.net.node.peerId)
      .flatMap(({ streams }) => streams.filter(({ protocol, direction }) => protocol === MESH && direction === 'outbound'))
  await until(() => outbound().length === 1)
  const [stream] = outbound()
  let most = 0
  for (let n = 0; n < 40 && stream!.status === 'open'; n++) {
    await pubsub.publish(TOPICS[0]!, new Uint8Array(512 * 1024).fill(n))
    most = Math.max(most, stream!.writeBufferLength)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  t.not(stream!.status, 'open')
  t.true(most <= NET_LIMITS.gossipOutboundBytes, `${most} bytes were held`)
  await until(() => here.counters.limits.all().gossipOutboundBytes !== undefined)
  const heard = new Promise(resolve => honest.net.announce.listen(resolve))
  const announcement = unsigned({ statement: { base: bytes32(0x0a) }, change: { time: BigInt(Date.now()) } })
  await here.net.announce.announce(announcement, CONTRIBUTOR)
  await heard
})

test('peers that ask for bundles and do not read hold their own few streams, for a time; others are served meanwhile', async t => {
  const limits = { transferTime: 3000, answerTime: 3000 }
  const [server, slow, honest] = await Promise.all([startNode(t, { fetch: { limits } }), startNode(t, { roles: [] }), startNode(t)])
  const bundle = new Uint8Array(4 * MiB).fill(5)
  const part = { root: bytes32(1), session: bytes32(2), adapter: bytes32(3), base: bytes32(4), start: 0, end: 1 }
  const { digest } = await server.store.bundles.putOwn(part, bundle)
  const { counters } = server.net.fetch
  await connect(slow, server)
  // At once: none is over before the last has come, however slow the machine is.
  const streams = await Promise.all(
    Array.from({ length: 12 }, () => slow.net.node.dialProtocol(server.net.node.peerId, FETCH_PROTOCOL, { maxOutboundStreams: 12 }))
  )
  for (const stream of streams) {
    stream.pause()
    stream.send(lengthPrefixed.encode.single(encodeRequest({ kind: 'bundle', digest: fromHex(digest), offset: 0 })))
    void stream.close().catch(() => {})
  }
  await until(() => counters.open === NET_LIMITS.fetchesPerPeer)
  await honest.net.node.dial(server.net.node.getMultiaddrs())
  const { bytes } = await honest.net.fetch.bundle([server.net.node.peerId], fromHex(digest), { length: bundle.length })
  t.true(equal(bytes, bundle))
  await until(() => counters.open === 0)
  t.is(counters.answered['any 4'], 12 - NET_LIMITS.fetchesPerPeer)
  t.is(server.counters.limits.all().fetchesPerPeer, 12 - NET_LIMITS.fetchesPerPeer)
  t.true(server.counters.timeouts.all().fetch! > 0)
})
