/**
 * libp2p streams for slow, silent and hostile peers: bytes and frames in both directions with backpressure, every wait bounded,
 * and the many shapes of libp2p's errors mapped to named ones in one place. Session and fetch stand on it.
 */
import type { Stream } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { pEvent } from 'p-event'
import { atLimit, type TimeoutName } from '../counters.js'
import { ConnectionLostError, TimeoutError, UnsupportedError, ZkloraError } from '../errors.js'
import { NET_LIMITS } from '../limits.js'
import { isTimeout } from './time-limit.js'
import { type Chunk, decodeFrames, encodeFrames } from './frames.js'

/** How long to wait, and for what: the words of the TimeoutError ("the answer took longer than 30 s"). */
export interface Wait {
  readonly what: string
  readonly milliseconds: number
  readonly signal?: AbortSignal | undefined
  /** By which name of limits.ts it is counted when the time has passed. */
  readonly timeout?: TimeoutName | undefined
}

/** Bytes passed on at a time, so that what is unsent stays below the bound without cutting frames into crumbs. */
const PIECE_BYTES = NET_LIMITS.sendAheadBytes / 4

/**
 * Waits for a promise, at most so long.
 * @throws TimeoutError, the signal's reason, or what the promise rejects with
 */
export async function within<T>(promise: Promise<T>, { what, milliseconds, signal, timeout }: Wait): Promise<T> {
  // Nobody waits for it when the signal has aborted already: its failure must not end the process.
  promise.catch(() => {})
  const late = (): TimeoutError => {
    const error = new TimeoutError(what, milliseconds)
    return timeout === undefined ? error : atLimit(timeout, error)
  }
  signal?.throwIfAborted()
  let stop = (): void => {}
  const ended = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds)
    const onAbort = (): void => reject(signal!.reason)
    signal?.addEventListener('abort', onAbort)
    stop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  })
  try {
    return await Promise.race([promise, ended])
  } finally {
    stop()
  }
}

/**
 * What a failure on a stream or dial is called here. Named errors, aborts by our own signals and bugs of ours stay what they are.
 * @param peer who is at the other end, for the sentence
 */
export function streamError(error: unknown, peer: string): Error {
  if (error instanceof ZkloraError) return error
  const cause = error instanceof Error ? error : ((error as { error?: Error } | null)?.error ?? new Error('stream closed'))
  switch (cause.name) {
    case 'AbortError':
    case 'TypeError':
    case 'RangeError':
    case 'ReferenceError':
      return cause
    case 'UnsupportedProtocolError':
      return new UnsupportedError(`peer ${peer} does not speak this protocol; it may run another version or role`, { cause })
    case 'StreamBufferError':
      return bufferError(cause, peer)
    default:
      return new ConnectionLostError(`the connection to peer ${peer} is lost: ${cause.message}`, { cause })
  }
}

/** The same for a stream that could not be opened: its peer may have to be dialled first. */
export function openError(error: unknown, peer: string): Error {
  const named = streamError(error, peer)
  return named instanceof ZkloraError && isTimeout(error) ? atLimit('dial', named) : named
}

/** libp2p resets a stream whose buffer, to read or to send, holds more than it may. */
function bufferError(cause: Error, peer: string): Error {
  const name = cause.message.startsWith('Write') ? 'unsentBytes' : 'unreadBytes'
  return atLimit(name, new ConnectionLostError(`the connection to peer ${peer} is lost: ${cause.message}`, { cause }))
}

/** True when nothing more can be read: a request and its end may arrive together, with bytes still buffered. */
function ended(stream: Stream): boolean {
  return stream.readableEnded && stream.readBufferLength === 0
}

/**
 * What arrives, as an it-pipe source. While the consumer is busy the stream is paused, so that the peer's window closes and
 * nothing piles up here.
 * @throws whatever the stream was closed with, after all bytes that arrived before
 */
export async function* readChunks(stream: Stream): AsyncGenerator<Chunk> {
  const queue: Chunk[] = []
  let done = false
  let error: Error | undefined
  let wake = (): void => {}
  // resume() hands out buffered bytes before it un-pauses the muxer: a pause() from inside of that would be undone at once.
  let resuming = false
  const pause = (): void => {
    if (!resuming && stream.readStatus === 'readable') stream.pause()
  }
  const onMessage = (event: { data: Chunk }): void => {
    queue.push(event.data)
    pause()
    wake()
  }
  const onEnd = (): void => wake()
  const onClose = (event: { error?: Error }): void => {
    done = true
    error = event.error
    wake()
  }
  stream.addEventListener('message', onMessage)
  stream.addEventListener('end', onEnd)
  stream.addEventListener('close', onClose)
  done = stream.status !== 'open' && stream.status !== 'closing'
  if (stream.status === 'reset' || stream.status === 'aborted') error = new Error(`the stream is ${stream.status}`)
  try {
    while (true) {
      while (queue.length > 0) yield queue.shift()!
      if (stream.readStatus === 'paused') {
        resuming = true
        try {
          stream.resume()
        } finally {
          resuming = false
        }
        if (queue.length > 0) {
          pause()
          continue
        }
      }
      // What was buffered before the listener was there is dispatched in a microtask: until then nothing has ended.
      if (stream.readBufferLength === 0) {
        if (error !== undefined) throw error
        if (done || ended(stream)) return
      }
      await new Promise<void>(resolve => (wake = resolve))
    }
  } finally {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('end', onEnd)
    stream.removeEventListener('close', onClose)
  }
}

/** Bytes of a frame, and of the first. */
export interface FrameBounds {
  readonly maxBytes?: number | undefined
  readonly firstBytes?: number | undefined
}

/** Frames from a stream: an it-pipe source. */
export function readFrames(
  stream: Stream,
  { maxBytes = NET_LIMITS.frameBytes, firstBytes = maxBytes }: FrameBounds = {}
): AsyncGenerator<Uint8Array> {
  return pipe(() => readChunks(stream), decodeFrames(maxBytes, firstBytes))
}

/**
 * Hands bytes to the stream in pieces, never more than `sendAheadBytes` unsent.
 * @throws ConnectionLostError when the stream closes before all is handed over; the signal's reason
 */
export async function writeChunk(stream: Stream, chunk: Chunk, signal?: AbortSignal): Promise<void> {
  for (let at = 0; at < chunk.byteLength; at += PIECE_BYTES) {
    // Not stream.onDrain(): its promise is never reset once it has resolved (utils 7.4.1).
    while (stream.writeBufferLength + PIECE_BYTES > NET_LIMITS.sendAheadBytes) {
      // A reset between two waits leaves the buffer as it is and gives no further event.
      if (stream.status !== 'open')
        throw new ConnectionLostError(`the stream is ${stream.status} and ${stream.writeBufferLength} bytes are unsent`)
      await pEvent(stream as never, 'drain', { signal, rejectionEvents: ['close'] } as never)
    }
    const end = Math.min(at + PIECE_BYTES, chunk.byteLength)
    stream.send(chunk instanceof Uint8Array ? chunk.subarray(at, end) : chunk.sublist(at, end))
  }
}

/** An it-pipe sink: all frames of a source, each handed over before the next is taken, so that the source decides late what comes next. */
export function writeFrames(stream: Stream, signal?: AbortSignal): (source: AsyncIterable<Uint8Array>) => Promise<void> {
  return async source => {
    for await (const bytes of pipe(source, encodeFrames)) await writeChunk(stream, bytes, signal)
  }
}

/**
 * Frames one at a time, for request and answer. Whoever opened it calls `close` at the end or `abort` in its catch.
 */
export class FrameStream {
  readonly frames: AsyncGenerator<Uint8Array>
  private readonly peer: string

  constructor(
    readonly stream: Stream,
    options: FrameBounds & { readonly peer: string }
  ) {
    this.peer = options.peer
    this.frames = readFrames(stream, options)
  }

  /**
   * The next frame; undefined when the peer has closed its side.
   * @throws TimeoutError, LimitExceededError, MalformedMessageError, ConnectionLostError, the signal's reason
   */
  async read(wait: Wait): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await within(this.frames.next(), wait)
      return done === true ? undefined : value
    } catch (error) {
      throw streamError(error, this.peer)
    }
  }

  /** @throws TimeoutError, ConnectionLostError, the signal's reason */
  async write(frame: Uint8Array, wait: Wait): Promise<void> {
    try {
      await within(writeChunk(this.stream, encode.single(frame)), wait)
    } catch (error) {
      throw streamError(error, this.peer)
    }
  }

  /** No more frames from this side; resolves when all is handed over. */
  async closeWrite(wait: Wait): Promise<void> {
    try {
      await within(this.stream.close(), wait)
    } catch (error) {
      throw streamError(error, this.peer)
    }
  }

  /** Resets the stream; reads and writes under way end with an error. */
  abort(error: unknown): void {
    this.stream.abort(streamError(error, this.peer))
  }
}

/**
 * Ends a stream on good terms: closes this side, waits for the peer to close its own, and resets when it does not in time.
 * It never throws: what matters has been said before.
 */
export async function closeStream(stream: Stream, milliseconds: number): Promise<void> {
  const wait = { what: 'closing a stream', milliseconds }
  try {
    await within(stream.close(), wait)
    await within(drained(stream), wait)
  } catch (error) {
    stream.abort(streamError(error, 'that closes'))
  }
}

async function drained(stream: Stream): Promise<void> {
  for await (const _ of readChunks(stream)) {
    // Whatever comes after the end of the exchange is not looked at.
  }
}
