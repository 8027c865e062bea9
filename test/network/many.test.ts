/** Many sessions at once, several contributors for one user, and the ways in which a session can end without a signature. */
import test from 'ava'
import { fromHex, toHex } from '../../src/bytes.js'
import { ConnectionLostError, InvalidInputError, InvalidProofError, NotFoundError, RefusedError } from '../../src/errors.js'
import { dequantize, hidden, outputs } from '../../src/lora/delta.js'
import { quantizeRows } from '../../src/lora/quantize.js'
import { commitAdapter, publicKeyOf, verify, verifyManifest } from '../../src/proof/index.js'
import { endStaleSessions } from '../../src/roles/session-entry.js'
import { RemoteAdapters, rowsFor, targetGroups } from '../../src/roles/user.js'
import type { SessionInfo } from '../../src/roles/types.js'
import { kernel, makeAdapter, OWNER_SECRET, register, type Registered } from '../proof/fixture.js'
import { activations, contributor, participant, random, remote } from './people.js'

const registered = register('many')
const { manifest } = registered

/** What the adapter makes of these activations, in this process. */
function deltasOf({ adapter }: Registered, group: number, rows: Float32Array): Float32Array {
  const quantized = adapter.quantized.groups[group]!
  const { x, scales, count } = quantizeRows(rows, quantized.dIn, adapter.quantized.activationBits)
  return dequantize({ modules: quantized.modules, y: outputs(quantized, hidden(quantized, x, count), count), rowScales: scales })
}

test('eight sessions at once on one contributor each get their own deltas and their own proof', async t => {
  const server = await contributor(t, [registered])
  const users = [await participant(t, ['user']), await participant(t, ['user'])]
  const adapters = await Promise.all(
    [...users, ...users, ...users, ...users].map(user => remote(user, server, { manifest, commitRows: 3 }))
  )
  t.is(server.contributor.sessions().length, 8)
  for (let position = 0; position < 4; position++) {
    await Promise.all(
      adapters.flatMap((adapter, session) =>
        manifest.groups.map(async ({ dIn }, group) => {
          const rows = activations(1, dIn, 10 * session + position)
          t.deepEqual(await adapter.deltas({ group, position, rows }), deltasOf(registered, group, rows))
        })
      )
    )
  }
  t.deepEqual(
    server.contributor.sessions().map(({ rows }) => rows),
    new Array(8).fill(8)
  )
  const infos = await Promise.all(adapters.map(adapter => adapter.finish()))
  t.is(new Set(infos.map(({ root }) => root)).size, 8)
  t.true(infos.every(({ state, rows }) => state === 'announced' && rows === 8))
  await server.contributor.stop()
  t.deepEqual(server.contributor.sessions(), [])
  t.is(await server.store.budget.answered(registered.adapter.content, 0), 32)
  const feed = await server.store.feeds.list()
  t.is(feed.length, 1)
})

test('one user with two contributors: each answers for its own groups, and each proves', async t => {
  const others = register('many more')
  const servers = [await contributor(t, [registered]), await contributor(t, [others])]
  const user = await participant(t, ['user'])
  const manifests = [manifest, others.manifest]
  for (const { net } of servers) await user.net.node.dial(net.node.getMultiaddrs())
  const seen: SessionInfo[] = []
  const remotes = await RemoteAdapters.open(
    servers.map(({ net }, i) => ({
      kernel,
      random,
      sessions: user.sessions,
      fetch: user.net.fetch,
      store: user.store,
      peer: net.node.peerId,
      manifest: manifests[i]!,
      rows: rowsFor(manifests[i]!, 2),
      onSession: info => seen.push(info)
    }))
  )
  const groups = targetGroups(manifests)
  t.is(groups.length, 4)
  const { signal } = new AbortController()
  for (const [group, { dIn }] of groups.entries()) {
    const x = activations(2, dIn, group)
    const mine = [registered, others][group >> 1]!
    t.deepEqual(await remotes.provider({ group, positions: { first: 0, count: 2 }, x }, signal), deltasOf(mine, group & 1, x))
  }
  t.deepEqual(
    remotes.infos().map(({ rows }) => rows),
    [4, 4]
  )
  const infos = await remotes.finish()
  t.deepEqual(
    infos.map(({ adapter }) => adapter),
    manifests.map(({ id }) => toHex(id))
  )
  for (const [i, { digest }] of infos.entries()) {
    const bundle = (await user.store.bundles.get(fromHex(digest!)))!
    t.is(verify({ kernel, manifest: manifests[i]!, bundle, random }).end, 4)
  }
  t.deepEqual(
    seen.filter(({ adapter }) => adapter === infos[0]!.adapter).map(({ state }) => state),
    ['open', 'proving', 'proved', 'announced']
  )
  t.deepEqual(
    remotes.adapters.map(({ accepted }) => accepted),
    [4, 4]
  )
})

test('when one of several contributors refuses, the sessions with the others are broken off', async t => {
  const others = register('many more')
  const [willing, refusing] = [await contributor(t, [registered]), await contributor(t, [registered])]
  const user = await participant(t, ['user'])
  for (const { net } of [willing, refusing]) await user.net.node.dial(net.node.getMultiaddrs())
  const shared = { kernel, random, sessions: user.sessions, fetch: user.net.fetch, store: user.store, rows: 10 }
  await t.throwsAsync(
    RemoteAdapters.open([
      { ...shared, peer: willing.net.node.peerId, manifest },
      { ...shared, peer: refusing.net.node.peerId, manifest: others.manifest }
    ]),
    { instanceOf: RefusedError, message: /unknown adapter/ }
  )
  const [session] = await user.store.sessions.list()
  t.is(session!.state, 'failed')
})

test('adapters of different base models do not go together', async t => {
  const elsewhere = commitAdapter({
    kernel,
    adapter: makeAdapter('elsewhere'),
    base: new Uint8Array(32).fill(99),
    name: 'elsewhere',
    ownerKey: publicKeyOf(OWNER_SECRET),
    secret: random(32),
    salt: random(32),
    random
  })
  const user = await participant(t, ['user'])
  const shared = { kernel, random, sessions: user.sessions, fetch: user.net.fetch, store: user.store, rows: 10, peer: user.net.node.peerId }
  const inits = [manifest, verifyManifest({ kernel, manifest: elsewhere.manifest, random })].map(each => ({ ...shared, manifest: each }))
  await t.throwsAsync(RemoteAdapters.open(inits), { instanceOf: InvalidInputError, message: /different base models/ })
})

test('a signal ends the wait for a delta, and another the whole session', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  await user.net.node.dial(server.net.node.getMultiaddrs())
  const whole = new AbortController()
  const remotes = await RemoteAdapters.open([
    {
      kernel,
      random,
      sessions: user.sessions,
      fetch: user.net.fetch,
      store: user.store,
      peer: server.net.node.peerId,
      manifest,
      rows: 10,
      signal: whole.signal
    }
  ])
  const one = new AbortController()
  const request = { group: 0, positions: { first: 0, count: 1 }, x: activations(1, manifest.groups[0]!.dIn) }
  const waiting = remotes.provider(request, one.signal)
  one.abort(new NotFoundError('enough'))
  await t.throwsAsync(waiting, { instanceOf: NotFoundError })
  await t.throwsAsync(remotes.provider(request, one.signal), { instanceOf: NotFoundError })
  whole.abort(new NotFoundError('the user left'))
  await t.throwsAsync(remotes.finish(), { message: 'the user left' })
  t.is(remotes.infos()[0]!.error, 'the user left')
  await remotes.abort(new Error('twice'))
  await server.contributor.stop()
  t.is((await server.store.sessions.list())[0]!.state, 'failed')
})

test('a session without rows ends without a proof on both sides', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const adapter = await remote(user, server, { manifest })
  const info = await adapter.finish()
  t.is(info.root, null)
  t.is(info.error, 'the session ended without a row')
  await server.contributor.stop()
  t.regex((await server.store.sessions.list())[0]!.error!, /without a row/)
})

test('a user that cannot fetch the bundle signs nothing and says why', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const fetch = {
    bundle: async () => {
      throw new ConnectionLostError('the connection broke')
    }
  }
  const adapter = await remote(user, server, { manifest, fetch })
  await adapter.deltas({ group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) })
  await t.throwsAsync(adapter.finish(), { instanceOf: ConnectionLostError })
  await server.contributor.stop()
  t.regex((await server.store.sessions.list())[0]!.error!, /bundle could not be fetched/)
  const code = { 'bundle could not be fetched': 1 }
  t.deepEqual([user.counters.refused.all(), server.counters.refusedBy.all()], [code, code])
})

test('a user that is offered the bundle of another session signs nothing', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const row = { group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) }
  const first = await remote(user, server, { manifest })
  await first.deltas(row)
  const earlier = (await user.store.bundles.get(fromHex((await first.finish()).digest!)))!
  const second = await remote(user, server, {
    manifest,
    fetch: { bundle: async () => ({ bytes: earlier, holder: server.net.node.peerId }) }
  })
  await second.deltas(row)
  const error = await t.throwsAsync(second.finish(), { instanceOf: InvalidProofError })
  t.is((error as InvalidProofError).step, 'session')
  await server.contributor.stop()
  const errors = (await server.store.sessions.list()).map(record => record.error)
  t.true(errors.includes('the user gave no receipt: bundle does not fit the session'))
})

test('a contributor that publishes nothing leaves a proof that both keep', async t => {
  const server = await contributor(t, [registered], { announce: async () => new Uint8Array(0) })
  const user = await participant(t, ['user'])
  const adapter = await remote(user, server, { manifest })
  await adapter.deltas({ group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) })
  t.is((await adapter.finish()).state, 'proved')
  await server.contributor.stop()
  t.is((await server.store.sessions.list())[0]!.state, 'proved')
})

test('a contributor that says it published something else is told from one that did', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const row = { group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) }
  const first = await remote(user, server, { manifest })
  await first.deltas(row)
  await first.finish()
  const other = fromHex((await user.store.sessions.list())[0]!.announcement!)
  const liar = await contributor(t, [registered], { announce: async () => other })
  const adapter = await remote(user, liar, { manifest })
  await adapter.deltas(row)
  const error = await t.throwsAsync(adapter.finish(), { instanceOf: InvalidProofError })
  t.is((error as InvalidProofError).step, 'announcement')
  t.is(adapter.info().state, 'proved')
  t.regex(adapter.info().error!, /not what was signed/)
})

test('a contributor whose store fails ends its sessions, and says no more than that', async t => {
  const server = await contributor(t, [registered], {
    announce: async () => {
      throw new Error('secret path')
    }
  })
  const user = await participant(t, ['user'])
  const adapter = await remote(user, server, { manifest })
  await adapter.deltas({ group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) })
  await t.throwsAsync(adapter.finish(), { instanceOf: RefusedError, message: /internal error; something went wrong there/ })
  t.is(adapter.info().state, 'proved')
  t.deepEqual([server.counters.refused.all(), user.counters.refusedBy.all()], [{ 'internal error': 1 }, { 'internal error': 1 }])
})

test('sessions of a process that ended are told as failed by the next', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const [ended, running] = [await remote(user, server, { manifest }), await remote(user, server, { manifest })]
  await ended.deltas({ group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) })
  await ended.finish()
  t.is(running.info().state, 'open')
  await endStaleSessions(user.store)
  const found = Object.fromEntries((await user.store.sessions.list()).map(({ state, error }) => [state, error]))
  t.deepEqual(found, { announced: null, failed: 'the node stopped before the session had ended' })
})
