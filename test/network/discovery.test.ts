import { type AddressInfo, createServer } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import test, { type ExecutionContext } from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { equal } from '../../src/bytes.js'
import { Counters } from '../../src/counters.js'
import { NET_LIMITS, TIMEOUTS } from '../../src/limits.js'
import { adapterKey, Discovery, roleKey, topicKey, TOPICS, topicOf } from '../../src/net/index.js'
import { within } from '../../src/net/streams.js'
import { deleteOwnProviderRecords } from '../../src/net/provider-records.js'
import type { ServedAdapter } from '../../src/wire/generated/fetch.js'
import { bytes32, CONTRIBUTOR, make, unsigned } from '../net/announcements.js'
import { connect, event, startNode, type TestNode, type TestNodeInit } from '../net/nodes.js'

const BASE = bytes32(0x5a)
const ADAPTER = bytes32(2)

const served = (adapter: Uint8Array, base: Uint8Array): ServedAdapter => ({
  adapter: adapter.slice(),
  base: base.slice(),
  rowsLeft: 5,
  listedOnly: false,
  maxRows: 9
})

/** Serves one adapter for one base model. */
const catalogue: TestNodeInit['catalogue'] = async base => (base === null || equal(base, BASE) ? [served(ADAPTER, BASE)] : [])

/** A bootstrap node and others that know only it, when they are connected to it. */
async function joined(t: ExecutionContext, ...inits: TestNodeInit[]): Promise<{ bootstrap: TestNode; nodes: TestNode[] }> {
  const bootstrap = await startNode(t, { roles: ['bootstrap'] })
  const nodes = await Promise.all(
    inits.map(async init => {
      const node = await startNode(t, { ...init, bootstrap: [bootstrap.address] })
      if (node.net.node.getPeers().length === 0) await event(node.net.node, 'peer:connect', () => true)
      return node
    })
  )
  return { bootstrap, nodes }
}

test('who knows only the bootstrap node finds the contributors for a base model, and those of an adapter', async t => {
  const { nodes } = await joined(t, { roles: ['contributor'], catalogue }, { roles: ['contributor'], catalogue }, { roles: ['user'] })
  const [one, two, user] = nodes.map(({ net }) => net)
  for (const { discovery } of [one!, two!]) {
    discovery.provide(roleKey('contributor', BASE))
    discovery.provide(adapterKey(ADAPTER))
    // Said twice, provided once.
    discovery.provide(adapterKey(ADAPTER))
    await discovery.settled()
  }
  const byBase = await user!.discovery.findContributors(BASE)
  const contributors = [one!, two!].map(({ node }) => node.peerId.toString()).sort()
  t.deepEqual(byBase.found.map(({ peer }) => peer.toString()).sort(), contributors)
  t.like(byBase, { tried: 2, answered: 2 })
  t.true(byBase.elapsed >= 0)
  const byAdapter = await user!.discovery.findAdapter(ADAPTER)
  t.is(byAdapter.found.length, 2)
  t.deepEqual(Buffer.from(byAdapter.found[0]!.adapters[0]!.adapter), Buffer.from(ADAPTER))
  t.is((await user!.discovery.holders(ADAPTER, { providers: 1 })).length, 1)
  t.deepEqual((await user!.discovery.findContributors(bytes32(1))).found, [])
})

test('a provider counts only when it answers: one that is gone, or serves something else, is not found', async t => {
  const { nodes } = await joined(t, { catalogue: async () => [] }, { catalogue }, { roles: ['user'] })
  const [empty, gone, user] = nodes.map(({ net }) => net)
  for (const { discovery } of [empty!, gone!]) {
    discovery.provide(adapterKey(ADAPTER))
    await discovery.settled()
  }
  await gone!.stop()
  const lookup = await user!.discovery.findAdapter(ADAPTER, { milliseconds: 5000 })
  t.deepEqual(lookup.found, [])
  t.is(lookup.answered, 1)
})

test('what is withdrawn is not answered with any more', async t => {
  const { nodes } = await joined(t, { catalogue })
  const { discovery, node } = nodes[0]!.net
  const provided = async (): Promise<number> => {
    let keys = 0
    for await (const _ of nodes[0]!.datastore.queryKeys({ prefix: '/dht/provider/' })) keys++
    return keys
  }
  discovery.provide(adapterKey(ADAPTER))
  discovery.provide(roleKey('user', BASE))
  await discovery.settled()
  t.is(await provided(), 2)
  await discovery.withdraw(adapterKey(ADAPTER))
  t.is(await provided(), 1)
  t.is(node.services.dht.getMode(), 'server')
})

test('an announcement that nobody follows yet finds a verifier by its topic, and goes out', async t => {
  const { nodes } = await joined(t, { roles: ['verifier'] }, { roles: ['contributor'] })
  const [verifier, contributor] = nodes as [TestNode, TestNode]
  verifier.net.discovery.provide(topicKey(topicOf(BASE)))
  await verifier.net.discovery.settled()
  const heard = new Promise<bigint>(resolve => verifier.net.announce.listen(({ read }) => resolve(read.announcement.index)))
  const body = unsigned({ change: { time: BigInt(Date.now()) } })
  await contributor.net.announce.announce(body, CONTRIBUTOR)
  t.is(await heard, 0n)
  t.is(contributor.net.announce.counters.published, 1)
  t.is(verifier.net.announce.counters.accepted, 1)
})

test('when the clock has fallen, the next announcement bears the time of the one before', async t => {
  const { announce } = (await startNode(t, { roles: ['contributor'] })).net
  const time = BigInt(Date.now())
  await announce.announce(unsigned({ user: null, change: { time } }), CONTRIBUTOR)
  const { announcement } = await announce.announce(unsigned({ user: null, change: { time: time - 5000n } }), CONTRIBUTOR)
  t.deepEqual([announcement.index, announcement.time], [1n, time])
})

test('announcements that waited for too long, or that others would refuse, do not go out', async t => {
  let now = Date.now()
  const clock = { now: () => now }
  const [contributor, verifier] = await Promise.all([startNode(t, { roles: ['contributor'], announce: clock }), startNode(t)])
  const { announce } = contributor.net
  const wrong = unsigned({ statement: { userKey: new Uint8Array(32).fill(255) } })
  await t.throwsAsync(announce.announce(wrong, CONTRIBUTOR), { name: 'InvalidProofError' })
  t.is(contributor.store.feeds.count, 0)
  const early = make({ user: null, change: { time: BigInt(now) } })
  for (let n = 0; n < 260; n++) await announce.publish(early)
  await announce.publish(make({ user: null, change: { time: BigInt(now + 600_000) } }))
  now += 601_000
  const subscribed = event(contributor.net.node.services.pubsub, 'subscription-change', () => true)
  await contributor.net.node.dial(verifier.net.node.getMultiaddrs())
  await subscribed
  t.true(announce.subscribers(BASE).some(peer => peer.equals(verifier.net.node.peerId)))
  t.is(announce.counters.published, 0)
  await event(verifier.net.node.services.pubsub, 'gossipsub:heartbeat', () => true)
  t.is(announce.counters.published, 1)
  // Of 261 the newest 256 waited, one of them not too long.
  t.deepEqual(contributor.counters.limits.all(), { clockSkew: 255 })
})

test('own provider records of a run before are forgotten at the start, others’ are not', async t => {
  const privateKey = await generateKeyPair('Ed25519')
  const other = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const datastore = new MemoryDatastore()
  const { Key } = await import('interface-datastore')
  for (const peer of [peerIdFromPrivateKey(privateKey), other]) await datastore.put(new Key(`/dht/provider/abc/${peer}`), Uint8Array.of(1))
  await deleteOwnProviderRecords(datastore, privateKey)
  t.false(await datastore.has(new Key(`/dht/provider/abc/${peerIdFromPrivateKey(privateKey)}`)))
  t.true(await datastore.has(new Key(`/dht/provider/abc/${other}`)))
})

test('a lookup ends with the caller’s signal, and with its own time', async t => {
  const { net } = await startNode(t)
  t.deepEqual(await net.discovery.providers(adapterKey(ADAPTER), { milliseconds: 50 }), [])
  const reason = new Error('not wanted any more')
  await t.throwsAsync(net.discovery.findAdapter(ADAPTER, { signal: AbortSignal.abort(reason) }), { message: reason.message })
  t.is(TOPICS.length, 16)
})

test('of more providers than are taken four are asked at a time, and one that hangs costs the time of the lookup', async t => {
  const { net } = await startNode(t, { roles: ['user'] })
  const peers = await Promise.all(Array.from({ length: 70 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519'))))
  let [running, most, asked] = [0, 0, 0]
  const node = {
    ...net.node,
    peerId: net.node.peerId,
    logger: net.node.logger,
    contentRouting: {
      findProviders: async function* () {
        for (const id of peers) yield { id, multiaddrs: [] }
      }
    },
    services: {
      fetch: {
        adapters: async (_peer: unknown, _base: unknown, { signal }: { signal: AbortSignal }) => {
          most = Math.max(most, ++running)
          // The last of them all never answers.
          if (++asked === NET_LIMITS.providers) await within(new Promise(() => {}), { what: 'an answer', milliseconds: 60_000, signal })
          await new Promise(resolve => setImmediate(resolve))
          running--
          return [served(ADAPTER, BASE)]
        }
      }
    }
  }
  const counters = new Counters()
  const discovery = new Discovery(node as unknown as ConstructorParameters<typeof Discovery>[0], undefined, counters)
  const { tried, answered } = await discovery.findContributors(BASE, { milliseconds: 500 })
  t.deepEqual(
    { tried, answered, most },
    { tried: NET_LIMITS.providers, answered: NET_LIMITS.providers - 1, most: NET_LIMITS.providersAtOnce }
  )
  t.deepEqual([counters.limits.all(), counters.timeouts.all()], [{ providers: 1 }, { lookup: 1 }])
})

test('a record that nobody can be told of costs its time, and is provided again when a peer comes', async t => {
  const [one, other] = [await startNode(t), await startNode(t)]
  const { net } = one
  const discovery = new Discovery(net.node as unknown as ConstructorParameters<typeof Discovery>[0], 3000, one.counters)
  discovery.start()
  t.teardown(() => discovery.stop())
  discovery.provide(adapterKey(ADAPTER))
  // Without any peer libp2p waits for one.
  await discovery.settled()
  t.deepEqual(one.counters.timeouts.all(), { provide: 1 })
  await connect(one, other)
  await discovery.settled()
  const found = await other.net.discovery.providers(adapterKey(ADAPTER), { milliseconds: 10_000 })
  t.true(found.some(({ id }) => id.equals(net.node.peerId)))
})

test('an address where nobody speaks costs at most the time of a dial', async t => {
  const silent = createServer()
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => silent.close())
  const { net, counters } = await startNode(t)
  const began = performance.now()
  const { port } = silent.address() as AddressInfo
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  await net.node.peerStore.patch(peer, { multiaddrs: [multiaddr(`/ip4/127.0.0.1/tcp/${port}`)] })
  await t.throwsAsync(net.fetch.adapters(peer, null), { name: 'ConnectionLostError' })
  t.deepEqual(counters.timeouts.all(), { dial: 1 })
  const took = performance.now() - began
  // The upgrade of a connection ends before.
  t.true(took < TIMEOUTS.dial + 2000, `${took} ms`)
})
