/** Whom a contributor serves, how much of it, and in how many places at a time. */
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import test from 'ava'
import { RefusedError, UnsupportedError } from '../../src/errors.js'
import { SESSION_PROTOCOL } from '../../src/net/session/index.js'
import { publicKeyOf, signDelegation } from '../../src/proof/index.js'
import { OWNER_SECRET, register } from '../proof/fixture.js'
import { activations, contributor, participant, remote, reportOf } from './people.js'

const registered = register('places')
const { adapter, manifest } = registered
const rows = (count: number): Float32Array => activations(count, manifest.groups[0]!.dIn)

/** The peer that an Ed25519 seed belongs to. */
function peerOfSeed(seed: Uint8Array): string {
  return peerIdFromPrivateKey(privateKeyFromRaw(Uint8Array.from([...seed, ...publicKeyOf(seed)]))).toString()
}

test('a listed key speaks for a peer that is not listed, at the contributor that it names alone', async t => {
  const listedSeed = new Uint8Array(32).fill(3)
  const policy = { mode: 'listed', allow: [peerOfSeed(listedSeed)], limitRows: null } as const
  const server = await contributor(t, [registered], { policy })
  const user = await participant(t, ['user'])
  await t.throwsAsync(remote(user, server, { manifest }), { instanceOf: RefusedError, message: /not listed/ })
  await t.throwsAsync(remote(user, server, { manifest, listedSeed: new Uint8Array(32).fill(4) }), { message: /not listed/ })
  const served = await remote(user, server, { manifest, listedSeed })
  await served.deltas({ group: 0, position: 0, rows: rows(1) })
  t.is((await served.finish()).state, 'announced')
})

test('a replica answers no more rows than its delegation gives it', async t => {
  const replicaSeed = new Uint8Array(32).fill(6)
  const expiry = BigInt(Math.floor(Date.now() / 1000) + 3600)
  const delegation = signDelegation(OWNER_SECRET, { adapter: manifest.id, key: publicKeyOf(replicaSeed), expiry, share: 3n })
  const server = await contributor(t, [])
  await server.store.budget.register({ content: adapter.content, base: manifest.base, quantized: adapter.quantized })
  server.contributor.serve({ adapter, policy: { mode: 'open', allow: [], limitRows: 100 }, secretKey: replicaSeed, delegation })
  const user = await participant(t, ['user'])
  const served = await remote(user, server, { manifest })
  await served.deltas({ group: 0, position: 0, rows: rows(3) })
  await t.throwsAsync(served.deltas({ group: 0, position: 3, rows: rows(1) }), { message: /extraction budget spent/ })
  t.is(await server.store.budget.answered(adapter.content, 0), 3)
  await t.throwsAsync(remote(user, server, { manifest }), { message: /extraction budget spent/ })
})

test('of requests that are pipelined no answer leaves beyond the budget, and what left was reserved before', async t => {
  const server = await contributor(t, [registered], { policy: { mode: 'open', allow: [], limitRows: 5 } })
  const user = await participant(t, ['user'])
  const served = await remote(user, server, { manifest })
  const asked = [0, 2, 4, 6].map(position => served.deltas({ group: 0, position, rows: rows(2) }))
  const results = await Promise.allSettled(asked)
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected']
  )
  t.is(await server.store.budget.answered(adapter.content, 0), 4)
})

test('a session that is silent gives its place to a peer that waits, and goes on elsewhere or is settled', async t => {
  const server = await contributor(t, [registered], { session: { limits: { all: 1, idle: 0 } } })
  const [silent, waiting] = [await participant(t, ['user']), await participant(t, ['user'])]
  const first = await remote(silent, server, { manifest })
  await first.deltas({ group: 0, position: 0, rows: rows(1) })
  const second = await remote(waiting, server, { manifest })
  await second.deltas({ group: 0, position: 0, rows: rows(1) })
  t.is((await second.finish()).state, 'announced')
  await t.throwsAsync(first.finish(), { instanceOf: RefusedError, message: /busy/ })
  t.is(first.info().state, 'broken')
  t.deepEqual(server.counters.limits.all(), { sessions: 1, sessionIdleInNeed: 1 })
})

test('who opens many sessions, and streams without any, keeps nobody out', async t => {
  const server = await contributor(t, [registered], { session: { limits: { all: 2 } } })
  const [greedy, honest] = [await participant(t, ['user']), await participant(t, ['user'])]
  for (let n = 0; n < 2; n++) await greedy.net.node.dialProtocol(server.net.node.getMultiaddrs(), SESSION_PROTOCOL)
  const [first, second] = [await remote(greedy, server, { manifest }), await remote(greedy, server, { manifest })]
  // What is answered counts, not who came first: the second session has done nothing since.
  await first.deltas({ group: 0, position: 0, rows: rows(1) })
  const served = await remote(honest, server, { manifest })
  await t.throwsAsync(remote(greedy, server, { manifest }), { message: /busy.*in 30 s/ })
  await served.deltas({ group: 0, position: 0, rows: rows(1) })
  await t.throwsAsync(second.finish(), { message: /busy/ })
  t.is((await served.finish()).state, 'announced')
  t.is((await first.finish()).state, 'announced')
  t.deepEqual(server.counters.limits.all(), { sessions: 2 })
})

test('who would not be served takes nobody’s place', async t => {
  const user = await participant(t, ['user'])
  const policy = { mode: 'listed', allow: [user.net.node.peerId.toString()], limitRows: null } as const
  const server = await contributor(t, [registered], { policy, session: { limits: { all: 1, idle: 0 } } })
  const served = await remote(user, server, { manifest })
  const stranger = await participant(t, ['user'])
  await t.throwsAsync(remote(stranger, server, { manifest }), { message: /not listed/ })
  await served.deltas({ group: 0, position: 0, rows: rows(1) })
  t.is((await served.finish()).state, 'announced')
})

test('places that are in use are kept, and who finds none is told when to come again', async t => {
  const server = await contributor(t, [registered], { session: { limits: { all: 1 } } })
  const [first, second] = [await participant(t, ['user']), await participant(t, ['user'])]
  const served = await remote(first, server, { manifest })
  await t.throwsAsync(remote(second, server, { manifest }), { instanceOf: RefusedError, message: /busy.*in 30 s/ })
  await served.deltas({ group: 0, position: 0, rows: rows(1) })
  t.is((await served.finish()).state, 'announced')
})

test('another version of the protocol is refused in words on both sides, and harms nobody', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const next = SESSION_PROTOCOL.replace('1.0.0', '9.0.0')
  await t.throwsAsync(user.net.node.dialProtocol(server.net.node.getMultiaddrs(), next), { name: 'UnsupportedProtocolError' })
  const later = await participant(t, ['contributor'])
  await later.net.node.handle(next, () => {})
  await t.throwsAsync(remote(user, later, { manifest }), {
    instanceOf: UnsupportedError,
    message: `peer ${later.net.node.peerId}, with zklora 0.0.0, speaks /zklora/session/9.0.0 and this node /zklora/session/1.0.0: update zklora here`
  })
  const earlier = await participant(t, ['contributor'])
  await earlier.net.node.handle(SESSION_PROTOCOL.replace('1.0.0', '0.9.0'), () => {})
  await t.throwsAsync(remote(user, earlier, { manifest }), { instanceOf: UnsupportedError, message: /its operator has to update zklora$/ })
  // Who asks for several, the newest first, finds the one that both speak.
  const stream = await user.net.node.dialProtocol(server.net.node.peerId, [next, SESSION_PROTOCOL])
  t.is(stream.protocol, SESSION_PROTOCOL)
  stream.abort(new Error('enough'))
  const nobody = await participant(t, ['verifier'])
  await t.throwsAsync(remote(user, nobody, { manifest }), {
    instanceOf: UnsupportedError,
    message: /does not speak \/zklora\/session\/1\.0\.0: it serves nobody, or runs another version of zklora$/
  })
  // Who was dialled with a version that it does not know learns of it from the negotiation alone.
  while (server.counters.refused.all()['other version'] === undefined) await new Promise(resolve => setImmediate(resolve))
  t.deepEqual((await reportOf(server)).refusals, { sent: { 'other version': 1 }, received: {} })
  t.deepEqual((await reportOf(user)).refusals, { sent: {}, received: { 'other version': 2 } })
  t.deepEqual(nobody.counters.refused.all(), {})
  const served = await remote(user, server, { manifest })
  await served.deltas({ group: 0, position: 0, rows: rows(1) })
  t.is((await served.finish()).state, 'announced')
})
