/**
 * Who serves what: provider records of the DHT, kept up while they are true, and lookups whose hits count only when the peer
 * answers (protocols/announce, DHT).
 */
import type { ContentRouting, Libp2pEvents, Logger, PeerId, PeerInfo, Startable, TypedEventTarget } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import type { CID } from 'multiformats/cid'
import { equal } from '../bytes.js'
import type { Counters } from '../counters.js'
import { NET_LIMITS, TIMEOUTS } from '../limits.js'
import { joinSignals, withSignals } from '../signals.js'
import type { ServedAdapter } from '../wire/generated/fetch.js'
import type { FetchService } from './fetch/index.js'
import { adapterKey, roleKey, topicKey } from './provider-records.js'
import { isTimeout, timeLimit } from './time-limit.js'

/** What discovery needs of a node. */
export interface DiscoveryNode extends Pick<TypedEventTarget<Libp2pEvents>, 'addEventListener' | 'removeEventListener'> {
  readonly peerId: PeerId
  readonly contentRouting: ContentRouting
  readonly services: { readonly dht: KadDHT; readonly fetch: FetchService }
  readonly logger: { forComponent(name: string): Logger }
  dial(peer: PeerId, options?: { signal?: AbortSignal }): Promise<unknown>
  getPeers(): PeerId[]
}

export interface LookupOptions {
  readonly signal?: AbortSignal | undefined
  /** Providers asked at most; milliseconds for the lookup, and as long again for their answers. */
  readonly providers?: number | undefined
  readonly milliseconds?: number | undefined
}

/** A contributor that answered. */
export interface Contributor {
  readonly peer: PeerId
  readonly adapters: readonly ServedAdapter[]
}

export interface Lookup {
  readonly found: Contributor[]
  /** Providers asked, and those of them that answered. */
  tried: number
  answered: number
  /** Milliseconds. */
  elapsed: number
}

/**
 * Records provided at a time: those of all topics, a base model and some adapters. Each waits for the first peer of the DHT, who may
 * never come where only dialling nodes are met; none may keep the others from this node's own records meanwhile.
 */
const PROVIDES_AT_ONCE = 64
/** The work that is no record. */
const LOOKING = 'verifiers of topics'
/** Verifiers of a topic that a node connects to. */
const TOPIC_PEERS = 6

export class Discovery implements Startable {
  private readonly wanted = new Map<string, CID>()
  private readonly controller = new AbortController()
  private readonly log: Logger
  private readonly working = new Map<string, Promise<void>>()
  /** Keys to provide (again). */
  private readonly due = new Set<string>()
  /** Topics of which no verifier has been reached yet. */
  private readonly lonely = new Set<string>()
  private lookAround = false
  private started = false

  /** @param provideTime milliseconds for one record */
  constructor(
    private readonly node: DiscoveryNode,
    private readonly provideTime: number = TIMEOUTS.provide,
    private readonly counters?: Counters
  ) {
    this.log = node.logger.forComponent('zklora:discovery')
  }

  isStarted(): boolean {
    return this.started
  }

  start(): void {
    this.started = true
    this.node.addEventListener('peer:identify', this.onPeer)
  }

  /** Records are not renewed any more; those out there end by themselves. */
  async stop(): Promise<void> {
    this.started = false
    this.node.removeEventListener('peer:identify', this.onPeer)
    this.controller.abort()
    await Promise.all(this.working.values())
  }

  /** Keeps a record: now, again when peers come, and every 12 hours (by kad-dht, see node.ts). Returns at once. */
  provide(key: CID): void {
    const name = key.toString()
    if (this.wanted.has(name)) return
    this.wanted.set(name, key)
    this.due.add(name)
    this.run()
  }

  /** Ends a record: it is not renewed, and this node does not answer with it. */
  async withdraw(key: CID): Promise<void> {
    this.wanted.delete(key.toString())
    this.due.delete(key.toString())
    await this.node.services.dht.cancelReprovide(key)
  }

  /** Resolves when every record wanted so far has been provided once, or has failed. */
  async settled(): Promise<void> {
    while (this.working.size > 0) await Promise.all(this.working.values())
  }

  /**
   * Providers of a key as the DHT names them, without this node, in random order.
   * @returns what came until the number, the time or the lookup ended
   */
  async providers(key: CID, options: LookupOptions = {}): Promise<PeerInfo[]> {
    const { providers = NET_LIMITS.providers, milliseconds = TIMEOUTS.lookup } = options
    const found: PeerInfo[] = []
    options.signal?.throwIfAborted()
    const time = timeLimit(milliseconds)
    const { signal, part } = joinSignals(this.controller.signal, time, options.signal)
    try {
      for await (const peer of this.node.contentRouting.findProviders(key, { signal })) {
        if (!peer.id.equals(this.node.peerId)) found.push(peer)
        if (found.length < providers) continue
        // Whoever asks for fewer got what it wanted.
        if (options.providers === undefined) this.counters?.limits.add('providers')
        break
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      this.log('lookup of %c ended: %s', key, (error as Error).message)
    } finally {
      part()
    }
    if (time.aborted) this.counters?.timeouts.add('lookup')
    return shuffled(found)
  }

  /** Contributors for a base model that answer, with what they serve for it. */
  async findContributors(base: Uint8Array, options: LookupOptions = {}): Promise<Lookup> {
    return this.find(roleKey('contributor', base), base, () => true, options)
  }

  /** Contributors that serve an adapter, and answer. */
  async findAdapter(adapter: Uint8Array, options: LookupOptions = {}): Promise<Lookup> {
    return this.find(adapterKey(adapter), null, served => equal(served.adapter, adapter), options)
  }

  /** Who serves an adapter, or keeps its manifest and bundles. */
  async holders(adapter: Uint8Array, options: LookupOptions = {}): Promise<PeerId[]> {
    return (await this.providers(adapterKey(adapter), options)).map(({ id }) => id)
  }

  /** Connects to verifiers of topics, now and again when peers come, until each topic has one. Returns at once. */
  joinTopics(topics: Iterable<string>): void {
    for (const topic of topics) this.lonely.add(topic)
    this.lookAround = true
    this.run()
  }

  /** Connects to verifiers of a gossip topic. @returns those that could be reached */
  async joinTopic(topic: string, options: LookupOptions = {}): Promise<PeerId[]> {
    const peers = await this.providers(topicKey(topic), { providers: TOPIC_PEERS, ...options })
    const joined: PeerId[] = []
    await inParallel(peers, async ({ id }) => {
      try {
        await withSignals([this.controller.signal, timeLimit(TIMEOUTS.dial), options.signal], signal => this.node.dial(id, { signal }))
        joined.push(id)
      } catch (error) {
        if (isTimeout(error)) this.counters?.timeouts.add('dial')
        this.log('verifier %p is not reached: %s', id, (error as Error).message)
      }
    })
    return joined
  }

  private async find(
    key: CID,
    base: Uint8Array | null,
    wanted: (adapter: ServedAdapter) => boolean,
    options: LookupOptions
  ): Promise<Lookup> {
    const began = Date.now()
    const lookup: Lookup = { found: [], tried: 0, answered: 0, elapsed: 0 }
    const providers = await this.providers(key, options)
    const time = timeLimit(options.milliseconds ?? TIMEOUTS.lookup)
    await withSignals([this.controller.signal, time, options.signal], signal =>
      inParallel(providers, async ({ id }) => {
        lookup.tried++
        try {
          const adapters = (await this.node.services.fetch.adapters(id, base, { signal })).filter(wanted)
          lookup.answered++
          if (adapters.length > 0) lookup.found.push({ peer: id, adapters })
        } catch (error) {
          this.log('provider %p does not answer: %s', id, (error as Error).message)
        }
      })
    )
    options.signal?.throwIfAborted()
    if (time.aborted) this.counters?.timeouts.add('lookup')
    lookup.elapsed = Date.now() - began
    return lookup
  }

  /** A new peer may be nearer to our keys than those who have them. */
  private readonly onPeer = (): void => {
    for (const name of this.wanted.keys()) this.due.add(name)
    this.lookAround = true
    this.run()
  }

  /** Starts what is due and not under way. */
  private run(): void {
    if (!this.started) return
    for (const name of this.due) {
      if (this.working.size >= PROVIDES_AT_ONCE) break
      if (this.working.has(name)) continue
      this.due.delete(name)
      this.work(name, this.provideNow(this.wanted.get(name)!))
    }
    if (this.lookAround && this.lonely.size > 0 && !this.working.has(LOOKING)) {
      this.lookAround = false
      this.work(LOOKING, this.joinLonely())
    }
  }

  private work(name: string, work: Promise<void>): void {
    const working = work.finally(() => {
      this.working.delete(name)
      this.run()
    })
    this.working.set(name, working)
  }

  private async joinLonely(): Promise<void> {
    await inParallel([...this.lonely], async topic => {
      if ((await this.joinTopic(topic)).length > 0) this.lonely.delete(topic)
    })
  }

  /** In this node's own records at once, whether there are peers or not: whoever asks this node finds it. */
  private async provideNow(key: CID): Promise<void> {
    if (this.controller.signal.aborted) return
    const time = timeLimit(this.provideTime)
    try {
      // Always with a signal: with an empty routing table this waits for the first peer.
      await withSignals([this.controller.signal, time], signal => this.node.contentRouting.provide(key, { signal }))
    } catch (error) {
      if (time.aborted) this.counters?.timeouts.add('provide')
      this.log('could not provide %c: %s', key, (error as Error).message)
    }
  }
}

async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce: number = NET_LIMITS.providersAtOnce
): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

function shuffled<T>(items: T[]): T[] {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}
