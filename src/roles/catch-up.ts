/**
 * What a verifier missed: heads of feeds from the peers that it meets, and the announcements before them that are not here. Everything
 * goes the way of an announcement that is heard, but for its age: verified before it is believed, within the same bounds for strangers.
 */
import type { IdentifyResult, Logger, PeerId } from '@libp2p/interface'
import { toHex } from '../bytes.js'
import type { Counters, LimitName } from '../counters.js'
import { NET_LIMITS } from '../limits.js'
import { FETCH_PROTOCOL, type Net, TOPICS } from '../net/index.js'
import type { FeedAnnouncement, Store } from '../store/index.js'
import { announcedOwner } from '../wire/announcement.js'
import { Turns } from './turns.js'

const HOUR = 60 * 60 * 1000
/** Announcements older than this are not asked for by heads. */
const HEADS_AGE = 7 * 24 * HOUR
/** Announcements of a feed that are fetched and looked at in one turn, and milliseconds after which the turn is over: bundles that nobody has take long. */
const TURN = 16
const TURN_TIME = 30 * 1000
/** An announcement with the one before it and the one after. */
const NEIGHBOURS = 3
/** Turns at a time, of adapters whose manifest is here and of others. */
const AT_ONCE = 4
const STRANGERS_AT_ONCE = 1

export interface CatchUpInit {
  readonly net: Pick<Net, 'fetch'> & {
    readonly node: Pick<Net['node'], 'peerId' | 'logger' | 'peerStore' | 'getPeers' | 'addEventListener' | 'removeEventListener'>
  }
  readonly store: { readonly feeds: Pick<Store['feeds'], 'firstMissing' | 'has' | 'isPast'> }
  /** Topics whose heads are asked for; default: all. */
  readonly topics?: readonly string[] | undefined
  /** True when an adapter's manifest is here. */
  readonly isKnown: (adapter: Uint8Array) => Promise<boolean>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly signal: AbortSignal
  /** Of the node. */
  readonly counters?: Counters | undefined
  /** Verifies and keeps; resolves when that is done, whatever came of it. */
  readonly consider: (read: FeedAnnouncement, from: PeerId) => Promise<void>
  /** An announcement, signed by its feed's key, that may be of another story than what is kept. */
  readonly onStory?: ((read: FeedAnnouncement) => void) | undefined
}

/** Names for a while, within a bound. */
class Recent {
  private readonly times = new Map<string, number>()

  has(name: string): boolean {
    for (const [other, at] of this.times) {
      if (performance.now() - at < NET_LIMITS.catchUpPause && this.times.size <= NET_LIMITS.catchUpFeeds) break
      this.times.delete(other)
    }
    return this.times.has(name)
  }

  add(name: string): void {
    this.times.delete(name)
    this.times.set(name, performance.now())
  }
}

export class CatchUp {
  private readonly log: Logger
  private readonly known = new Turns(AT_ONCE)
  private readonly strangers = new Turns(STRANGERS_AT_ONCE)
  /** Feeds that wait or are filled. */
  private readonly filling = new Set<string>()
  private readonly owners = new Map<string, { feeds: number }>()
  private readonly working = new Set<Promise<void>>()
  /** Feeds with a hole that nobody filled. */
  private readonly holes = new Recent()
  /** Feeds of which another story was asked for. */
  private readonly told = new Recent()
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
  gap(read: FeedAnnouncement, peers: readonly PeerId[]): void {
    if (this.holes.has(toHex(read.feed))) return this.hit('catchUpPause')
    this.follow(read, owner => this.fill(read, owner, peers))
  }

  /**
   * An announcement does not fit what is kept. When its neighbours do not, the feed's key has signed another one in a neighbour's place,
   * which is evidence once it is here: who told of the one is asked for the others, once a minute of a feed. Returns at once.
   */
  stories(read: FeedAnnouncement, peers: readonly PeerId[]): void {
    const name = toHex(read.feed)
    if (this.told.has(name)) return this.hit('catchUpPause')
    if (this.known.queued >= NET_LIMITS.catchUpFeeds) return this.hit('catchUpFeeds')
    this.told.add(name)
    this.track(this.known.run({}, 1, () => this.askStories(read, peers)))
  }

  private async askStories({ feed, announcement: { index } }: FeedAnnouncement, peers: readonly PeerId[]): Promise<void> {
    const { net, signal, onStory } = this.init
    const from = index > 0n ? index - 1n : 0n
    for (const peer of peers.slice(0, NET_LIMITS.fetchHolders)) {
      signal.throwIfAborted()
      const range = await net.fetch.feed(peer, feed, { from, count: NEIGHBOURS }, { signal }).catch(() => [])
      for (const other of range) onStory?.(other)
    }
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
    if (this.asked.has(peer.toString())) return
    if (this.asked.size >= NET_LIMITS.catchUpPeersPerHour) return this.hit('catchUpPeersPerHour')
    this.asked.set(peer.toString(), time)
    const { feeds } = this.init.store
    const isWanted = async (read: FeedAnnouncement): Promise<boolean> => {
      const { index, time: announced } = read.announcement
      if (announced > BigInt(time + NET_LIMITS.clockSkew)) return false
      return !(await feeds.has(read.feed, index, read.hash)) && !(await feeds.isPast(read))
    }
    for (const topic of (this.init.topics ?? TOPICS).map(name => TOPICS.indexOf(name))) {
      signal.throwIfAborted()
      const heads = await net.fetch.heads(peer, topic, BigInt(Math.max(0, time - HEADS_AGE)), { signal, isWanted })
      for (const head of heads) this.follow(head, owner => this.upTo(head, owner, peer))
    }
  }

  /** Works on a feed, unless that is done already, or its owner or all together have too many. */
  private follow({ feed, announcement }: FeedAnnouncement, work: (owner: object) => Promise<void>): void {
    const [name, key] = [toHex(feed), toHex(announcedOwner(announcement))]
    const owner = this.owners.get(key) ?? { feeds: 0 }
    if (this.filling.has(name)) return
    if (this.filling.size >= NET_LIMITS.catchUpFeeds) return this.hit('catchUpFeeds')
    if (owner.feeds >= NET_LIMITS.catchUpFeedsPerOwner) return this.hit('catchUpFeedsPerOwner')
    this.filling.add(name)
    this.owners.set(key, owner)
    owner.feeds++
    const end = (): void => {
      this.filling.delete(name)
      if (--owner.feeds === 0) this.owners.delete(key)
    }
    this.track(work(owner).finally(end))
  }

  /** A head and what is missing before it: the hash chain that its signature covers is checked as it is put together. */
  private async upTo(head: FeedAnnouncement, owner: object, peer: PeerId): Promise<void> {
    const { feed, announcement, hash } = head
    const { store, consider, isKnown } = this.init
    const turns = (await isKnown(announcement.statement.adapter)) ? this.known : this.strangers
    if (turns === this.strangers && turns.queued >= NET_LIMITS.catchUpFeedsUnknown) return this.hit('catchUpFeedsUnknown')
    await turns.run(owner, 1, () => this.unlessStopped(() => consider(head, peer)))
    // What was not taken (its adapter's owner is another, nobody has its manifest) makes nobody ask for what came before it.
    if (await store.feeds.has(feed, announcement.index, hash)) await this.fill(head, owner, [peer])
  }

  private async fill({ feed, announcement }: FeedAnnouncement, owner: object, peers: readonly PeerId[]): Promise<void> {
    const before = announcement.index
    const { feeds } = this.init.store
    const most = NET_LIMITS.catchUpAnnouncements
    let from = await feeds.firstMissing(feed, before, most)
    // What is missing goes back as far as is looked, or further.
    if (from !== undefined && before - from >= most) this.hit('catchUpAnnouncements')
    for (const peer of peers.slice(0, NET_LIMITS.fetchHolders)) {
      while (from !== undefined && from < before) {
        const count = Math.min(TURN, Number(before - from))
        const stretch = { feed, from, count }
        const taken = await this.known.run(owner, count, () => this.unlessStopped(() => this.turn(peer, stretch)))
        if (taken === 0) break
        from += BigInt(taken)
      }
    }
    if (from === undefined || (await feeds.firstMissing(feed, before, most)) === undefined) return
    this.holes.add(toHex(feed))
  }

  /** Some announcements from one peer; how many were looked at: none when it has none. */
  private async turn(peer: PeerId, { feed, from, count }: { feed: Uint8Array; from: bigint; count: number }): Promise<number> {
    const { net, store, signal, consider } = this.init
    const ends = performance.now() + TURN_TIME
    const range = await net.fetch.feed(peer, feed, { from, count }, { signal }).catch((error: Error) => {
      this.log('feed %s not from %p: %s', toHex(feed), peer, error.message)
      return []
    })
    let taken = 0
    for (const read of range) {
      signal.throwIfAborted()
      if (!(await store.feeds.isPast(read))) await consider(read, peer)
      taken++
      if (performance.now() >= ends) break
    }
    return taken
  }

  private hit(limit: LimitName): void {
    this.init.counters?.limits.add(limit)
  }

  private async unlessStopped<T>(task: () => Promise<T>): Promise<T> {
    this.init.signal.throwIfAborted()
    return task()
  }
}
