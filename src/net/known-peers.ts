/**
 * Forgets peers that nobody has heard of for long. js-libp2p keeps the addresses of a peer for an hour after it first heard of them, also
 * while it is connected and tells them again (peer-store 12): after that hour a contributor was not found any more. Here they stay as long
 * as the peer does, and peers go by this rule instead.
 */
import type { Libp2pEvents, PeerId, PeerStore, Startable, TypedEventTarget } from '@libp2p/interface'
import type { Counters } from '../counters.js'
import { NET_LIMITS } from '../limits.js'

const MINUTE = 60_000

export interface KnownPeersNode extends Pick<TypedEventTarget<Libp2pEvents>, 'addEventListener' | 'removeEventListener'> {
  readonly peerStore: Pick<PeerStore, 'all' | 'delete'>
  getPeers(): readonly PeerId[]
}

type Limits = Readonly<Record<'knownPeers' | 'knownPeerAge', number>>

interface KnownPeersInit {
  /** Milliseconds between two sweeps. */
  readonly interval?: number
  readonly now?: () => number
  readonly limits?: Limits
  /** Of the node. */
  readonly counters?: Counters | undefined
}

export class KnownPeers implements Startable {
  /** When each was last heard of; one that is not here was known before this node started, or was named by others. */
  private readonly heard = new Map<string, number>()
  private readonly interval: number
  private readonly now: () => number
  private readonly limits: Limits
  private readonly counters: Counters | undefined
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(
    private readonly node: KnownPeersNode,
    { interval = 10 * MINUTE, now = Date.now, limits = NET_LIMITS, counters }: KnownPeersInit = {}
  ) {
    this.counters = counters
    this.interval = interval
    this.now = now
    this.limits = limits
  }

  start(): void {
    this.node.addEventListener('peer:update', this.onUpdate)
    this.timer = setInterval(() => void this.sweep().catch(() => {}), this.interval)
  }

  stop(): void {
    this.node.removeEventListener('peer:update', this.onUpdate)
    clearInterval(this.timer)
  }

  /** Connected peers stay; of the others those go that were not heard of for too long, and the longest unheard of too many. */
  async sweep(): Promise<void> {
    const now = this.now()
    const connected = new Set(this.node.getPeers().map(String))
    const peers: { id: PeerId; at: number }[] = []
    for (const { id } of await this.node.peerStore.all()) {
      const name = id.toString()
      if (connected.has(name)) this.heard.set(name, now)
      else if (!this.heard.has(name)) this.heard.set(name, now)
      if (!connected.has(name)) peers.push({ id, at: this.heard.get(name)! })
    }
    peers.sort((one, other) => other.at - one.at)
    const room = Math.max(0, this.limits.knownPeers - connected.size)
    for (const [place, { id, at }] of peers.entries()) {
      if (place < room && now - at <= this.limits.knownPeerAge) continue
      this.counters?.limits.add(place < room ? 'knownPeerAge' : 'knownPeers')
      this.heard.delete(id.toString())
      await this.node.peerStore.delete(id)
    }
    const kept = new Set([...connected, ...peers.map(({ id }) => id.toString())])
    for (const name of this.heard.keys()) if (!kept.has(name)) this.heard.delete(name)
  }

  private readonly onUpdate = ({ detail }: CustomEvent<{ peer: { id: PeerId } }>): void => {
    this.heard.set(detail.peer.id.toString(), this.now())
  }
}
