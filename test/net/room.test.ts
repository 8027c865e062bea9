import test from 'ava'
import { FETCH_PROTOCOL } from '../../src/net/index.js'
import { Room } from '../../src/net/guard/index.js'
import { connect, event, startNode } from './nodes.js'

test('a place is kept free: who uses none of our protocols goes first, and the oldest of those', async t => {
  const here = await startNode(t)
  const peers = await Promise.all(Array.from({ length: 4 }, () => startNode(t, { roles: [] })))
  const room = new Room(here.net.node, 4, here.counters)
  room.start()
  t.teardown(() => room.stop())
  const [busy, idle, later, last] = peers
  await connect(busy!, here)
  await here.net.node.dialProtocol(busy!.net.node.peerId, FETCH_PROTOCOL)
  await connect(idle!, here)
  await connect(later!, here)
  // Gossip makes all but one alike.
  for (const peer of [later!]) await peer.net.node.unhandle(['/meshsub/1.1.0', '/meshsub/1.2.0'])
  const gone = event<{ toString(): string }>(here.net.node, 'peer:disconnect', () => true)
  await connect(last!, here)
  t.is(here.counters.limits.all().connections, 1)
  t.is((await gone).toString(), idle!.net.node.peerId.toString())
  t.is(here.net.node.getConnections().length, 3)
  t.truthy(here.net.node.getConnections(busy!.net.node.peerId)[0])
  t.truthy(here.net.node.getConnections(last!.net.node.peerId)[0])
})
