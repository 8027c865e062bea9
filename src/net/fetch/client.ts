/** The asking side: one request on one stream of one peer, every wait bounded, every length checked before its bytes are taken. */
import type { PeerId, Stream } from '@libp2p/interface'
import {
  LimitExceededError,
  MalformedMessageError,
  NotFoundError,
  ProtocolViolationError,
  RefusedError,
  TimeoutError
} from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import type { StreamOpener } from '../components.js'
import { FrameStream, streamError, type Wait } from '../streams.js'
import { FETCH_PROTOCOL, type FetchLimits, STATUS, STATUS_WORDS } from './constants.js'
import { decodeHeader, encodeRequest, type Request } from './messages.js'
import { timeLimit } from '../time-limit.js'

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  /** Told of the bytes of a manifest or bundle as they come. */
  readonly onProgress?: ((progress: { received: number; length: number }) => void) | undefined
}

/** Opens fetch streams to peers. */
export interface Opener {
  readonly connectionManager: StreamOpener
  readonly limits: FetchLimits
}

/** Bytes of one digest as far as they have come; kept over a broken stream. */
export class Incoming {
  received = 0
  /** Of the whole, once a header has told it. */
  length: number | undefined
  /** One array that grows with what comes: millions of pieces of one byte each would take a hundred times their bytes. */
  private room = new Uint8Array(0)

  get bytes(): Uint8Array {
    return this.room.subarray(0, this.received)
  }

  /** A copy: frames are views of larger buffers. */
  append(piece: Uint8Array): void {
    const received = this.received + piece.length
    if (received > this.room.length) {
      const wider = new Uint8Array(Math.max(received, Math.min(2 * this.room.length, this.length ?? received)))
      wider.set(this.bytes)
      this.room = wider
    }
    this.room.set(piece, this.received)
    this.received = received
  }
}

const waitFor = (what: string, milliseconds: number, signal: AbortSignal | undefined): Wait => ({ what, milliseconds, signal })

/**
 * Sends a request and reads the header.
 * @throws NotFoundError (status 1), RefusedError (other statuses), the four errors of peers, TimeoutError, ConnectionLostError
 */
async function ask(opener: Opener, peer: PeerId, request: Request, options: AskOptions): Promise<{ frames: FrameStream; length: number }> {
  const { limits } = opener
  const name = peer.toString()
  const timeout = timeLimit(limits.answerTime)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
  let stream: Stream
  try {
    stream = await opener.connectionManager.openStream(peer, FETCH_PROTOCOL, { signal })
  } catch (error) {
    options.signal?.throwIfAborted()
    if (timeout.aborted) throw new TimeoutError(`opening a fetch stream to peer ${name}`, limits.answerTime)
    throw streamError(error, name)
  }
  const frames = new FrameStream(stream, { peer: name, maxBytes: NET_LIMITS.frameBytes })
  try {
    await frames.write(encodeRequest(request), waitFor(`sending a request to peer ${name}`, limits.answerTime, options.signal))
    await frames.closeWrite(waitFor(`sending a request to peer ${name}`, limits.answerTime, options.signal))
    const bytes = await frames.read(waitFor(`an answer of peer ${name}`, limits.answerTime, options.signal))
    if (bytes === undefined) throw new MalformedMessageError(`peer ${name} closed the stream without an answer`)
    const { status, length } = decodeHeader(bytes)
    if (status === STATUS.found) return { frames, length }
    const what = `peer ${name} ${STATUS_WORDS[status] ?? `answers with status ${status}`}: ${request.kind}`
    throw status === STATUS.notHere ? new NotFoundError(what) : new RefusedError(String(status), what)
  } catch (error) {
    frames.abort(error)
    throw error
  }
}

/**
 * Asks for a list in one frame.
 * @returns undefined when the peer has none
 */
export async function askList(opener: Opener, peer: PeerId, request: Request, options: AskOptions): Promise<Uint8Array | undefined> {
  let asked: { frames: FrameStream }
  try {
    asked = await ask(opener, peer, request, options)
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
  const { frames } = asked
  try {
    const wait = waitFor(`an answer of peer ${peer}`, opener.limits.answerTime, options.signal)
    const frame = await frames.read(wait)
    if (frame === undefined) throw new MalformedMessageError(`peer ${peer} closed the stream before the list that it announced`)
    if ((await frames.read(wait)) !== undefined) throw new ProtocolViolationError(`peer ${peer} sent more than one list`)
    return frame
  } catch (error) {
    frames.abort(error)
    throw error
  }
}

/**
 * Takes the bytes of a digest from where they broke off. What has come stays in `partial` also when this throws.
 * @param most greatest length accepted
 */
export async function askBytes(
  opener: Opener,
  { peer, kind, digest, most, partial }: { peer: PeerId; kind: 'manifest' | 'bundle'; digest: Uint8Array; most: number; partial: Incoming },
  options: AskOptions
): Promise<void> {
  const { limits } = opener
  const began = Date.now()
  const { frames, length } = await ask(opener, peer, { kind, digest, offset: partial.received }, options)
  const rate = new RateFloor(frames.stream, limits)
  const signal = options.signal === undefined ? rate.signal : AbortSignal.any([options.signal, rate.signal])
  try {
    if (length > most) throw new LimitExceededError(`bytes of a ${kind} at peer ${peer}`, length, most)
    if (partial.length !== undefined && partial.length !== length) {
      throw new ProtocolViolationError(`peer ${peer} says that a ${kind} has ${length} bytes, before it were ${partial.length}`)
    }
    partial.length = length
    while (partial.received < length) {
      const left = Math.max(0, began + limits.transferTime - Date.now())
      const piece = await frames.read(waitFor(`a ${kind} from peer ${peer}`, left, signal))
      if (piece === undefined)
        throw new MalformedMessageError(`peer ${peer} closed the stream after ${partial.received} of ${length} bytes`)
      if (piece.length < 1 || piece.length > NET_LIMITS.fetchPieceBytes) {
        throw new MalformedMessageError(
          `peer ${peer} sent a piece of ${piece.length} bytes, 1 to ${NET_LIMITS.fetchPieceBytes} are allowed`
        )
      }
      if (partial.received + piece.length > length)
        throw new MalformedMessageError(`peer ${peer} sent more than the ${length} bytes announced`)
      partial.append(piece)
      options.onProgress?.({ received: partial.received, length })
    }
    if ((await frames.read(waitFor(`the end of a ${kind}`, limits.answerTime, signal))) !== undefined) {
      throw new MalformedMessageError(`peer ${peer} sent more than the ${length} bytes announced`)
    }
  } catch (error) {
    frames.abort(error)
    throw error
  } finally {
    rate.stop()
  }
}

/** Aborts a transfer that falls below the least rate, counted in the bytes that arrive, not in whole frames. */
class RateFloor {
  private readonly controller = new AbortController()
  private readonly timer: ReturnType<typeof setInterval>
  private bytes = 0
  private readonly onMessage = (event: { data: { byteLength: number } }): void => {
    this.bytes += event.data.byteLength
  }

  constructor(
    private readonly stream: Stream,
    { bytesPerSecond, rateWindow }: FetchLimits
  ) {
    stream.addEventListener('message', this.onMessage)
    const least = (bytesPerSecond * rateWindow) / 1000
    this.timer = setInterval(() => {
      if (this.bytes < least)
        this.controller.abort(new TimeoutError(`a transfer of ${this.bytes} bytes, at least ${least} are wanted,`, rateWindow))
      this.bytes = 0
    }, rateWindow)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  stop(): void {
    clearInterval(this.timer)
    this.stream.removeEventListener('message', this.onMessage)
  }
}
