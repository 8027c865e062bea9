import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import test from 'ava'
import { pEvent } from 'p-event'
import { connect, startNode } from './nodes.js'

const PROTOCOL = '/test/whole-writes/1.0.0'
/** Bytes of noise's length and tag, and of yamux's header. */
const NOISE = 2 + 16
const YAMUX = 12

test('a short message in pieces is one write to the socket', async t => {
  const sockets: Socket[] = []
  const onSocket = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket)
  subscribe('net.client.socket', onSocket)
  const [one, two] = await Promise.all([startNode(t), startNode(t)])
  await two.net.node.handle(PROTOCOL, stream => stream.addEventListener('message', ({ data }) => stream.send(data)))
  await connect(one, two)
  unsubscribe('net.client.socket', onSocket)
  const { remotePort } = sockets.at(-1)!
  t.true(two.address.includes(`/tcp/${remotePort}/`))
  const stream = await one.net.node.dialProtocol(two.net.node.peerId, PROTOCOL)
  stream.send(new Uint8Array(1))
  await pEvent(stream as never, 'message')
  const writes: number[] = []
  const socket = sockets.at(-1)!
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean
  socket.write = ((bytes: Uint8Array, ...rest: unknown[]) => {
    writes.push(bytes.length)
    return write(bytes, ...rest)
  }) as never
  stream.send(new Uint8Array(1000))
  await pEvent(stream as never, 'message')
  t.true(writes.includes(1000 + YAMUX + NOISE), `writes of ${writes.join(', ')} bytes`)
})
