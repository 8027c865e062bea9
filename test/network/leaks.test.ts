/** However a session or a transfer ends, nothing of it is left: no stream on either side, no timer, no listener on what lives on. */
import type { Connection } from '@libp2p/interface'
import test from 'ava'
import { SESSION_PROTOCOL } from '../../src/net/session/index.js'
import { FETCH_PROTOCOL } from '../../src/net/fetch/index.js'
import { encodeMessage, makeOpening } from '../../src/session/index.js'
import { FrameStream } from '../../src/net/streams.js'
import { register } from '../proof/fixture.js'
import {
  activations,
  contributor,
  type ContributorOptions,
  participant,
  type Participant,
  random,
  remote,
  type ServingParticipant
} from './people.js'

const registered = register('leaks')
const { manifest } = registered
const WAIT = { what: 'an answer', milliseconds: 5000 }
/** More than the streams that one connection may have. */
const TIMES = 12
const row = { group: 0, position: 0, rows: activations(1, manifest.groups[0]!.dIn) }

interface Both {
  readonly user: Participant
  readonly server: ServingParticipant
}

function connections({ user, server }: Both): Connection[] {
  const [a, b] = [user.net.node, server.net.node]
  return [...a.getConnections(b.peerId), ...b.getConnections(a.peerId)]
}

const streamsOf = (both: Both): string[] =>
  connections(both)
    .flatMap(connection => connection.streams)
    .filter(({ protocol }) => protocol === SESSION_PROTOCOL || protocol === FETCH_PROTOCOL)
    .map(({ protocol, direction, status, readStatus, writeStatus }) => [protocol, direction, status, readStatus, writeStatus].join(' '))

const nothing = test.macro({
  async exec(t, act: (both: Both) => Promise<unknown>, options: { server?: ContributorOptions; user?: { openTimeout?: number } } = {}) {
    const server = await contributor(t, [registered], options.server)
    const user = await participant(t, ['user'], options.user)
    const both = { user, server }
    await user.net.node.dial(server.net.node.getMultiaddrs())
    for (let n = 0; n < TIMES; n++) await act(both).catch(() => {})
    // The longest that anybody waits for the other's end of a stream, here.
    const deadline = Date.now() + 8000
    while (streamsOf(both).length > 0 && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 20))
    t.deepEqual(streamsOf(both), [])
  },
  title: (what = '') => `no stream is left after ${what}`
})

const session = ({ user, server }: Both, change = {}) => remote(user, server, { manifest, ...change })

test('sessions that end well', nothing, async both => {
  const adapter = await session(both)
  await adapter.deltas(row)
  await adapter.finish()
})
test('sessions that the user breaks off', nothing, async both => {
  const adapter = await session(both)
  await adapter.deltas(row)
  await adapter.abort(new Error('enough'))
})
test('sessions that are refused', nothing, both => session(both, { rows: 100_000 }))
test('sessions that are refused because there are too many', nothing, both => session(both), {
  server: { session: { limits: { all: 0 } } }
})
test('sessions that the contributor gives no time to open', nothing, both => session(both), { server: { session: { openTimeout: 1 } } })
test('sessions that the user gives no time to open', nothing, both => session(both), { user: { openTimeout: 3 } })
test('answers that come too late', nothing, async both => (await session(both, { timeouts: { answer: 1 } })).deltas(row))
test('a user that breaks the protocol', nothing, async ({ user, server }) => {
  const stream = await user.net.node.dialProtocol(server.net.node.getMultiaddrs(), SESSION_PROTOCOL)
  const frames = new FrameStream(stream, { peer: 'contributor' })
  await frames.write(encodeMessage({ open: makeOpening({ manifest, groups: [0], rows: 10, random }).open }), WAIT)
  await frames.read(WAIT)
  await frames.write(encodeMessage({ cancel: { request: 1 } }), WAIT)
  await frames.read(WAIT)
})
test('a user that opens a stream and closes it', nothing, async ({ user, server }) => {
  const stream = await user.net.node.dialProtocol(server.net.node.getMultiaddrs(), SESSION_PROTOCOL)
  await stream.close()
})
test('a user that opens a stream and resets it', nothing, async ({ user, server }) => {
  const stream = await user.net.node.dialProtocol(server.net.node.getMultiaddrs(), SESSION_PROTOCOL)
  stream.abort(new Error('enough'))
})
test('manifests that are not there', nothing, ({ user, server }) => user.net.fetch.manifest([server.net.node.peerId], new Uint8Array(32)))
test('transfers that are broken off', nothing, async ({ user, server }) => {
  const stop = new AbortController()
  const asked = user.net.fetch.adapters(server.net.node.peerId, null, { signal: stop.signal })
  setImmediate(() => stop.abort(new Error('enough')))
  await asked
})
