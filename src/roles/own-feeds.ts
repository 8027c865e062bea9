/**
 * A contributor's own feeds as others know them. A data folder that was restored from a backup has announced more than it knows, and a
 * second announcement with an index that is taken would convict its owner (protocols/evidence): before the first announcement of a
 * feed by this process the peers that it has are asked for what came after the last one that is here.
 */
import type { Logger, PeerId } from '@libp2p/interface'
import { equal, toHex } from '../bytes.js'
import { NET_LIMITS } from '../limits.js'
import { FETCH_PROTOCOL, type Net, topicNumber } from '../net/index.js'
import { timeLimit } from '../net/time-limit.js'
import { type FeedAnnouncement, feedId, type Store } from '../store/index.js'
import type { Statement } from '../wire/announcement.js'

/** Peers asked, all at once. */
const PEERS = 4
/** Milliseconds for all of them: the user of a session waits for its announcement. */
const TIME = 5000
/** Answers taken from one peer, beside the latest announcement. */
const ANSWERS = 8

export interface OwnFeedsInit {
  readonly net: Pick<Net, 'fetch'> & { readonly node: Pick<Net['node'], 'getPeers' | 'peerStore' | 'logger'> }
  readonly store: { readonly feeds: Pick<Store['feeds'], 'latest' | 'put'> }
}

export class OwnFeeds {
  /** Feeds that were asked for. */
  private readonly asked = new Map<string, Promise<boolean>>()
  private readonly log: Logger

  constructor(private readonly init: OwnFeedsInit) {
    this.log = init.net.node.logger.forComponent('zklora:own-feeds')
  }

  /**
   * Takes in what others have of a feed beyond its latest announcement here. Who has nothing, or cannot be asked, changes nothing. What
   * they show is signed by the feed's own key: it was announced from here.
   */
  async upToDate({ contributorKey, adapter, base }: Pick<Statement, 'contributorKey' | 'adapter' | 'base'>): Promise<void> {
    const feed = feedId(contributorKey, adapter)
    const name = toHex(feed)
    const asking = this.asked.get(name) ?? this.ask(feed, topicNumber(base))
    this.asked.set(name, asking)
    // Where nobody was there, the next announcement may find somebody.
    if (!(await asking)) this.asked.delete(name)
  }

  /** True when somebody was asked. */
  private async ask(feed: Uint8Array, topic: number): Promise<boolean> {
    const { node } = this.init.net
    const signal = timeLimit(TIME)
    const peers: PeerId[] = []
    for (const peer of node.getPeers()) {
      if (peers.length === PEERS) break
      const { protocols } = await node.peerStore.get(peer).catch(() => ({ protocols: [] as string[] }))
      if (protocols.includes(FETCH_PROTOCOL)) peers.push(peer)
    }
    const asked = peers.map(peer =>
      this.askPeer(peer, { feed, topic, signal }).catch((error: Error) => this.log('own feed not from %p: %s', peer, error.message))
    )
    await Promise.all(asked)
    return peers.length > 0
  }

  private async askPeer(peer: PeerId, { feed, topic, signal }: { feed: Uint8Array; topic: number; signal: AbortSignal }): Promise<void> {
    const { net, store } = this.init
    for (let answers = 0; answers < ANSWERS; answers++) {
      const head = await store.feeds.latest(feed)
      const from = head === undefined ? 0n : BigInt(head.index) + 1n
      const later = await net.fetch.feed(peer, feed, { from, count: NET_LIMITS.feedAnnouncements }, { signal })
      if ((await this.take(later)) === 0) break
    }
    // A peer may have but the newest part of it, and more than was taken: what the next announcement names is the latest.
    const since = BigInt((await store.feeds.latest(feed))?.time ?? 0)
    const isWanted = async (read: FeedAnnouncement): Promise<boolean> => equal(read.feed, feed)
    await this.take(await net.fetch.heads(peer, topic, since, { signal, isWanted }))
  }

  /** How many of them were new. */
  private async take(reads: readonly FeedAnnouncement[]): Promise<number> {
    let taken = 0
    for (const read of reads) if ((await this.init.store.feeds.put(read)) === 'stored') taken++
    if (taken > 0) this.log('%d announcements of an own feed were known to others alone: was this data folder restored?', taken)
    return taken
  }
}
