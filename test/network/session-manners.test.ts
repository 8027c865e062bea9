/** What a peer may not do to a node on a session's stream, and how long anybody waits. */
import type { Connection, Stream } from '@libp2p/interface'
import test, { type ExecutionContext } from 'ava'
import {
  ConnectionLostError,
  InvalidProofError,
  LimitExceededError,
  RefusedError,
  TimeoutError,
  UnsupportedError
} from '../../src/errors.js'
import { SESSION_PROTOCOL } from '../../src/net/session/index.js'
import { FrameStream } from '../../src/net/streams.js'
import {
  decodeMessage,
  encodeMessage,
  inlineUserJobs,
  makeAccept,
  makeOpening,
  type Message,
  type Open,
  takeAnswer,
  UserSession
} from '../../src/session/index.js'
import { kernel, OWNER_SECRET, register } from '../proof/fixture.js'
import {
  activations,
  contributor,
  type ContributorOptions,
  participant,
  type Participant,
  random,
  remote,
  reportOf,
  type ServingParticipant
} from './people.js'

const registered = register('manners')
const { adapter, manifest } = registered
const other = register('manners of another')
const WAIT = { what: 'an answer', milliseconds: 10_000 }
const row = activations(1, manifest.groups[0]!.dIn)

// Refusals

const refused = test.macro({
  async exec(
    t,
    given: { options?: ContributorOptions; rows?: number; serves?: typeof registered; message: RegExp; code?: string; limit?: string }
  ) {
    const server = await contributor(t, [given.serves ?? registered], given.options)
    const user = await participant(t, ['user'])
    await t.throwsAsync(remote(user, server, { manifest, rows: given.rows ?? 10 }), { instanceOf: RefusedError, message: given.message })
    t.deepEqual(await user.store.sessions.list(), [])
    t.deepEqual(await server.store.sessions.list(), [])
    // Both sides' status says so, with the limit where there is one.
    const [here, there] = [await reportOf(user), await reportOf(server)]
    const code = given.code ?? 'busy'
    t.deepEqual(
      [here.refusals, there.refusals],
      [
        { sent: {}, received: { [code]: 1 } },
        { sent: { [code]: 1 }, received: {} }
      ]
    )
    t.deepEqual(there.limits, given.limit === undefined ? {} : { [given.limit]: 1 })
  },
  title: (what = '') => `a contributor refuses ${what}`
})

test('an adapter that it does not serve', refused, { serves: other, message: /unknown adapter/, code: 'unknown adapter' })
test('more rows than it gives one session', refused, {
  options: { limits: { rows: 5 } },
  message: /too many rows wanted/,
  code: 'too many rows wanted'
})
test('more rows than one bundle holds', refused, {
  rows: 100_000,
  message: /too many rows wanted/,
  code: 'too many rows wanted',
  limit: 'bundleRows'
})
test('who is not listed', refused, {
  options: { policy: { mode: 'listed', allow: ['12D3somebody'], limitRows: null } },
  message: /not listed/,
  code: 'not listed'
})
test('when its budget is spent', refused, {
  options: { policy: { mode: 'open', allow: [], limitRows: 0 } },
  message: /extraction budget spent/,
  code: 'extraction budget spent'
})
test('more than it can hold for all', refused, {
  options: { limits: { outstandingBytesAll: 10 } },
  message: /busy.*in 30 s/,
  limit: 'outstandingBytesAll'
})
test('more sessions of one peer than its limit', refused, {
  options: { session: { limits: { perPeer: 0 } } },
  message: /busy/,
  limit: 'sessionsPerPeer'
})
test('more sessions than its limit', refused, { options: { session: { limits: { all: 0 } } }, message: /busy/, limit: 'sessions' })

test('a listed peer is served, until the rows of the budget are answered', async t => {
  const user = await participant(t, ['user'])
  const allow = [user.net.node.peerId.toString()]
  const server = await contributor(t, [registered], { policy: { mode: 'listed', allow, limitRows: 2 } })
  const remoteAdapter = await remote(user, server, { manifest })
  await remoteAdapter.deltas({ group: 0, position: 0, rows: activations(2, manifest.groups[0]!.dIn) })
  await t.throwsAsync(remoteAdapter.deltas({ group: 0, position: 2, rows: row }), {
    instanceOf: RefusedError,
    message: /extraction budget spent/
  })
  t.is(await server.store.budget.answered(adapter.content, 0), 2)
  await t.throwsAsync(remoteAdapter.finish(), { instanceOf: RefusedError })
  // Also when it comes in the middle of a session.
  t.deepEqual((await reportOf(user)).refusals.received, { 'extraction budget spent': 1 })
  t.deepEqual((await reportOf(server)).refusals.sent, { 'extraction budget spent': 1 })
})

test('an adapter that is withdrawn is refused, and its sessions go on', async t => {
  const user = await participant(t, ['user'])
  const server = await contributor(t, [registered])
  t.is(server.contributor.adapters.length, 1)
  const remoteAdapter = await remote(user, server, { manifest })
  server.contributor.withdraw(manifest.id)
  await t.throwsAsync(remote(user, server, { manifest }), { instanceOf: RefusedError, message: /unknown adapter/ })
  await remoteAdapter.deltas({ group: 0, position: 0, rows: row })
  t.is(server.contributor.sessions()[0]!.rows, 1)
  // Answered, and committed to by nobody yet: each side tells of its own.
  t.deepEqual((await reportOf(user)).outstandingRows, { contributor: 0, user: 1 })
  t.deepEqual((await reportOf(server)).outstandingRows, { contributor: 1, user: 0 })
  t.is((await remoteAdapter.finish()).state, 'announced')
})

test('a peer that serves nobody does not speak the protocol', async t => {
  const [user, nobody] = [await participant(t, ['user']), await participant(t, ['verifier'])]
  await t.throwsAsync(remote(user, nobody, { manifest }), { instanceOf: UnsupportedError, message: /does not speak/ })
})

test('a contributor that stops tells its users', async t => {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const remoteAdapter = await remote(user, server, { manifest })
  await remoteAdapter.deltas({ group: 0, position: 0, rows: row })
  await server.sessions.stop()
  await t.throwsAsync(remoteAdapter.finish(), { instanceOf: RefusedError, message: /shutting down/ })
  t.false(server.sessions.isStarted())
  t.deepEqual([user.counters.refusedBy.all(), server.counters.refused.all()], [{ 'shutting down': 1 }, { 'shutting down': 1 }])
})

// A contributor that is not one

/** Answers session streams as it likes; the user's adapter at it. */
async function impostor(
  t: ExecutionContext,
  answer: (stream: Stream, connection: Connection) => Promise<void> | void
): Promise<Participant> {
  const node = await participant(t, ['contributor'])
  await node.net.node.handle(SESSION_PROTOCOL, (stream, connection) => void answer(stream, connection))
  return node
}

/** The terms of an honest contributor, then nothing of its own any more. */
async function acceptThen(
  stream: Stream,
  connection: Connection,
  self: () => Participant,
  then: (frames: FrameStream) => Promise<void>
): Promise<void> {
  const frames = new FrameStream(stream, { peer: 'user' })
  const { value: open } = decodeMessage((await frames.read(WAIT))!) as Message & { kind: 'open' }
  const peers = { user: connection.remotePeer.toMultihash().bytes, contributor: self().net.node.peerId.toMultihash().bytes }
  const { accept } = makeAccept({
    open,
    adapter,
    peers,
    secretKey: OWNER_SECRET,
    started: BigInt(Math.floor(Date.now() / 1000)),
    limits: { requests: 32, outstandingRows: 100, outstandingBytes: 1n << 20n },
    random
  })
  await frames.write(encodeMessage({ accept }), WAIT)
  await then(frames)
}

test('a peer that never answers costs the time to open a session', async t => {
  const frozen = await impostor(t, () => {})
  const user = await participant(t, ['user'], { openTimeout: 100 })
  await t.throwsAsync(remote(user, frozen, { manifest }), { instanceOf: TimeoutError, message: /opening a session/ })
  t.deepEqual((await reportOf(user)).timeouts, { open: 1 })
})

test('a contributor that stops answering costs the time of an answer', async t => {
  const frozen: Participant = await impostor(t, (stream, connection) =>
    acceptThen(
      stream,
      connection,
      () => frozen,
      async () => {}
    )
  )
  const user = await participant(t, ['user'])
  const remoteAdapter = await remote(user, frozen, { manifest, timeouts: { answer: 100 } })
  await t.throwsAsync(remoteAdapter.deltas({ group: 0, position: 0, rows: row }), {
    instanceOf: TimeoutError,
    message: /answer to request 0/
  })
  t.is(remoteAdapter.info().state, 'failed')
  t.deepEqual(user.counters.timeouts.all(), { answer: 1 })
  t.deepEqual(user.counters.refused.all(), { timeout: 1 })
})

test('a contributor that does not read costs the time of an answer, however much is to be sent', async t => {
  const frozen: Participant = await impostor(t, (stream, connection) =>
    acceptThen(
      stream,
      connection,
      () => frozen,
      async () => stream.pause()
    )
  )
  const user = await participant(t, ['user'])
  const remoteAdapter = await remote(user, frozen, { manifest, rows: 60_000, timeouts: { answer: 100 } })
  const many = activations(30_000, manifest.groups[0]!.dIn)
  await t.throwsAsync(remoteAdapter.deltas({ group: 0, position: 0, rows: many }), { instanceOf: TimeoutError })
  // More than may be in flight waited, once.
  t.deepEqual(user.counters.limits.all(), { requestsInFlight: 1 })
})

test('a contributor that closes the stream early is a lost connection', async t => {
  const early: Participant = await impostor(t, (stream, connection) =>
    acceptThen(
      stream,
      connection,
      () => early,
      async () => stream.close()
    )
  )
  const user = await participant(t, ['user'])
  const remoteAdapter = await remote(user, early, { manifest })
  await t.throwsAsync(remoteAdapter.finish(), { instanceOf: ConnectionLostError, message: /closed the stream before/ })
})

test('a contributor that resets the stream is a lost connection', async t => {
  const early: Participant = await impostor(t, (stream, connection) =>
    acceptThen(
      stream,
      connection,
      () => early,
      async () => stream.abort(new Error('gone'))
    )
  )
  const user = await participant(t, ['user'])
  const remoteAdapter = await remote(user, early, { manifest })
  await t.throwsAsync(remoteAdapter.finish(), { instanceOf: ConnectionLostError })
})

test('terms of an impostor in the middle are refused, whose own name is not in them', async t => {
  const honest = await participant(t, ['contributor'])
  const middle: Participant = await impostor(t, (stream, connection) =>
    acceptThen(
      stream,
      connection,
      () => honest,
      async () => {}
    )
  )
  const user = await participant(t, ['user'])
  const error = await t.throwsAsync(remote(user, middle, { manifest }), { instanceOf: InvalidProofError })
  t.is((error as InvalidProofError).step, 'signature')
})

test('a frame beyond 1 MiB ends the session by its length alone', async t => {
  const large: Participant = await impostor(t, (stream, connection) =>
    acceptThen(
      stream,
      connection,
      () => large,
      async () => {
        // The length 1,048,577 and nothing after it.
        stream.send(Uint8Array.of(0x81, 0x80, 0x40))
      }
    )
  )
  const user = await participant(t, ['user'])
  const remoteAdapter = await remote(user, large, { manifest })
  await t.throwsAsync(remoteAdapter.finish(), {
    instanceOf: LimitExceededError,
    message: 'bytes of a frame is 1048577, at most 1048576 are accepted here'
  })
  t.deepEqual(user.counters.limits.all(), { frameBytes: 1 })
})

// A user that is not one

interface RawUser {
  readonly frames: FrameStream
  readonly open: Open
  readonly server: ServingParticipant
}

/** A stream to a contributor, with which a test does as it likes. */
async function rawUser(t: ExecutionContext, options: ContributorOptions = {}): Promise<RawUser> {
  const server = await contributor(t, [registered], options)
  const user = await participant(t, ['user'])
  const stream = await user.net.node.dialProtocol(server.net.node.getMultiaddrs(), SESSION_PROTOCOL)
  const { open } = makeOpening({ manifest, groups: [0, 1], rows: 10, random })
  return { frames: new FrameStream(stream, { peer: 'contributor' }), open, server }
}

async function codeOfNext(frames: FrameStream): Promise<number> {
  const message = decodeMessage((await frames.read(WAIT))!)
  if (message.kind !== 'failure') throw new Error(`${message.kind} came`)
  return message.value.code
}

test('a first message that is not open is answered with a code', async t => {
  const { frames } = await rawUser(t)
  await frames.write(encodeMessage({ cancel: { request: 0 } }), WAIT)
  t.is(await codeOfNext(frames), 13)
})

test('a stream that begins with more than open can have ends by the length alone', async t => {
  const { frames, server } = await rawUser(t)
  // The length 16,385 and nothing after it.
  frames.stream.send(Uint8Array.of(0x81, 0x80, 0x01))
  t.is(await codeOfNext(frames), 12)
  t.deepEqual(server.counters.limits.all(), { openBytes: 1 })
})

test('a first message that is none is answered with a code', async t => {
  const { frames } = await rawUser(t)
  await frames.write(new Uint8Array(5), WAIT)
  t.is(await codeOfNext(frames), 11)
})

test('a user that says nothing loses its place in time', async t => {
  const { frames, server } = await rawUser(t, { session: { openTimeout: 100 } })
  t.is(await codeOfNext(frames), 15)
  t.deepEqual(server.counters.timeouts.all(), { open: 1 })
  t.deepEqual(server.counters.refused.all(), { timeout: 1 })
})

test('a user that says nothing after the terms is told the code, and the session is recorded as failed', async t => {
  const { frames, open, server } = await rawUser(t, { timeouts: { idle: 100 } })
  await frames.write(encodeMessage({ open }), WAIT)
  t.is(decodeMessage((await frames.read(WAIT))!).kind, 'accept')
  t.is(await codeOfNext(frames), 15)
  await server.contributor.stop()
  const [record] = await server.store.sessions.list()
  t.is(record!.state, 'failed')
  t.is(record!.error, 'the next message of the session took longer than 0.1 s')
  t.deepEqual(server.counters.timeouts.all(), { idle: 1 })
})

test('a message that breaks the protocol is answered with its code before the stream is reset', async t => {
  const { frames, open } = await rawUser(t)
  await frames.write(encodeMessage({ open }), WAIT)
  await frames.read(WAIT)
  await frames.write(encodeMessage({ rows: { request: 0, group: 0, position: 0, count: 1, x: new Uint8Array(40) } }), WAIT)
  t.is(await codeOfNext(frames), 13)
  // A reset would overtake what is not read yet: it comes when this side does not end the stream in its turn.
  t.is(await frames.read(WAIT), undefined)
  if (frames.stream.status === 'open') await new Promise(resolve => frames.stream.addEventListener('close', resolve))
  t.is(frames.stream.status, 'reset')
})

for (const [limit, message] of [
  ['rowsPerRequest', { rows: { request: 0, group: 0, position: 0, count: 257, x: new Uint8Array(257 * 40) } }],
  ['rowsPerBatch', { batch: { firstRow: 0, commitments: new Uint8Array(1025 * 32), blindings: new Uint8Array(0), tail: undefined } }]
] as const) {
  test(`a message beyond ${limit} is counted by that name`, async t => {
    const { frames, open, server } = await rawUser(t)
    await frames.write(encodeMessage({ open }), WAIT)
    await frames.read(WAIT)
    await frames.write(encodeMessage(message), WAIT)
    t.is(await codeOfNext(frames), 12)
    t.deepEqual(server.counters.limits.all(), { [limit]: 1 })
    t.deepEqual(server.counters.refused.all(), { 'limit exceeded': 1 })
  })
}

test('a user that does not end its stream after the session is cut off', async t => {
  const server = await contributor(t, [registered], { timeouts: { answer: 1000 } })
  const user = await participant(t, ['user'])
  const stream = await user.net.node.dialProtocol(server.net.node.getMultiaddrs(), SESSION_PROTOCOL)
  const frames = new FrameStream(stream, { peer: 'contributor' })
  const { open, secretKey } = makeOpening({ manifest, groups: [0, 1], rows: 10, random })
  await frames.write(encodeMessage({ open }), WAIT)
  const peers = { user: user.net.node.peerId.toMultihash().bytes, contributor: server.net.node.peerId.toMultihash().bytes }
  const terms = takeAnswer((await frames.read(WAIT))!, { open, manifest, peers, peer: 'contributor' })
  const session = new UserSession({ terms, manifest, secretKey, jobs: inlineUserJobs({ kernel, manifest, random }) })
  const closed = session.close()
  const sending = (async () => {
    for await (const message of session.outgoing()) await frames.write(message, WAIT)
  })()
  await session.receive((await frames.read(WAIT))!)
  await Promise.all([closed, sending])
  t.true(session.finished)
  // This side stays open: the contributor closes its own, waits, and resets.
  t.is(await frames.read(WAIT), undefined)
  if (stream.status === 'open') await new Promise(resolve => stream.addEventListener('close', resolve))
  t.is(stream.status, 'reset')
})
