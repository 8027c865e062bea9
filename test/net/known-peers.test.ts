import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import test from 'ava'
import { KnownPeers } from '../../src/net/known-peers.js'
import { connect, startNode } from './nodes.js'

test('peers that nobody hears of are forgotten, connected ones never; of too many the longest unheard go', async t => {
  const [here, other] = await Promise.all([startNode(t), startNode(t)])
  await connect(other, here)
  const { node } = here.net
  let now = 0
  const known = new KnownPeers(node, {
    now: () => now,
    interval: 1e9,
    limits: { knownPeers: 3, knownPeerAge: 100 },
    counters: here.counters
  })
  known.start()
  t.teardown(() => known.stop())
  const newcomers = await Promise.all(Array.from({ length: 3 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  const add = async (place: number): Promise<void> =>
    void (await node.peerStore.merge(newcomers[place]!, { multiaddrs: [multiaddr(`/ip4/127.0.0.1/tcp/${place + 1}`)] }))
  const left = async (): Promise<number[]> => {
    await known.sweep()
    const all = (await node.peerStore.all()).map(({ id }) => id)
    t.true(all.some(id => id.equals(other.net.node.peerId)))
    return newcomers.flatMap((peer, place) => (all.some(id => id.equals(peer)) ? [place] : []))
  }
  await add(0)
  now = 50
  await add(1)
  t.deepEqual(await left(), [0, 1])
  now = 90
  await add(2)
  t.deepEqual(await left(), [1, 2])
  now = 151
  t.deepEqual(await left(), [2])
  t.deepEqual(here.counters.limits.all(), { knownPeers: 1, knownPeerAge: 1 })
})

test('nodes sweep by themselves', async t => {
  const { net } = await startNode(t)
  const swept = new Promise(resolve => {
    const known = new KnownPeers(
      { ...net.node, addEventListener() {}, removeEventListener() {}, getPeers: () => (resolve(true), []), peerStore: net.node.peerStore },
      { interval: 5 }
    )
    known.start()
    t.teardown(() => known.stop())
  })
  t.true(await swept)
})
