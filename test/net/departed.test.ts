/** What gossipsub keeps of a peer ends with its last connection, also where the peer store does not answer in time. */
import type { Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { DepartedPeers } from '../../src/net/announce/departed.js'
import { event, startNode } from './nodes.js'

/** A disk that answers nothing about peers, once it is told to. */
class Frozen extends MemoryDatastore {
  frozen: Promise<void> | undefined

  override async *query(...args: Parameters<MemoryDatastore['query']>): ReturnType<MemoryDatastore['query']> {
    await this.frozen
    yield* super.query(...args)
  }

  override get(key: Key): never {
    const value = (async () => {
      if (key.toString().startsWith('/peers/')) await this.frozen
      return super.get(key)
    })()
    return value as never
  }
}

test('a peer that goes while the peer store does not answer is let go by gossip', async t => {
  const datastore = new Frozen()
  const at = await startNode(t, { datastore })
  const other = await startNode(t)
  const { pubsub } = at.net.node.services
  const hears = event(pubsub, 'subscription-change', () => true)
  await other.net.node.dial(multiaddr(at.address))
  await hears
  t.is(pubsub.getPeers().length, 1)
  let thaw = (): void => {}
  const gone = event(at.net.node, 'peer:disconnect', () => {
    datastore.frozen = new Promise(resolve => (thaw = resolve))
    return true
  })
  // Locks of the peer store are shared by all nodes of a process: the other one could not end while they are held.
  t.teardown(() => thaw())
  await other.net.node.hangUp(at.net.node.peerId)
  await gone
  t.is(pubsub.getPeers().length, 1, 'nobody tells gossip')
  // The streams that gossip has of it close when it lets go of them: there is no event for that.
  const deadline = Date.now() + 20_000
  while (pubsub.getPeers().length > 0 && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 100))
  t.deepEqual(pubsub.getPeers(), [])
})

test('only peers without a connection are let go, once for all who went, and none after the end', async t => {
  const peers = ['a', 'b', 'c'] as unknown as PeerId[]
  const told: PeerId[] = []
  const events = new EventTarget() as unknown as TypedEventTarget<Libp2pEvents>
  const disconnect = (detail: PeerId | undefined): unknown => events.dispatchEvent(new CustomEvent('peer:disconnect', { detail }))
  let looked = (): void => {}
  let looks = 0
  const streamsOutbound = new Map(['open', 'closed', 'reset'].map(status => [status, { rawStream: { status } }]))
  const departed = new DepartedPeers(
    {
      pubsub: {
        getPeers: () => {
          looks++
          looked()
          return peers
        },
        protocols: ['/meshsub/1.1.0', '/meshsub/1.2.0'],
        streamsOutbound
      } as never,
      registrar: { getTopologies: () => [topology] },
      connectionManager: { getConnections: peer => (peer === peers[1] ? ['open'] : []) },
      events
    },
    10
  )
  const topology = { onDisconnect: (peer: PeerId) => void told.push(peer) }
  departed.start()
  const look = new Promise<void>(resolve => (looked = resolve))
  for (const peer of peers) disconnect(peer)
  await look
  t.deepEqual(told, [peers[0], peers[2]])
  t.is(looks, 1)
  t.deepEqual([...streamsOutbound.keys()], ['open'], 'a stream that opened after its peer was let go')
  disconnect(peers[0])
  departed.stop()
  disconnect(peers[0])
  await new Promise(resolve => setTimeout(resolve, 30))
  t.is(looks, 1)
})
