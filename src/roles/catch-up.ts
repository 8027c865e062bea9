/**
 * What a verifier missed: heads of feeds from the peers that it meets, and the announcements before them that are not here. Everything
 * goes the way of an announcement that is heard, but for its age: verified before it is believed, within the same bounds for strangers.
 */
import type { IdentifyResult, Logger, PeerId } from '@libp2p/interface'
import { toHex } from '../bytes.js'
import { NET_LIMITS } from '../limits.js'
import { FETCH_PROTOCOL, type Net, TOPICS } from '../net/index.js'
import type { FeedAnnouncement, Store } from '../store/index.js'
import { Gate } from './gate.js'

const HOUR = 60 * 60 * 1000
/** Announcements older than this are not asked for by heads. */
const HEADS_AGE = 7 * 24 * HOUR
/** Peers asked for heads in an hour: each answer may cost a signature check a feed, and what one hides another tells. */
const PEERS_AN_HOUR = 8
/** Announcements of one feed that are filled in at a time, the latest. */
const FEED_MOST = 1024
/** Feeds filled at a time. One after the other within a feed, so that a long one keeps only its own place. */
const FEEDS_AT_ONCE = 2

export interface CatchUpInit {
  readonly net: Pick<Net, 'fetch'> & {
    readonly node: Pick<Net['node'], 'peerId' | 'logger' | 'peerStore' | 'getPeers' | 'addEventListener' | 'removeEventListener'>
  }
  readonly store: { readonly feeds: Pick<Store['feeds'], 'firstMissing' | 'has' | 'isPast'> }
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly signal: AbortSignal
  /** Verifies and keeps; resolves when that is done, whatever came of it. */
  readonly consider: (read: FeedAnnouncement) => Promise<void>
}

export class CatchUp {
  private readonly log: Logger
  private readonly gate = new Gate(FEEDS_AT_ONCE)
  private readonly filling = new Set<string>()
  private readonly working = new Set<Promise<void>>()
  /** Peers asked in the last hour, and when. */
  private readonly asked = new Map<string, number>()

  constructor(private readonly init: CatchUpInit) {
    this.log = init.net.node.logger.forComponent('zklora:catch-up')
  }

  start(): void {
    const { node } = this.init.net
    node.addEventListener('peer:identify', this.onIdentify)
    for (const peer of node.getPeers()) this.track(this.askIfHolder(peer))
  }

  stop(): void {
    this.init.net.node.removeEventListener('peer:identify', this.onIdentify)
  }

  get busy(): boolean {
    return this.working.size > 0
  }

  async idle(): Promise<void> {
    await Promise.all(this.working)
  }

  /** An announcement came whose predecessors may be missing. Returns at once. @param peers who may have them */
  gap({ feed, announcement }: FeedAnnouncement, peers: readonly PeerId[]): void {
    this.track(this.fill(feed, announcement.index, peers))
  }

  private readonly onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    if (detail.protocols.includes(FETCH_PROTOCOL)) this.track(this.ask(detail.peerId))
  }

  /** What fails is about a peer, and leaves things as they were. */
  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.log('not caught up: %s', (error as Error).message))
      .finally(() => this.working.delete(tracked))
    this.working.add(tracked)
  }

  /** A peer that was identified before this started. */
  private async askIfHolder(peer: PeerId): Promise<void> {
    const { protocols } = await this.init.net.node.peerStore.get(peer)
    if (protocols.includes(FETCH_PROTOCOL)) await this.ask(peer)
  }

  private async ask(peer: PeerId): Promise<void> {
    const { net, now, signal } = this.init
    const time = now()
    for (const [name, at] of this.asked) if (time - at > HOUR) this.asked.delete(name)
    if (this.asked.has(peer.toString()) || this.asked.size >= PEERS_AN_HOUR) return
    this.asked.set(peer.toString(), time)
    for (const topic of TOPICS.keys()) {
      signal.throwIfAborted()
      const heads = await net.fetch.heads(peer, topic, BigInt(Math.max(0, time - HEADS_AGE)), { signal })
      for (const head of heads) this.track(this.upTo(head, peer))
    }
  }

  /** A head and what is missing before it: the hash chain that its signature covers is checked as it is put together. */
  private async upTo(head: FeedAnnouncement, peer: PeerId): Promise<void> {
    const { feed, announcement, hash } = head
    const { feeds } = this.init.store
    if (BigInt(this.init.now() + NET_LIMITS.clockSkew) < announcement.time) return
    if ((await feeds.has(feed, announcement.index, hash)) || (await feeds.isPast(head))) return
    await this.gate.run(() => this.init.consider(head))
    if (!(await feeds.has(feed, announcement.index, hash))) return
    await this.fill(feed, announcement.index, [peer])
  }

  private async fill(feed: Uint8Array, before: bigint, peers: readonly PeerId[]): Promise<void> {
    const name = toHex(feed)
    if (this.filling.has(name)) return
    this.filling.add(name)
    try {
      await this.gate.run(() => this.fillFrom(feed, before, peers))
    } finally {
      this.filling.delete(name)
    }
  }

  private async fillFrom(feed: Uint8Array, before: bigint, peers: readonly PeerId[]): Promise<void> {
    const { net, store, signal, consider } = this.init
    let from = await store.feeds.firstMissing(feed, before, FEED_MOST)
    for (const peer of peers.slice(0, NET_LIMITS.fetchHolders)) {
      while (from !== undefined && from < before) {
        signal.throwIfAborted()
        const count = Math.min(NET_LIMITS.feedAnnouncements, Number(before - from))
        const range = await net.fetch.feed(peer, feed, { from, count }, { signal }).catch((error: Error) => {
          this.log('feed %s not from %p: %s', toHex(feed), peer, error.message)
          return []
        })
        if (range.length === 0) break
        for (const read of range) {
          signal.throwIfAborted()
          if (!(await store.feeds.isPast(read))) await consider(read)
        }
        from += BigInt(range.length)
      }
    }
  }
}
