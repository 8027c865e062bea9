/**
 * Peers that have gone. gossipsub lets go of a peer (and of its streams, connection and socket) when libp2p's registrar tells it to;
 * the registrar first asks the peer store which protocols the peer spoke, and says nothing when that takes more than 5 s, as it does
 * where the disk or the thread pool is busy, or when an identify that came late has changed them. So we tell it, too.
 */
import type { Libp2pEvents, PeerId, TypedEventTarget } from '@libp2p/interface'
import type { GossipSub } from '@libp2p/gossipsub'
import type { Registrar } from '../components.js'

/** Milliseconds from a disconnect to the look at who is left. */
const AFTER = 1_000

/** GossipSub as it is: a stream that was on its way when its peer was let go stays here, with connection and socket. */
interface Inner {
  readonly streamsOutbound: Map<string, { readonly rawStream: { readonly status: string } }>
}

export interface DepartedComponents {
  pubsub: Pick<GossipSub, 'getPeers' | 'protocols'>
  registrar: Pick<Registrar, 'getTopologies'>
  connectionManager: { getConnections(peer?: PeerId): readonly unknown[] }
  events: Pick<TypedEventTarget<Libp2pEvents>, 'addEventListener' | 'removeEventListener'>
}

export class DepartedPeers {
  private timer: ReturnType<typeof setTimeout> | undefined

  /** @param after milliseconds */
  constructor(
    private readonly components: DepartedComponents,
    private readonly after = AFTER
  ) {}

  start(): void {
    this.components.events.addEventListener('peer:disconnect', this.onDisconnect)
  }

  stop(): void {
    this.components.events.removeEventListener('peer:disconnect', this.onDisconnect)
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /** One look for all who go within that time. */
  private readonly onDisconnect = (): void => {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      this.letGo()
    }, this.after)
  }

  private letGo(): void {
    const { pubsub, registrar, connectionManager } = this.components
    const { streamsOutbound: outbound } = pubsub as unknown as Inner
    for (const [id, { rawStream }] of outbound) if (rawStream.status !== 'open') outbound.delete(id)
    const gone = pubsub.getPeers().filter(peer => connectionManager.getConnections(peer).length === 0)
    if (gone.length === 0) return
    const topologies = new Set(pubsub.protocols.flatMap(protocol => registrar.getTopologies(protocol)))
    for (const peer of gone) for (const topology of topologies) void topology.onDisconnect?.(peer)
  }
}
