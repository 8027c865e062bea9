import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId, PeerStore } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { Key } from 'interface-datastore'
import { Counters } from '../../src/counters.js'
import { KeptProviders } from '../../src/net/kept-providers.js'

const VALUE = new Uint8Array(1)
const newPeer = async (): Promise<PeerId> => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const peers = await Promise.all(Array.from({ length: 5 }, newPeer))
const own = await newPeer()
const record = (key: string, peer: PeerId): Key => new Key(`/dht/provider/${key}/${peer}`)

interface Kept {
  kept: KeptProviders
  datastore: MemoryDatastore
  counters: Counters
  /** Keys and places of the peers in `peers`, in order. */
  records(): Promise<string[]>
}

function keeping(limits: { all?: number; peer?: number; key?: number }, known: readonly PeerId[] = peers): Kept {
  const counters = new Counters()
  const datastore = new MemoryDatastore()
  const peerStore = { has: async (peer: PeerId) => known.some(each => each.equals(peer)) } as PeerStore
  const kept = new KeptProviders(
    { datastore, peerStore, peerId: own },
    {
      providerRecords: limits.all ?? 1000,
      providerRecordsPerPeer: limits.peer ?? 1000,
      providerRecordsPerKey: limits.key ?? 1000
    },
    counters
  )
  return {
    kept,
    counters,
    datastore,
    async records() {
      const found: string[] = []
      for await (const key of datastore.queryKeys({ prefix: '/dht/provider' })) {
        const [name, peer] = key.toString().slice('/dht/provider/'.length).split('/')
        found.push(`${name}${peers.findIndex(each => each.toString() === peer)}`)
      }
      return found.sort()
    }
  }
}

test('of one peer’s provider records the oldest goes, and one that is told again is the newest', async t => {
  const { kept, records, counters } = keeping({ peer: 2 })
  for (const key of ['a', 'b', 'a', 'c']) await kept.put(record(key, peers[0]!), VALUE)
  await kept.put(record('a', peers[1]!), VALUE)
  t.deepEqual(await records(), ['a0', 'a1', 'c0'])
  t.deepEqual(counters.limits.all(), { providerRecordsPerPeer: 1 })
})

test('a key has at most so many providers, and newcomers come in', async t => {
  const { kept, records, counters } = keeping({ key: 3 })
  for (const peer of peers) await kept.put(record('a', peer), VALUE)
  const left = await records()
  t.is(left.length, 3)
  t.true(left.includes('a4'))
  t.deepEqual(counters.limits.all(), { providerRecordsPerKey: 2 })
})

test('of too many records in all those go whose peer has most', async t => {
  const { kept, records, counters } = keeping({ all: 70 })
  for (let n = 0; n < 68; n++) await kept.put(record(`k${n}-`, peers[0]!), VALUE)
  for (const peer of [peers[1]!, peers[2]!, peers[3]!, peers[4]!]) await kept.put(record('x', peer), VALUE)
  const left = await records()
  t.true(left.length <= 70)
  for (const own of ['x1', 'x2', 'x3', 'x4']) t.true(left.includes(own))
  t.false(left.includes('k0-0'))
  t.deepEqual(counters.limits.all(), { providerRecords: 72 - left.length })
})

test('records of the run before are counted, own ones and other data never go, and what is deleted makes room', async t => {
  const { kept, datastore, records } = keeping({ peer: 2 })
  await datastore.put(record('a', peers[0]!), VALUE)
  await datastore.put(record('b', peers[0]!), VALUE)
  for (const key of ['a', 'b', 'c', 'd']) await kept.put(record(key, own), VALUE)
  await kept.put(new Key('/other/1'), VALUE)
  await kept.delete(record('b', peers[0]!))
  await kept.put(record('e', peers[0]!), VALUE)
  t.deepEqual(await records(), ['a-1', 'a0', 'b-1', 'c-1', 'd-1', 'e0'])
  t.true(await datastore.has(new Key('/other/1')))
})

test('a record whose peer is forgotten is not answered with, and goes', async t => {
  const { kept, records } = keeping({}, [peers[0]!])
  for (const peer of [peers[0]!, peers[1]!, own]) await kept.put(record('a', peer), VALUE)
  const told: string[] = []
  for await (const { key } of kept.query({ prefix: '/dht/provider/a' })) told.push(key.toString())
  t.deepEqual(told.sort(), [record('a', peers[0]!).toString(), record('a', own).toString()].sort())
  t.deepEqual(await records(), ['a-1', 'a0'])
})
