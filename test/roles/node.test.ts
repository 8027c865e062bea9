import test, { type ExecutionContext } from 'ava'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createNode,
  generateIdentity,
  verifyProofFile,
  VERSION,
  type OwnAdapterInfo,
  type ProgressEvent,
  type Role,
  type ZkloraNode
} from '../../src/index.js'
import type { NodeOptions } from '../../src/roles/options.js'
import { fromHex } from '../../src/bytes.js'
import { roleKey, TOPICS, topicOf } from '../../src/net/index.js'
import { publicName, readBaseModel } from '../../src/roles/base-model.js'
import { openDatastore } from '../../src/roles/platform.js'
import { feedForkOf, Store } from '../../src/store/index.js'
import { make as announcement } from '../net/announcements.js'
import { event, startNode } from '../net/nodes.js'
import { temporaryFolder } from '../daemon/folders.js'

const LLAMA = 'config/demo/models/novels-llama'
const GPT2 = 'config/demo/models/novels-gpt2'
const KJV = 'config/demo/adapters/kjv-llama'

interface Made {
  node: ZkloraNode
  options: NodeOptions
}

async function make(t: ExecutionContext, roles: Role[], more: Partial<NodeOptions> = {}): Promise<Made> {
  const options: NodeOptions = {
    dataDir: await temporaryFolder(t),
    privateKey: await generateIdentity(),
    roles,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    privateAddresses: true,
    ...more
  }
  const node = await createNode(options)
  t.teardown(() => node.stop())
  return { node, options }
}

/** A contributor with one small adapter, and a user that knows its address. */
async function pair(t: ExecutionContext): Promise<{ contributor: Made; user: Made; adapter: OwnAdapterInfo }> {
  const contributor = await make(t, ['contributor', 'verifier'])
  const adapter = await contributor.node.addAdapter({ folder: KJV, base: LLAMA })
  const user = await make(t, ['user', 'verifier'], { bootstrap: contributor.node.multiaddrs(), advertiseUser: true })
  return { contributor, user, adapter }
}

test.serial('an adapter is found, used, proved, announced, exported, fetched and verified', async t => {
  const { contributor, user, adapter } = await pair(t)
  const peer = contributor.node.peerId
  t.is(adapter.name, 'kjv-llama')
  t.like(adapter, { mode: 'open', limitRows: null, weightBits: 12 })
  t.deepEqual(
    adapter.budget.map(({ answered, matrixB }) => [answered, matrixB]),
    [
      [0, 10],
      [0, 10],
      [0, 10]
    ]
  )

  for (const wanted of [
    { base: LLAMA },
    { base: adapter.base },
    { adapter: adapter.id },
    { base: LLAMA, adapter: 'kjv-llama' },
    { adapter: adapter.id.slice(0, 8) }
  ]) {
    const { found, providersAnswered } = await user.node.find(wanted)
    t.is(providersAnswered, 1)
    t.like(found[0], { peer, rowsLeft: null, listedOnly: false, verifiedSessions: 0 })
    t.is(found[0]!.adapter.id, adapter.id)
    const { roundTrip, tokenCost } = found[0]!
    const { bytes, roundTrips, bytesPerSecond, seconds } = tokenCost
    t.is(roundTrips, adapter.groups.length)
    t.true(bytes > 2 * adapter.groups.reduce((sum, { dIn }) => sum + dIn, 0))
    t.true(bytesPerSecond! > 0)
    t.is(seconds, roundTrip === null ? null : (roundTrips * roundTrip) / 1000 + bytes / bytesPerSecond!)
  }
  t.deepEqual((await user.node.find({ base: GPT2 })).found, [])

  const events: ProgressEvent[] = []
  const watching = new AbortController()
  const watched = contributor.node.watch({ signal: watching.signal, onProgress: event => events.push(event) })
  const told: ProgressEvent[] = []
  const references = ['kjv-llama', adapter.id, `${adapter.id.slice(0, 10)}@${peer}`, `kjv-llama@${contributor.node.multiaddrs()[0]}`]
  const texts = new Set<string>()
  for (const reference of references) {
    const { text, sessions } = await user.node.generate(
      { base: LLAMA, adapters: [reference], prompt: 'And the LORD said', maxNewTokens: 3, temperature: 0.7, seed: 5 },
      { onProgress: event => told.push(event) }
    )
    texts.add(text)
    t.like(sessions[0], { state: 'announced', role: 'user', peer, error: null })
  }
  t.is(texts.size, 1, 'a seed gives one text')
  t.deepEqual([...new Set(told.map(({ type }) => type))].sort(), ['commitments', 'find', 'model', 'session', 'token'])

  const [session] = await user.node.sessions()
  const bytes = await user.node.exportProof(session!.root!.slice(0, 16))
  t.like(verifyProofFile('file', bytes), { verdict: 'valid', whole: true })
  t.like(await user.node.verifyFile('file', bytes), { verdict: 'valid', source: 'file' })
  t.like(await contributor.node.verifyKnown(session!.session), { verdict: 'valid', whole: true })
  t.is((await user.node.find({ base: LLAMA })).found[0]!.verifiedSessions, 4)

  // Somebody who was not there: what it hears of is fetched, and the rest is told to be unknown.
  await t.throwsAsync(user.node.verifyKnown('0123456789ab'), { name: 'NotFoundError', message: /no proof is known here by 0123456789ab/ })
  const status = await contributor.node.status()
  t.like(status.sessions, { announced: 4 })
  t.true(status.adapters[0]!.budget.every(({ answered }) => answered === 4 * (session!.rows / 3)))
  t.like(status, { version: VERSION, peerId: peer, peers: [{ peer: user.node.peerId, roles: ['user', 'verifier'] }] } as never)
  watching.abort()
  await watched
  t.true(events.some(event => event.type === 'session' && event.session.state === 'announced'))
})

test.serial('the base model runs alone, and two adapters at once, each with its own proof', async t => {
  const { contributor, user } = await pair(t)
  const both = await contributor.node.addAdapter({ folder: KJV, base: LLAMA, name: 'again', weightBits: 8 })
  const request = { base: LLAMA, prompt: 'My dear sir,', maxNewTokens: 2 }
  const alone = await user.node.generate({ ...request, adapters: [] })
  t.deepEqual([alone.sessions, alone.tokens.length], [[], 2])
  const { sessions } = await user.node.generate({ ...request, adapters: ['kjv-llama', both.id] })
  t.deepEqual(
    sessions.map(({ adapterName, state }) => [adapterName, state]),
    [
      ['kjv-llama', 'announced'],
      ['again', 'announced']
    ]
  )

  const text = 'And it came to pass in those days, that there went out a decree'
  const losses: ProgressEvent[] = []
  const loss = await user.node.loss({ base: LLAMA, adapters: ['kjv-llama'], text }, { onProgress: event => losses.push(event) })
  t.true(loss.adapted! < loss.base)
  t.is(loss.sessions[0]!.rows, 3 * (loss.tokens - 1))
  t.deepEqual(
    losses.filter(({ type }) => type === 'window'),
    [
      { type: 'window', done: 1, total: 2 },
      { type: 'window', done: 2, total: 2 }
    ]
  )
  t.is((await user.node.loss({ base: LLAMA, adapters: [], text })).adapted, null)
})

test.serial('what cannot be had is refused with what to do', async t => {
  const { contributor, user, adapter } = await pair(t)
  const peer = contributor.node.peerId
  const request = { base: LLAMA, prompt: 'x', maxNewTokens: 1 }
  const generate = (reference: string, more = {}) => user.node.generate({ ...request, adapters: [reference], ...more })
  await t.throwsAsync(generate('shakespeare'), {
    name: 'NotFoundError',
    message: /nobody was found in \d+\.\d s who serves adapter shakespeare for novels-llama \(connected to \d peers?; 1 of 1/
  })
  await t.throwsAsync(generate(`shakespeare@${peer}`), {
    name: 'NotFoundError',
    message: /does not serve adapter shakespeare; it serves kjv-llama/
  })
  await t.throwsAsync(generate(`${'0'.repeat(64)}@${peer}`), { name: 'NotFoundError', message: /does not serve adapter 0{64}/ })
  await t.throwsAsync(generate('kjv-llama@/ip4/127.0.0.1/tcp/1'), { name: 'NotFoundError', message: /cannot be reached/ })
  await t.throwsAsync(generate(adapter.id, { base: GPT2 }), {
    name: 'InvalidInputError',
    message: /kjv-llama is for the base model novels-llama .* not for novels-gpt2/
  })
  await t.throwsAsync(generate('kjv-llama', { base: 'config' }), { name: 'InvalidInputError' })
  await t.throwsAsync(user.node.find({ adapter: 'nobody' }), {
    name: 'NotFoundError',
    message: /give its whole identifier, or the base model/
  })
  await t.throwsAsync(contributor.node.generate({ ...request, adapters: [] }), {
    name: 'UnsupportedError',
    message: /has not the role user/
  })
  await t.throwsAsync(generate('kjv-llama', { rows: 100_000_000 }), { name: 'RefusedError' })

  await contributor.node.addAdapter({ folder: KJV, base: LLAMA })
  await t.throwsAsync(generate('kjv-llama'), {
    name: 'InvalidInputError',
    message: /may be [0-9a-f]{64} or [0-9a-f]{64}: give the identifier/
  })
  await t.throwsAsync(generate(`kjv-llama@${peer}`), {
    name: 'NotFoundError',
    message: /serves several adapters kjv-llama: give the identifier/
  })
})

test.serial('a call that is cancelled ends with what there is, and its session without a proof', async t => {
  const { user } = await pair(t)
  const controller = new AbortController()
  const request = { base: LLAMA, adapters: ['kjv-llama'], prompt: 'And', maxNewTokens: 300 }
  const { finishReason, sessions, tokens } = await user.node.generate(request, {
    signal: controller.signal,
    onProgress: event => event.type === 'token' && controller.abort()
  })
  t.is(finishReason, 'abort')
  t.true(tokens.length < 300)
  t.like(sessions[0], { state: 'broken' })
  await t.throwsAsync(user.node.generate(request, { signal: AbortSignal.abort(new Error('too late')) }), { message: 'too late' })
  await t.throwsAsync(user.node.exportProof(sessions[0]!.session), { name: 'NotFoundError' })
})

test.serial('terms of an adapter are checked, kept over a restart, and shown to those who ask', async t => {
  const { contributor, user } = await pair(t)
  const add = (more: object) => contributor.node.addAdapter({ folder: KJV, base: LLAMA, ...more })
  await t.throwsAsync(add({ mode: 'open', allow: ['12D3'] }), { name: 'InvalidInputError', message: /say mode "listed"/ })
  await t.throwsAsync(add({ folder: 'config' }), { name: 'InvalidInputError', message: /no adapter_config\.json/ })
  await t.throwsAsync(
    contributor.node.addAdapter({ folder: KJV, base: LLAMA, name: 'x' }, { signal: AbortSignal.abort(new Error('too late')) }),
    { message: 'too late' }
  )

  const [open] = await contributor.node.listAdapters()
  await contributor.node.removeAdapter(open!.id)
  await t.throwsAsync(contributor.node.removeAdapter(open!.id), { name: 'NotFoundError' })
  const listed = await add({ name: 'listed', mode: 'listed', allow: [user.node.peerId], limitRows: 4 })
  const request = { base: LLAMA, adapters: [`listed@${contributor.node.multiaddrs()[0]}`], prompt: 'And', maxNewTokens: 1 }
  t.like((await user.node.generate(request)).sessions[0], { state: 'announced' })
  const { found } = await user.node.find({ base: LLAMA })
  t.deepEqual(
    found.map(each => [each.adapter.name, each.listedOnly, each.rowsLeft]),
    [['listed', true, 3]]
  )

  const stranger = await make(t, ['user'], { bootstrap: contributor.node.multiaddrs() })
  await t.throwsAsync(stranger.node.generate(request), { name: 'RefusedError', message: /list/ })

  await contributor.node.stop()
  const again = await createNode(contributor.options)
  t.teardown(() => again.stop())
  const [restored] = await again.listAdapters()
  t.like(restored, { id: listed.id, mode: 'listed', limitRows: 4, allow: [user.node.peerId] })
  t.true(restored!.budget.every(({ answered }) => answered === 1))
  const more = { ...request, adapters: [`${listed.id}@${again.multiaddrs()[0]}`] }
  t.like((await user.node.generate(more)).sessions[0], { state: 'announced' })
})

test.serial('a data folder has one node, and an address that cannot be had is named', async t => {
  const { node, options } = await make(t, [], { listen: ['/ip4/127.0.0.1/tcp/0'] })
  await t.throwsAsync(createNode(options), { name: 'InvalidInputError', message: /cannot be opened/ })
  const taken = node.multiaddrs()[0]!.replace(/\/p2p\/.*/, '')
  const dataDir = await temporaryFolder(t)
  await t.throwsAsync(createNode({ ...options, dataDir, listen: [taken] }), {
    name: 'InvalidInputError',
    message:
      /cannot listen on \/ip4.*EADDRINUSE.*in use 127\.0\.0\.1:\d+: another program listens there: stop it, or choose another port with --listen$/
  })
  const free = await createNode({ ...options, dataDir, listen: [], privateKey: await generateIdentity() })
  t.deepEqual(free.multiaddrs(), [])
  t.deepEqual([await free.sessions(), await free.verdicts(), await free.listAdapters()], [[], [], []])
  await t.throwsAsync(free.find({ base: LLAMA }), { name: 'NotFoundError', message: /connected to nobody/ })
  await free.stop()
})

test.serial('a stopping node breaks off what it does', async t => {
  const { user } = await pair(t)
  const done = user.node.generate(
    { base: LLAMA, adapters: ['kjv-llama'], prompt: 'And', maxNewTokens: 300 },
    { onProgress: event => event.type === 'token' && void user.node.stop() }
  )
  t.is((await done).finishReason, 'abort')
})

test.serial('an adapter’s base model is known by its public name', t => {
  t.deepEqual(['meta-llama/Llama-2-7b-hf', 'novels', '/home/a/models/novels', '../novels/', 'C:\\m\\novels', '/'].map(publicName), [
    'meta-llama/Llama-2-7b-hf',
    'novels',
    'novels',
    'novels',
    'novels',
    '/'
  ])
})

test.serial('bytes that are no proof file are not checked, and those of a false one are invalid', async t => {
  const junk = await readFile(join(KJV, 'adapter_config.json'))
  t.like(verifyProofFile('junk', junk), { verdict: 'unchecked', error: 'this is not a zklora proof file (zklora export writes them)' })
  t.like(verifyProofFile('none', new Uint8Array(0)), { verdict: 'unchecked' })
})

test.serial('a contributor against whom there is evidence is shown, and not chosen unless it is insisted on', async t => {
  const { contributor, user, adapter } = await pair(t)
  const listen = contributor.node.multiaddrs().map(address => address.replace(/\/p2p\/.*/, ''))
  await contributor.node.stop()
  // The owner's key tells two stories: the only way in which there can be evidence against it.
  const datastore = await openDatastore(join(contributor.options.dataDir, 'store'))
  const { ownerSeed } = (await (await Store.open({ datastore })).adapters.get(fromHex(adapter.id)))!
  await datastore.close()
  const told = [1, 2].map(fill => announcement({ contributor: ownerSeed, statement: { digest: new Uint8Array(32).fill(fill) } }))
  const kept = await user.node.addEvidence(feedForkOf(told[0]!, told[1]!)!)
  t.like(kept, { kind: 'feed fork', key: adapter.owner })
  t.deepEqual(await user.node.evidence(), [kept])
  t.deepEqual(await user.node.addEvidence(await user.node.exportEvidence(kept.id.slice(0, 8))), kept)
  await t.throwsAsync(user.node.addEvidence(Uint8Array.of(1, 9)), { name: 'MalformedMessageError' })
  await t.throwsAsync(user.node.exportEvidence('12345678'), { name: 'NotFoundError', message: /zklora evidence list/ })

  const again = await createNode({ ...contributor.options, listen })
  t.teardown(() => again.stop())
  const [address] = again.multiaddrs()
  const request = { base: LLAMA, adapters: [`@${address}`], prompt: 'And', maxNewTokens: 2 }
  const refused = { name: 'InvalidInputError', message: /evidence against it: it signed two announcements.*--force/ }
  await t.throwsAsync(user.node.generate(request), refused)
  await t.throwsAsync(user.node.openModel({ base: LLAMA, adapters: ['kjv-llama'] }), refused)
  t.is((await user.node.find({ base: LLAMA })).found[0]!.evidence, kept.id)
  const { sessions } = await user.node.generate({ ...request, force: true })
  t.is(sessions[0]!.state, 'announced')
})

test.serial('the DHT is told of users who ask for it, and of no others', async t => {
  const { net } = await startNode(t)
  const bootstrap = net.node.getMultiaddrs().map(String)
  const [told, quiet] = [await make(t, ['user'], { bootstrap, advertiseUser: true }), await make(t, ['user'], { bootstrap })]
  for (const { node } of [quiet, told]) await node.generate({ base: LLAMA, adapters: [], prompt: 'And', maxNewTokens: 1 })
  const usersOf = async (base: string): Promise<string[]> =>
    (await net.discovery.providers(roleKey('user', readBaseModel(base).id))).map(({ id }) => id.toString())
  let users: string[] = []
  while (users.length === 0) users = await usersOf(LLAMA)
  t.deepEqual(users, [told.node.peerId])
  t.deepEqual(await usersOf(GPT2), [])
})

test.serial('a verifier may follow the announcements of some base models alone', async t => {
  const { net } = await startNode(t)
  const { pubsub } = net.node.services
  const subscribed = event<{ peerId: { toString(): string } }>(pubsub as never, 'subscription-change', () => true)
  const [llama, gpt2] = [LLAMA, GPT2].map(base => topicOf(readBaseModel(base).id)) as [string, string]
  t.not(llama, gpt2)
  const { node } = await make(t, ['verifier'], { bootstrap: net.node.getMultiaddrs().map(String), follow: [LLAMA] })
  t.is((await subscribed).peerId.toString(), node.peerId)
  const follows = (topic: string): boolean => pubsub.getSubscribers(topic).some(peer => peer.toString() === node.peerId)
  t.deepEqual(TOPICS.filter(follows), [llama])
  await t.throwsAsync(make(t, ['verifier'], { follow: ['no/such/model'] }), { name: 'InvalidInputError', message: /no\/such\/model/ })
})
