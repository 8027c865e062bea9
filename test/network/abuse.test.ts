/** Peers that hold streams half open, write byte by byte, claim giant lengths or flood: they lose their own streams, nobody else's. */
import type { Stream } from '@libp2p/interface'
import * as lengthPrefixed from 'it-length-prefixed'
import test, { type ExecutionContext } from 'ava'
import { FETCH_PROTOCOL } from '../../src/net/fetch/index.js'
import { SESSION_PROTOCOL } from '../../src/net/session/index.js'
import { decodeMessage, encodeMessage, makeOpening } from '../../src/session/index.js'
import { FrameStream, writeChunk } from '../../src/net/streams.js'
import { register } from '../proof/fixture.js'
import { activations, contributor, participant, type Participant, random, remote, type ServingParticipant } from './people.js'

const registered = register('abuse')
const { manifest } = registered
const WAIT = { what: 'an answer', milliseconds: 10_000 }

/** A session from its first to its last message while others misbehave. */
async function served(t: ExecutionContext, server: ServingParticipant): Promise<void> {
  const session = await remote(await participant(t, ['user']), server, { manifest })
  for (let position = 0; position < 3; position++) {
    await session.deltas({ group: 0, position, rows: activations(1, manifest.groups[0]!.dIn, position) })
  }
  t.is((await session.finish()).state, 'announced')
}

function closed(stream: Stream): Promise<void> {
  if (stream.status !== 'open') return Promise.resolve()
  return new Promise(resolve => stream.addEventListener('close', () => resolve()))
}

async function bad(t: ExecutionContext, server: ServingParticipant): Promise<Participant> {
  const user = await participant(t, ['user'])
  await user.net.node.dial(server.net.node.getMultiaddrs())
  return user
}

const open = (user: Participant, server: ServingParticipant, protocol: string): Promise<Stream> =>
  user.net.node.dialProtocol(server.net.node.getMultiaddrs(), protocol)

for (const protocol of [SESSION_PROTOCOL, FETCH_PROTOCOL]) {
  test(`streams of ${protocol} that are opened and left alone are bounded for each peer, and others are served`, async t => {
    const server = await contributor(t, [registered], { session: { openTimeout: 1000 } })
    const user = await bad(t, server)
    const opened: Stream[] = []
    // Far more than is served; libp2p resets what is beyond its own bound.
    for (let n = 0; n < 40; n++) opened.push(await open(user, server, protocol).catch(() => undefined as never))
    const streams = opened.filter(stream => stream !== undefined)
    const held = server.net.node.getConnections(user.net.node.peerId).flatMap(connection => connection.streams)
    t.true(held.filter(stream => stream.protocol === protocol).length <= 32)
    await served(t, server)
    // A fetch request has longer than a test.
    if (protocol === SESSION_PROTOCOL) await Promise.all(streams.map(closed))
  })

  test(`giant lengths on ${protocol} end the stream and allocate nothing`, async t => {
    const server = await contributor(t, [registered])
    const user = await bad(t, server)
    // 1 MiB and one byte; 256 MiB − 1; and a varint that is too long.
    for (const length of [[0x81, 0x80, 0x40], [0xff, 0xff, 0xff, 0x7f], new Array<number>(9).fill(0xff)]) {
      const before = process.memoryUsage().arrayBuffers
      const stream = await open(user, server, protocol)
      stream.send(Uint8Array.from(length))
      const frames = new FrameStream(stream, { peer: 'contributor' })
      // A code, or nothing more: then the stream is over.
      const answer = await frames.read(WAIT).catch(() => undefined)
      if (answer !== undefined && protocol === SESSION_PROTOCOL) t.is(decodeMessage(answer).kind, 'failure')
      await stream.close().catch(() => {})
      await closed(stream)
      t.true(process.memoryUsage().arrayBuffers - before < 2 ** 26)
    }
    await served(t, server)
  })
}

test('a flood of valid frames that nobody asked for ends with the first, and costs its sender the session', async t => {
  const server = await contributor(t, [registered])
  const user = await bad(t, server)
  const stream = await open(user, server, SESSION_PROTOCOL)
  const frames = new FrameStream(stream, { peer: 'contributor' })
  await frames.write(encodeMessage({ open: makeOpening({ manifest, groups: [0], rows: 10, random }).open }), WAIT)
  t.is(decodeMessage((await frames.read(WAIT))!).kind, 'accept')
  const cancel = lengthPrefixed.encode.single(encodeMessage({ cancel: { request: 7 } })).subarray()
  const flood = new Uint8Array(cancel.length * 10_000)
  for (let n = 0; n < 10_000; n++) flood.set(cancel, n * cancel.length)
  const flooding = writeChunk(stream, flood).catch(() => {})
  await Promise.all([served(t, server), flooding, closed(stream)])
  await server.contributor.stop()
  const failed = (await server.store.sessions.list()).filter(({ state }) => state === 'failed')
  t.deepEqual(
    failed.map(({ error }) => error),
    ['the contributor did not expect cancel now']
  )
})

test('a user that writes its first message a byte at a time loses its place in time, and others are served', async t => {
  const server = await contributor(t, [registered], { session: { openTimeout: 1500 } })
  const user = await bad(t, server)
  const stream = await open(user, server, SESSION_PROTOCOL)
  const bytes = lengthPrefixed.encode.single(encodeMessage({ open: makeOpening({ manifest, groups: [0], rows: 10, random }).open }))
  let at = 0
  const drip = setInterval(() => {
    if (stream.status === 'open' && stream.writeStatus === 'writable') stream.send(bytes.subarray(at, ++at))
  }, 20)
  t.teardown(() => clearInterval(drip))
  const frames = new FrameStream(stream, { peer: 'contributor' })
  await served(t, server)
  const message = decodeMessage((await frames.read(WAIT))!)
  t.deepEqual(message, { kind: 'failure', value: { code: 15 } })
  t.true(at < bytes.byteLength)
})
