import { type Stream, StreamBufferError } from '@libp2p/interface'
import test, { type ExecutionContext } from 'ava'
import { encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import {
  ConnectionLostError,
  LimitExceededError,
  MalformedMessageError,
  ProtocolViolationError,
  TimeoutError,
  UnsupportedError
} from '../../src/errors.js'
import { NET_LIMITS } from '../../src/limits.js'
import { closeStream, FrameStream, openError, readFrames, streamError, within, writeChunk, writeFrames } from '../../src/net/streams.js'
import { startNode } from './nodes.js'

const KiB = 1024
const WAIT = { what: 'a frame', milliseconds: 10_000 }
const SHORT = { what: 'a frame', milliseconds: 50 }

interface Ends {
  readonly near: Stream
  readonly far: Stream
}

/** Both ends of a stream between two nodes. */
async function ends(t: ExecutionContext): Promise<Ends> {
  const [a, b] = await Promise.all([startNode(t, { roles: [] }), startNode(t, { roles: [] })])
  const arrived = new Promise<Stream>(resolve => void b.net.node.handle('/test/1.0.0', stream => resolve(stream)))
  const near = await a.net.node.dialProtocol(b.net.node.getMultiaddrs(), '/test/1.0.0')
  // libp2p tells the far end with the first bytes.
  near.send(new Uint8Array(0))
  return { near, far: await arrived }
}

const frames = (sizes: readonly number[]): Uint8Array[] => sizes.map((size, i) => new Uint8Array(size).fill(i))

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

test('frames of any size arrive whole and in order, both ways at once', async t => {
  const { near, far } = await ends(t)
  const sent = frames([1, 127, 128, 70_000, NET_LIMITS.frameBytes, 0, 300 * KiB, 5])
  const send = async (stream: Stream): Promise<void> => {
    await pipe(each(sent), writeFrames(stream))
    await stream.close()
  }
  const receive = async (stream: Stream): Promise<Uint8Array[]> => {
    const all: Uint8Array[] = []
    for await (const frame of readFrames(stream)) all.push(frame)
    return all
  }
  const [, , nearGot, farGot] = await Promise.all([send(near), send(far), receive(near), receive(far)])
  for (const got of [nearGot, farGot]) {
    t.deepEqual(
      got.map(({ length }) => length),
      sent.map(({ length }) => length)
    )
    t.true(got.every((frame, i) => frame.every(byte => byte === i)))
  }
})

test('while nobody reads, no more than the window and 256 KiB are taken from the sender', async t => {
  const { near, far } = await ends(t)
  let taken = 0
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    while (true) {
      taken += 64 * KiB
      t.true(near.writeBufferLength <= NET_LIMITS.sendAheadBytes)
      yield new Uint8Array(64 * KiB)
    }
  }
  // One frame is read, then no more: the stream is paused between.
  const reader = readFrames(far)
  const stop = new AbortController()
  const sending = pipe(endless(), writeFrames(near, stop.signal))
  await reader.next()
  const before = async (): Promise<number> => {
    const seen = taken
    await new Promise(resolve => setTimeout(resolve, 100))
    return taken === seen ? taken : before()
  }
  const stalled = await before()
  t.true(stalled <= NET_LIMITS.windowBytes + NET_LIMITS.unreadBytes, `${stalled} bytes were taken`)
  // As soon as it is read, it goes on.
  while (taken === stalled) await reader.next()
  stop.abort(new ProtocolViolationError('enough'))
  await t.throwsAsync(sending, { instanceOf: ProtocolViolationError })
})

/** Writes frames until there is no room for more: nobody reads at the other end. */
async function fill(stream: Stream, signal?: AbortSignal): Promise<never> {
  while (true) await writeChunk(stream, new Uint8Array(64 * KiB), signal)
}

test('a writer that waits for room learns of a reset at once, and of a stream that is over before it begins', async t => {
  const { near, far } = await ends(t)
  far.pause()
  const filling = fill(near).catch(cause => streamError(cause, 'far'))
  while (near.writeBufferLength === 0) await new Promise(resolve => setTimeout(resolve, 5))
  far.abort(new Error('enough'))
  t.true((await filling) instanceof ConnectionLostError)
  await t.throwsAsync(new FrameStream(near, { peer: 'far' }).write(new Uint8Array(1), WAIT), { instanceOf: ConnectionLostError })
})

test('a frame that is too long is refused by its length', async t => {
  const { near, far } = await ends(t)
  near.send(encode.single(new Uint8Array(11)))
  const reader = new FrameStream(far, { peer: 'near', maxBytes: 10 })
  await t.throwsAsync(reader.read(WAIT), {
    instanceOf: LimitExceededError,
    message: 'bytes of a frame is 11, at most 10 are accepted here'
  })
})

test('a length that is no varint is refused', async t => {
  const { near, far } = await ends(t)
  near.send(new Uint8Array(6).fill(0xff))
  await t.throwsAsync(new FrameStream(far, { peer: 'near' }).read(WAIT), { instanceOf: MalformedMessageError, message: /length/ })
})

test('a stream that ends inside of a frame is refused', async t => {
  const { near, far } = await ends(t)
  near.send(Uint8Array.of(5, 1, 2))
  await near.close()
  await t.throwsAsync(new FrameStream(far, { peer: 'near' }).read(WAIT), {
    instanceOf: MalformedMessageError,
    message: /inside of a frame/
  })
})

test('frames that came before a reset are read first, also by who listens only afterwards', async t => {
  const { near, far } = await ends(t)
  const closed = new Promise(resolve => far.addEventListener('close', resolve))
  near.send(encode.single(Uint8Array.of(7)))
  near.abort(new Error('enough'))
  await closed
  const reader = new FrameStream(far, { peer: 'near' })
  t.deepEqual(await reader.read(WAIT), Uint8Array.of(7))
  await t.throwsAsync(reader.read(WAIT), { instanceOf: ConnectionLostError })
})

test('every wait ends in time, or by its signal', async t => {
  const { near, far } = await ends(t)
  far.pause()
  const stream = new FrameStream(near, { peer: 'far' })
  await t.throwsAsync(stream.read(SHORT), { instanceOf: TimeoutError, message: 'a frame took longer than 0.05 s' })
  const stop = new AbortController()
  const reading = stream.read({ ...WAIT, signal: stop.signal })
  stop.abort(new ProtocolViolationError('enough'))
  await t.throwsAsync(reading, { instanceOf: ProtocolViolationError })
  await t.throwsAsync(stream.read({ ...WAIT, signal: stop.signal }), { instanceOf: ProtocolViolationError })
  const write = async (): Promise<never> => {
    while (true) await stream.write(new Uint8Array(NET_LIMITS.frameBytes), SHORT)
  }
  await t.throwsAsync(write(), { instanceOf: TimeoutError })
  await t.throwsAsync(stream.closeWrite(SHORT), { instanceOf: TimeoutError })
  stream.abort(new Error('enough'))
  t.is(near.status, 'aborted')
})

test('a stream ends on good terms when the peer ends it too, whatever it still says', async t => {
  const { near, far } = await ends(t)
  const closing = closeStream(near, 10_000)
  far.send(new Uint8Array(100))
  await far.close()
  await closing
  t.is(near.status, 'closed')
})

test('a stream that the peer leaves open is reset in time', async t => {
  const { near } = await ends(t)
  await closeStream(near, 50)
  t.is(near.status, 'aborted')
})

test('what libp2p calls in many ways has one name here', t => {
  const named = (name: string): Error => Object.assign(new Error('why'), { name })
  const own = new ProtocolViolationError('ours')
  t.is(streamError(own, 'P'), own)
  for (const name of ['AbortError', 'TypeError', 'RangeError', 'ReferenceError']) t.is(streamError(named(name), 'P').name, name)
  t.true(streamError(named('UnsupportedProtocolError'), 'P') instanceof UnsupportedError)
  for (const name of ['StreamResetError', 'StreamStateError', 'ConnectionClosedError', 'DialError', 'MuxerClosedError']) {
    const error = streamError(named(name), 'P')
    t.true(error instanceof ConnectionLostError)
    t.is(error.message, 'the connection to peer P is lost: why')
  }
  for (const [words, atLimit] of [
    ['Read buffer length of 5 exceeded limit of 4, read status is paused', 'unreadBytes'],
    ['Write buffer length of 5 exceeded limit of 4, write status is paused', 'unsentBytes']
  ] as const) {
    t.like(streamError(new StreamBufferError(words), 'P'), { name: 'ConnectionLostError', atLimit })
  }
  t.like(openError(new Error('The operation was aborted due to timeout'), 'P'), { name: 'ConnectionLostError', atLimit: 'dial' })
  t.is((openError(named('DialError'), 'P') as ConnectionLostError).atLimit, undefined)
  // p-event rejects with the close event, with or without an error in it.
  t.is(streamError({ error: named('StreamResetError') }, 'P').message, 'the connection to peer P is lost: why')
  t.is(streamError({}, 'P').message, 'the connection to peer P is lost: stream closed')
  t.is(streamError(undefined, 'P').message, 'the connection to peer P is lost: stream closed')
})

test('a wait gives what the promise gives', async t => {
  t.is(await within(Promise.resolve(3), WAIT), 3)
  await t.throwsAsync(within(Promise.reject(new MalformedMessageError('x')), WAIT), { instanceOf: MalformedMessageError })
})

test('what fails after nobody waits for it any more ends nothing', async t => {
  const reason = new Error('stopped')
  const signal = AbortSignal.abort(reason)
  // A rejection that nobody handles would end this process, and a node's.
  t.is(await t.throwsAsync(within(Promise.reject(new Error('closed meanwhile')), { ...WAIT, signal })), reason)
  await new Promise(resolve => setImmediate(resolve))
})
