/** The asking side: one request on one stream of one peer, every wait bounded, every length checked before its bytes are taken. */
import type { PeerId, Stream } from '@libp2p/interface'
import { atLimit } from '../../counters.js'
import { MalformedMessageError, NotFoundError, ProtocolViolationError, RefusedError, TimeoutError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import { joinSignals, withSignals } from '../../signals.js'
import type { StreamOpener } from '../components.js'
import { FrameStream, openError, type Wait } from '../streams.js'
import { FETCH_PROTOCOL, type FetchLimits, STATUS, STATUS_WORDS } from './constants.js'
import type { Incoming } from './incoming.js'
import { decodeHeader, encodeRequest, type Request } from './messages.js'
import { timeLimit } from '../time-limit.js'
import { unsupported, type VersionComponents } from '../versions.js'

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  /** Told of the bytes of a manifest or bundle as they come. */
  readonly onProgress?: ((progress: { received: number; length: number }) => void) | undefined
}

/** Opens fetch streams to peers. */
export interface Opener {
  readonly components: VersionComponents & { readonly connectionManager: StreamOpener }
  readonly limits: FetchLimits
}

/** For what a holder answers at once. */
const waitFor = (what: string, milliseconds: number, signal: AbortSignal | undefined): Wait => ({
  what,
  milliseconds,
  signal,
  timeout: 'open'
})

/**
 * Sends a request and reads the header.
 * @throws NotFoundError (status 1), RefusedError (other statuses), the four errors of peers, TimeoutError, ConnectionLostError
 */
async function ask(opener: Opener, peer: PeerId, request: Request, options: AskOptions): Promise<{ frames: FrameStream; length: number }> {
  const { limits } = opener
  const name = peer.toString()
  const timeout = timeLimit(limits.answerTime)
  let stream: Stream
  try {
    stream = await withSignals([options.signal, timeout], signal =>
      opener.components.connectionManager.openStream(peer, FETCH_PROTOCOL, { signal })
    )
  } catch (error) {
    options.signal?.throwIfAborted()
    if (timeout.aborted) throw atLimit('open', new TimeoutError(`opening a fetch stream to peer ${name}`, limits.answerTime))
    if ((error as Error).name !== 'UnsupportedProtocolError') throw openError(error, name)
    throw (await unsupported(opener.components, peer, { protocol: FETCH_PROTOCOL, cause: error })).error
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
  const { signal, part } = joinSignals(options.signal, rate.signal)
  try {
    partial.begin(length, most)
    while (!partial.whole) {
      const left = Math.max(0, began + limits.transferTime - Date.now())
      partial.take(await frames.read({ what: `a ${kind} from peer ${peer}`, milliseconds: left, signal, timeout: 'fetch' }))
      options.onProgress?.({ received: partial.received, length })
    }
    const more = await frames.read(waitFor(`the end of a ${kind}`, limits.answerTime, signal))
    if (more !== undefined) partial.take(more)
  } catch (error) {
    frames.abort(error)
    throw error
  } finally {
    rate.stop()
    part()
  }
}

/**
 * The beginning of a manifest, to see how fast it comes; the bytes are thrown away.
 * @returns bytes that came (at most one piece), and milliseconds from the request to the last of them, one round trip among them
 */
export async function askRate(
  opener: Opener,
  peer: PeerId,
  digest: Uint8Array,
  options: AskOptions
): Promise<{ bytes: number; elapsed: number }> {
  const began = performance.now()
  const { frames, length } = await ask(opener, peer, { kind: 'manifest', digest, offset: 0 }, options)
  try {
    let bytes = 0
    while (bytes < Math.min(length, NET_LIMITS.fetchPieceBytes)) {
      const left = Math.max(0, began + opener.limits.answerTime - performance.now())
      const piece = await frames.read(waitFor(`the beginning of a manifest of peer ${peer}`, left, options.signal))
      if (piece === undefined || piece.length === 0)
        throw new MalformedMessageError(`peer ${peer} ended a manifest after ${bytes} of ${length} bytes`)
      bytes += piece.length
    }
    return { bytes, elapsed: performance.now() - began }
  } finally {
    frames.abort(new Error('no more is needed'))
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
      if (this.bytes < least) {
        const slow = new TimeoutError(`a transfer of ${this.bytes} bytes, at least ${least} are wanted,`, rateWindow)
        this.controller.abort(atLimit('fetchBytesPerSecond', slow))
      }
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
