/** The answering side of a fetch stream: one request, one answer, at a bounded number of streams. */
import type { Connection, Stream } from '@libp2p/interface'
import type { Counters } from '../../counters.js'
import { isPeerError, LimitExceededError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import type { ServedAdapter } from '../../wire/generated/fetch.js'
import { closeStream, FrameStream } from '../streams.js'
import { CATALOGUE, type FetchLimits, HEADS, REQUEST_BYTES, STATUS } from './constants.js'
import { decodeRequest, encodeAnnouncements, encodeCatalogue, encodeHeader, type Request } from './messages.js'

/** What a node keeps and hands out. Absent: the kind of request is answered with "not supported". */
export interface FetchSource {
  manifest?(id: Uint8Array): Promise<Uint8Array | undefined>
  bundle?(digest: Uint8Array): Promise<Uint8Array | undefined>
  /** Announcements of a feed from `from` on, ascending, without gaps, at most `count`. */
  feed?(feed: Uint8Array, from: bigint, count: number): Promise<Uint8Array[]>
  /** Latest announcements of the feeds of a topic that are not older than `since` (milliseconds since 1970), at most `most`. */
  heads?(topic: number, since: bigint, most: number): Promise<Uint8Array[]>
  /** What this node serves, for one base model or all. */
  catalogue?(base: Uint8Array | null): Promise<ServedAdapter[]>
}

/** What was answered: requests by kind and status, streams now open. */
export interface FetchCounters {
  answered: Record<string, number>
  bytes: number
  open: number
}

/** A stream that has a place. */
interface Place {
  readonly peer: string
  /** When its peer last took something; milliseconds. */
  at: number
  giveUp(error: Error): void
}

type Answer = { readonly header: Uint8Array; readonly frames: readonly Uint8Array[]; readonly status: number }

const refuse = (status: number): Answer => ({ header: encodeHeader(status), frames: [], status })

export class FetchHandler {
  readonly counters: FetchCounters = { answered: {}, bytes: 0, open: 0 }
  private readonly placesOf = new Map<string, Set<Place>>()

  constructor(
    private readonly source: FetchSource,
    private readonly limits: FetchLimits,
    private readonly node?: Counters
  ) {}

  /** Answers one stream. It never throws: a peer that cannot be answered gets a reset. */
  async handle(stream: Stream, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    const own = this.placesOf.get(peer)?.size ?? 0
    if (own >= this.limits.perPeer || (this.counters.open >= this.limits.all && !this.makeRoom(own))) {
      // Not counted as open itself (libp2p bounds the streams of a connection), or a peer could keep all others out with these.
      this.count('any', STATUS.busy)
      this.node?.limits.add(own >= this.limits.perPeer ? 'fetchesPerPeer' : 'fetches')
      await this.exchange(stream, peer, () => Promise.resolve(refuse(STATUS.busy)))
      return
    }
    const place: Place = { peer, at: Date.now(), giveUp: error => stream.abort(error) }
    this.take(place)
    await this.exchange(
      stream,
      peer,
      frames => this.answer(frames),
      () => (place.at = Date.now())
    )
    this.leave(place)
  }

  private take(place: Place): void {
    const places = this.placesOf.get(place.peer) ?? new Set()
    this.placesOf.set(place.peer, places.add(place))
    this.counters.open++
  }

  private leave(place: Place): void {
    const places = this.placesOf.get(place.peer)
    if (places?.delete(place) !== true) return
    if (places.size === 0) this.placesOf.delete(place.peer)
    this.counters.open--
  }

  /**
   * When all places are taken: the peer with most of them gives up the one that has waited longest for it, when it has at least two more
   * than who comes; else whoever has taken nothing for long.
   * @param own places of who comes
   */
  private makeRoom(own: number): boolean {
    let most: Set<Place> = new Set()
    for (const places of this.placesOf.values()) if (places.size > most.size) most = places
    const all = most.size >= own + 2 ? most : [...this.placesOf.values()].flatMap(places => [...places])
    const [oldest] = [...all].sort((one, other) => one.at - other.at)
    if (oldest === undefined || (all !== most && Date.now() - oldest.at < this.limits.rateWindow)) return false
    this.node?.limits.add('fetches')
    this.leave(oldest)
    oldest.giveUp(new LimitExceededError('streams of fetch', this.limits.all + 1, this.limits.all))
    return true
  }

  private async exchange(
    stream: Stream,
    peer: string,
    answer: (frames: FrameStream) => Promise<Answer>,
    onTaken: () => void = () => {}
  ): Promise<void> {
    const frames = new FrameStream(stream, { peer, maxBytes: REQUEST_BYTES })
    try {
      await this.send(frames, await answer(frames), onTaken)
      await closeStream(stream, this.limits.answerTime)
    } catch (error) {
      this.node?.hit(error)
      frames.abort(error)
    }
  }

  private async answer(frames: FrameStream): Promise<Answer> {
    const bytes = await frames.read({ what: 'a fetch request', milliseconds: this.limits.answerTime, timeout: 'open' })
    let request: Request
    try {
      request = decodeRequest(bytes ?? new Uint8Array(0))
    } catch (error) {
      if (!isPeerError(error)) throw error
      this.node?.hit(error)
      this.count('malformed', STATUS.malformed)
      return refuse(STATUS.malformed)
    }
    const answer = (await this.find(request)) ?? refuse(STATUS.notSupported)
    this.count(request.kind, answer.status)
    return answer
  }

  /** Undefined: this node does not answer such requests. */
  private async find(request: Request): Promise<Answer | undefined> {
    switch (request.kind) {
      case 'manifest':
      case 'bundle': {
        const find = request.kind === 'manifest' ? this.source.manifest : this.source.bundle
        if (find === undefined) return undefined
        const bytes = await find.call(this.source, request.digest)
        return bytes === undefined ? refuse(STATUS.notHere) : pieces(bytes, request.offset)
      }
      case 'feed':
        return list(await this.source.feed?.(request.feed, request.from, request.count), encodeAnnouncements)
      case 'heads':
        return list(await this.source.heads?.(request.topic, request.since, HEADS), encodeAnnouncements)
      case 'adapters':
        return list((await this.source.catalogue?.(request.base))?.slice(0, CATALOGUE), encodeCatalogue)
    }
  }

  private async send(frames: FrameStream, answer: Answer, onTaken: () => void): Promise<void> {
    const ends = Date.now() + this.limits.transferTime
    for (const frame of [answer.header, ...answer.frames]) {
      await frames.write(frame, { what: 'sending an answer', milliseconds: Math.max(0, ends - Date.now()), timeout: 'fetch' })
      this.counters.bytes += frame.length
      onTaken()
    }
  }

  private count(kind: string, status: number): void {
    const key = `${kind} ${status}`
    this.counters.answered[key] = (this.counters.answered[key] ?? 0) + 1
  }
}

function pieces(bytes: Uint8Array, offset: number): Answer {
  if (offset > bytes.length) return refuse(STATUS.beyondEnd)
  const frames: Uint8Array[] = []
  for (let at = offset; at < bytes.length; at += NET_LIMITS.fetchPieceBytes) {
    frames.push(bytes.subarray(at, Math.min(at + NET_LIMITS.fetchPieceBytes, bytes.length)))
  }
  return { header: encodeHeader(STATUS.found, bytes.length), frames, status: STATUS.found }
}

function list<T>(items: T[] | undefined, encode: (items: T[]) => Uint8Array): Answer | undefined {
  if (items === undefined) return undefined
  if (items.length === 0) return refuse(STATUS.notHere)
  const frame = encode(items)
  return { header: encodeHeader(STATUS.found), frames: [frame], status: STATUS.found }
}
