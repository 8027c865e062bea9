/**
 * Manifests and bundles by digest, feeds by index, what a contributor serves: `/zklora/fetch/1.0.0` (protocols/fetch), as a
 * libp2p service that answers from a source and asks others.
 *
 *     const node = await createNetNode(init, { fetch: fetchService({ source: store }) })
 *     const { bytes, holder } = await node.services.fetch.bundle([peer], digest, { length })
 */
import type { ComponentLogger, Connection, Logger, PeerId, Startable, Stream } from '@libp2p/interface'
import { toHex } from '../../bytes.js'
import type { Counters } from '../../counters.js'
import { ConnectionLostError, isPeerError, NotFoundError } from '../../errors.js'
import type { ServedAdapter } from '../../wire/generated/fetch.js'
import type { FeedAnnouncement } from '../../store/feed.js'
import type { Registrar, StreamOpener } from '../components.js'
import { SignatureChecks } from '../announce/checks.js'
import { askBytes, askList, askRate, type AskOptions, type Opener } from './client.js'
import { FETCH_LIMITS, FETCH_PROTOCOL, type FetchLimits } from './constants.js'
import { type FetchCounters, FetchHandler, type FetchSource } from './handler.js'
import { Incoming } from './incoming.js'
import type { VersionComponents } from '../versions.js'
import { readCatalogue, readFeed, readHeads } from './lists.js'
import type { Request } from './messages.js'

export { FETCH_PROTOCOL, type FetchLimits } from './constants.js'
export type { FetchCounters, FetchSource } from './handler.js'

export interface FetchInit {
  source: FetchSource
  /** Lower bounds than the protocol's. */
  limits?: { -readonly [K in keyof FetchLimits]?: FetchLimits[K] | undefined } | undefined
  /** Shared with who else checks signatures; default: its own. */
  checks?: SignatureChecks | undefined
  /** Of the node. */
  counters?: Counters | undefined
  /** Told of each holder whose bytes were wrong. */
  onBlame?: ((peer: PeerId, error: Error) => void) | undefined
}

export interface FetchComponents extends VersionComponents {
  registrar: Registrar
  connectionManager: StreamOpener
  logger: ComponentLogger
}

/** Bytes that are what was asked for, and from whom they came. */
export interface Fetched {
  readonly bytes: Uint8Array
  readonly holder: PeerId
}

/** Streams that libp2p lets one connection open: above `perPeer`, so that "busy" can be said. */
const STREAMS_OF_A_CONNECTION = 32
/** Peers whose wrong bytes are remembered. */
const BLAMED = 1024

export class FetchService implements Startable {
  readonly limits: FetchLimits
  private readonly handler: FetchHandler
  private readonly opener: Opener
  private readonly log: Logger
  private readonly checks: SignatureChecks
  /** Times that a peer's bytes were wrong; the oldest goes first. */
  private readonly blamed = new Map<string, number>()
  private started = false

  constructor(
    private readonly components: FetchComponents,
    private readonly init: FetchInit
  ) {
    const overrides = Object.entries(init.limits ?? {}).filter(([, value]) => value !== undefined)
    this.limits = { ...FETCH_LIMITS, ...Object.fromEntries(overrides) }
    this.handler = new FetchHandler(init.source, this.limits, init.counters)
    this.opener = { components, limits: this.limits }
    this.checks = init.checks ?? new SignatureChecks()
    this.log = components.logger.forComponent('zklora:fetch')
  }

  readonly [Symbol.toStringTag] = 'zklora/fetch'

  get counters(): FetchCounters {
    return this.handler.counters
  }

  isStarted(): boolean {
    return this.started
  }

  async start(): Promise<void> {
    const handle = (stream: Stream, connection: Connection): Promise<void> => this.handler.handle(stream, connection)
    await this.components.registrar.handle(FETCH_PROTOCOL, handle, { maxInboundStreams: STREAMS_OF_A_CONNECTION })
    this.started = true
  }

  async stop(): Promise<void> {
    await this.components.registrar.unhandle(FETCH_PROTOCOL)
    this.started = false
  }

  /**
   * The manifest of an adapter, whose identifier fits; its contents are not verified.
   * @param holders tried in this order, at most three
   * @throws NotFoundError when nobody has it, otherwise the last holder's error
   */
  manifest(holders: Iterable<PeerId>, id: Uint8Array, options: AskOptions = {}): Promise<Fetched> {
    return this.bytes(holders, { kind: 'manifest', digest: id, most: this.limits.manifestBytes }, options)
  }

  /**
   * A bundle whose digest fits; it is not verified.
   * @param options.length bytes as announced; a holder with another length is refused
   */
  bundle(holders: Iterable<PeerId>, digest: Uint8Array, options: AskOptions & { length?: number | undefined } = {}): Promise<Fetched> {
    return this.bytes(holders, { kind: 'bundle', digest, most: options.length ?? this.limits.bundleBytes }, options)
  }

  /**
   * Announcements of a feed, in order, without gaps, with their hash chain and signatures checked. None: the peer has none.
   * @throws InvalidProofError step `announcement`, MalformedMessageError
   */
  async feed(
    peer: PeerId,
    feed: Uint8Array,
    { from, count }: { from: bigint; count: number },
    options: AskOptions = {}
  ): Promise<FeedAnnouncement[]> {
    const frame = await this.list(peer, { kind: 'feed', feed, from, count }, options)
    if (frame === undefined) return []
    return this.blaming(peer, async () => {
      const range = readFeed(frame, { feed, from, count })
      await this.checks.all(range, options.signal)
      return range
    })
  }

  /**
   * The latest announcement of each feed of a topic, signatures checked, at most 256.
   * @param options.isWanted those that it says no to are left out, unchecked
   */
  async heads(
    peer: PeerId,
    topic: number,
    since: bigint,
    options: AskOptions & { isWanted?: (read: FeedAnnouncement) => Promise<boolean> } = {}
  ): Promise<FeedAnnouncement[]> {
    const frame = await this.list(peer, { kind: 'heads', topic, since }, options)
    if (frame === undefined) return []
    return this.blaming(peer, async () => {
      const heads: FeedAnnouncement[] = []
      for (const read of readHeads(frame, { topic, since })) if ((await options.isWanted?.(read)) !== false) heads.push(read)
      await this.checks.all(heads, options.signal)
      return heads
    })
  }

  /** What a contributor serves; none for others. */
  async adapters(peer: PeerId, base: Uint8Array | null, options: AskOptions = {}): Promise<ServedAdapter[]> {
    const frame = await this.list(peer, { kind: 'adapters', base }, options)
    if (frame === undefined) return []
    return this.blaming(peer, () => readCatalogue(frame, base))
  }

  /**
   * How fast a peer sends: the first piece of a manifest that it has.
   * @returns bytes, and milliseconds from the request on, one round trip among them
   */
  rate(peer: PeerId, manifest: Uint8Array, options: AskOptions = {}): Promise<{ bytes: number; elapsed: number }> {
    return this.blaming(peer, () => askRate(this.opener, peer, manifest, options))
  }

  /** Times that this peer's bytes were wrong. */
  blames(peer: PeerId): number {
    return this.blamed.get(peer.toString()) ?? 0
  }

  private async list(peer: PeerId, request: Request, options: AskOptions): Promise<Uint8Array | undefined> {
    try {
      return await askList(this.opener, peer, request, options)
    } catch (error) {
      this.init.counters?.hit(error)
      throw error
    }
  }

  private async bytes(
    holders: Iterable<PeerId>,
    what: { kind: 'manifest' | 'bundle'; digest: Uint8Array; most: number },
    options: AskOptions
  ): Promise<Fetched> {
    let last: Error | undefined
    const tried = new Set<string>()
    for (const holder of holders) {
      if (tried.has(holder.toString())) continue
      if (tried.size >= this.limits.holders) {
        this.init.counters?.limits.add('fetchHolders')
        break
      }
      tried.add(holder.toString())
      try {
        return { bytes: await this.transfer(holder, what, options), holder }
      } catch (error) {
        options.signal?.throwIfAborted()
        this.log('%s %s not from %p: %s', what.kind, toHex(what.digest), holder, (error as Error).message)
        // What was wrong tells more than who did not have it.
        if (last === undefined || last instanceof NotFoundError) last = error as Error
      }
    }
    throw last ?? new NotFoundError(`nobody is known to hold ${what.kind} ${toHex(what.digest)}`)
  }

  /** From one holder, resumed with the same when the connection breaks and something had come. */
  private async transfer(
    peer: PeerId,
    what: { kind: 'manifest' | 'bundle'; digest: Uint8Array; most: number },
    options: AskOptions
  ): Promise<Uint8Array> {
    const partial = new Incoming(what.kind, what.digest, `peer ${peer}`)
    for (let attempt = 0; ; attempt++) {
      const before = partial.received
      try {
        await this.blaming(peer, () => askBytes(this.opener, { peer, ...what, partial }, options))
        break
      } catch (error) {
        if (!(error instanceof ConnectionLostError) || partial.received === before || attempt >= this.limits.resumes) throw error
      }
    }
    return this.blaming(peer, () => partial.checked())
  }

  /** Remembers and tells whose bytes were wrong. */
  private async blaming<T>(peer: PeerId, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.init.counters?.hit(error)
      if (isPeerError(error)) {
        const name = peer.toString()
        const times = this.blames(peer)
        this.blamed.delete(name)
        this.blamed.set(name, times + 1)
        if (this.blamed.size > BLAMED) this.blamed.delete(this.blamed.keys().next().value!)
        this.init.onBlame?.(peer, error)
      }
      throw error
    }
  }
}

export function fetchService(init: FetchInit): (components: FetchComponents) => FetchService {
  return components => new FetchService(components, init)
}
