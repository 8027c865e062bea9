/** What a contributor refuses by its code, and whom a user refuses: both sides say why, and go on with others. */
import type { Stream } from '@libp2p/interface'
import test from 'ava'
import { InvalidProofError, RefusedError } from '../../src/errors.js'
import { SESSION_PROTOCOL } from '../../src/net/session/index.js'
import { readChunks, writeChunk } from '../../src/net/streams.js'
import { makeOpening, type Open } from '../../src/session/index.js'
import { SteadyAdapter } from '../../src/roles/steady-adapter.js'
import { kernel, register } from '../proof/fixture.js'
import { activations, contributor, participant, random, remote, reportOf } from './people.js'

const registered = register('refusals')
const { manifest } = registered

test('what its manifest does not have is refused over the network by its name, without a session', async t => {
  const server = await contributor(t, [registered], { limits: { rows: 50 } })
  const user = await participant(t, ['user'])
  await user.net.node.dial(server.net.node.getMultiaddrs())
  const ask = (change: Partial<Open>): Promise<unknown> => {
    const { open } = makeOpening({ manifest, groups: [0], rows: 10, random })
    const agree = (): never => t.fail('it was accepted') as never
    return user.sessions.open(server.net.node.peerId, { open: { ...open, ...change }, manifest, agree })
  }
  const refused: [Partial<Open>, RegExp][] = [
    [{ base: new Uint8Array(32).fill(9) }, /refused: other base model; the adapter belongs to another base model/],
    [{ groups: [0, 2] }, /refused: unknown groups; its manifest has no such modules/],
    [{ rows: 51 }, /refused: too many rows wanted; ask for fewer tokens/],
    [{ activationBits: 8 }, /refused: activation bits; the adapter is made for another width/],
    [{ adapter: new Uint8Array(32) }, /refused: unknown adapter/]
  ]
  for (const [change, message] of refused) await t.throwsAsync(ask(change), { instanceOf: RefusedError, message })
  t.deepEqual(await server.store.sessions.list(), [])
  const codes = { 'other base model': 1, 'unknown groups': 1, 'too many rows wanted': 1, 'activation bits': 1, 'unknown adapter': 1 }
  t.deepEqual((await reportOf(user)).refusals, { sent: {}, received: codes })
  t.deepEqual((await reportOf(server)).refusals, { sent: codes, received: {} })
  const served = await remote(user, server, { manifest, rows: 50 })
  await served.deltas({ group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) })
  t.is((await served.finish()).state, 'announced')
})

/** Everything that comes on one stream goes out on another. */
async function forward(from: Stream, to: Stream): Promise<void> {
  try {
    for await (const chunk of readChunks(from)) await writeChunk(to, chunk)
    await to.close()
  } catch (error) {
    to.abort(error as Error)
  }
}

test('who advertises another’s adapter and passes every byte on to it gets no row to see', async t => {
  const server = await contributor(t, [registered])
  const middle = await participant(t, ['contributor'])
  const seen: Uint8Array[] = []
  await middle.net.node.dial(server.net.node.getMultiaddrs())
  await middle.net.node.handle(SESSION_PROTOCOL, async stream => {
    const onward = await middle.net.node.dialProtocol(server.net.node.peerId, SESSION_PROTOCOL)
    stream.addEventListener('message', ({ data }) => seen.push(data.subarray()))
    await Promise.all([forward(stream, onward), forward(onward, stream)])
  })
  const user = await participant(t, ['user'])
  const error = await t.throwsAsync(remote(user, middle, { manifest, rows: 10 }), { instanceOf: InvalidProofError })
  t.is((error as InvalidProofError).step, 'signature')
  // Who was told of others by the DHT as well goes on with them; it is the first one's error that it tells otherwise.
  const init = {
    kernel,
    random,
    sessions: user.sessions,
    fetch: user.net.fetch,
    store: user.store,
    manifest,
    rows: 10,
    peer: middle.net.node.peerId
  }
  const alone = { ...init, alternatives: [user.net.node.peerId] }
  await t.throwsAsync(SteadyAdapter.open(alone), { instanceOf: InvalidProofError })
  await user.net.node.dial(server.net.node.getMultiaddrs())
  const steady = await SteadyAdapter.open({ ...init, alternatives: [server.net.node.peerId] })
  await steady.deltas({ group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) })
  await steady.finish()
  t.deepEqual(
    steady.infos().map(({ peer, state }) => [peer, state]),
    [[server.net.node.peerId.toString(), 'announced']]
  )
  // The opens alone have come by.
  t.true(seen.reduce((sum, { length }) => sum + length, 0) < 1000)
  await server.contributor.stop()
  const rows = (await server.store.sessions.list()).map(({ rows, state }) => [rows, state])
  t.deepEqual(rows, [
    [1, 'announced'],
    [0, 'failed'],
    [0, 'failed'],
    [0, 'failed']
  ])
})
