import { generateKeyPair } from '@libp2p/crypto/keys'
import test from 'ava'
import { createNetNode, rolesOfAgent } from '../../src/net/index.js'
import { gossipMessageId, TOPICS, topicNumber, topicOf } from '../../src/net/announce/topics.js'
import { withResolvers } from '../../src/net/polyfill.js'
import { adapterKey, roleKey, topicKey } from '../../src/net/provider-records.js'
import { equal } from '../../src/bytes.js'
import { bytes32, CONTRIBUTOR, unsigned } from './announcements.js'
import { connect, event, mesh, startNode } from './nodes.js'

test('identify tells version and roles, under libp2p’s own name', async t => {
  const [one, two] = await Promise.all([startNode(t, { roles: ['contributor', 'verifier'], version: '1.2.3' }), startNode(t)])
  await connect(two, one)
  const { metadata, protocols } = await two.net.node.peerStore.get(one.net.node.peerId)
  const agent = new TextDecoder().decode(metadata.get('AgentVersion'))
  t.is(agent, 'zklora/1.2.3 (contributor,verifier)')
  t.deepEqual(rolesOfAgent(agent), ['contributor', 'verifier'])
  for (const protocol of ['/ipfs/id/1.0.0', '/ipfs/ping/1.0.0', '/zklora/kad/1.0.0', '/zklora/fetch/1.0.0'])
    t.true(protocols.includes(protocol))
  t.false(protocols.some(protocol => protocol.startsWith('/floodsub')))
})

test('other software has no roles here', t => {
  for (const agent of [undefined, '', 'kubo/0.30', 'zklora/1 (Contributor)', `zklora/1 (${'a'.repeat(65)})`, 'zklora/1 ()'])
    t.deepEqual(rolesOfAgent(agent), [])
})

test('topics are those of the first digit of the base model', t => {
  t.is(topicOf(bytes32(0x5a)), '/zklora/announce/1/5')
  t.is(topicOf(bytes32(0xf0)), '/zklora/announce/1/f')
  t.is(topicNumber(bytes32(0x0f)), 0)
  t.is(TOPICS.length, 16)
})

test('message identifiers tell apart the same data on two topics', t => {
  t.false(equal(gossipMessageId(TOPICS[0]!, bytes32(1)), gossipMessageId(TOPICS[1]!, bytes32(1))))
  t.is(gossipMessageId(TOPICS[0]!, bytes32(1)).length, 32)
})

test('keys of the DHT differ by kind and by what they are of', t => {
  const keys = [
    roleKey('contributor', bytes32(1)),
    roleKey('user', bytes32(1)),
    adapterKey(bytes32(1)),
    adapterKey(bytes32(2)),
    topicKey(TOPICS[0]!)
  ]
  t.is(new Set(keys.map(String)).size, keys.length)
  for (const { version, code } of keys) t.deepEqual([version, code], [1, 0x55])
})

test('gossip carries no author: what a verifier hears has neither from nor signature', async t => {
  const [one, two] = await Promise.all([startNode(t), startNode(t)])
  const topic = topicOf(bytes32(0x5a))
  await mesh(one, two, topic)
  const message = event<{ type: string; topic: string }>(two.net.node.services.pubsub, 'message', () => true)
  await one.net.announce.announce(unsigned({ change: { time: BigInt(Date.now()) } }), CONTRIBUTOR)
  t.like(await message, { type: 'unsigned', topic })
})

test('what the validator ignores or rejects is counted by its reason, and nobody is told of it', async t => {
  const [one, two] = await Promise.all([startNode(t, { roles: [] }), startNode(t)])
  const { pubsub } = one.net.node.services
  const subscribed = event(pubsub, 'subscription-change', () => true)
  await connect(one, two)
  await subscribed
  two.net.announce.listen(() => t.fail('an announcement that did not pass was told'))
  const rejected = two.net.announce.counters.rejected
  const validated = new Promise<void>(resolve => {
    const { topicValidators } = two.net.node.services.pubsub
    const validate = topicValidators.get(TOPICS[0]!)!
    let left = 2
    topicValidators.set(TOPICS[0]!, async (peer, message) => {
      const result = await validate(peer, message)
      if (--left === 0) resolve()
      return result
    })
  })
  await pubsub.publish(TOPICS[0]!, Uint8Array.of(1, 2, 3))
  await pubsub.publish(TOPICS[0]!, Uint8Array.of(2, 2, 3))
  await validated
  t.deepEqual(rejected, { layout: 1 })
  t.deepEqual(two.net.announce.counters.ignored, { version: 1 })
})

test('a peer that keeps sending what is wrong by its bytes is not listened to any more', async t => {
  const [liar, node] = await Promise.all([startNode(t, { roles: [] }), startNode(t)])
  const { pubsub } = liar.net.node.services
  const subscribed = event(pubsub, 'subscription-change', () => true)
  await connect(liar, node)
  await subscribed
  const { score } = node.net.node.services.pubsub as unknown as { score: { score(peer: string): number } }
  const name = liar.net.node.peerId.toString()
  const heartbeats = node.net.node.services.pubsub
  for (let n = 0; n < 12; n++) await pubsub.publish(TOPICS[0]!, Uint8Array.of(1, n))
  while (score.score(name) > -80) await event(heartbeats, 'gossipsub:heartbeat', () => true)
  t.true(node.net.announce.counters.rejected.layout! >= 9)
})

test('topics of others are neither kept nor carried on', async t => {
  const [asking, node] = await Promise.all([startNode(t, { roles: [] }), startNode(t)])
  const { pubsub } = node.net.node.services
  await connect(asking, node)
  const heard = event<{ subscriptions: { topic: string }[] }>(pubsub, 'subscription-change', ({ subscriptions }) =>
    subscriptions.some(({ topic }) => topic === TOPICS[3])
  )
  // Only what others say about topics counts here.
  const other = asking.net.node.services.pubsub as unknown as { allowedTopics: null; subscribe(topic: string): void }
  other.allowedTopics = null
  other.subscribe('/somebody/else')
  other.subscribe(TOPICS[3]!)
  await heard
  t.deepEqual(pubsub.getSubscribers('/somebody/else'), [])
  t.is(pubsub.getSubscribers(TOPICS[3]!).length, 1)
})

test('a node that lost its only peer, or started before it, dials the bootstrap node again', async t => {
  const privateKey = await generateKeyPair('Ed25519')
  const first = await startNode(t, { privateKey, roles: ['bootstrap'] })
  const joined = await startNode(t, { bootstrap: [first.address], rejoinWait: 20 })
  if (joined.net.node.getPeers().length === 0) await event(joined.net.node, 'peer:connect', () => true)
  const lost = event(joined.net.node, 'peer:disconnect', () => true)
  await first.net.stop()
  await lost
  const early = await startNode(t, { bootstrap: [first.address], rejoinWait: 20 })
  const again = [joined, early].map(({ net }) => event(net.node, 'peer:connect', () => true))
  // At the same address, with the same key.
  await startNode(t, { privateKey, roles: ['bootstrap'], listen: [first.address.replace(/\/p2p\/.*/, '')] })
  await Promise.all(again)
  t.deepEqual(early.net.node.getPeers().map(String), [first.net.node.peerId.toString()])
})

test('services say whether they run, and a stopped node follows nothing', async t => {
  const { net } = await startNode(t)
  t.true(net.announce.isStarted())
  t.true(net.discovery.isStarted())
  t.is(net.node.services.pubsub.getTopics().length, 16)
  await net.stop()
  t.false(net.announce.isStarted())
  t.false(net.discovery.isStarted())
  t.is(net.node.services.pubsub.topicValidators.size, 0)
})

test('addresses to announce replace those listened on', async t => {
  const { net } = await startNode(t, { announceAddresses: ['/ip4/192.0.2.7/tcp/4001'] })
  t.deepEqual(net.node.getMultiaddrs().map(String), [`/ip4/192.0.2.7/tcp/4001/p2p/${net.node.peerId}`])
})

test('the open internet’s settings start as well', async t => {
  const { net } = await startNode(t, { privateAddresses: false, initialQuerySelfInterval: undefined, roles: ['bootstrap'] })
  t.is(net.node.services.pubsub.getTopics().length, 0)
  t.is(typeof createNetNode, 'function')
})

test('the polyfill resolves and rejects as Promise.withResolvers does', async t => {
  const one = withResolvers.call(Promise) as ReturnType<typeof withResolvers<number>>
  one.resolve(5)
  t.is(await one.promise, 5)
  const two = withResolvers.call(Promise)
  two.reject(new Error('no'))
  await t.throwsAsync(two.promise, { message: 'no' })
  t.is(typeof (Promise as { withResolvers?: unknown }).withResolvers, 'function')
})
