/** Whether others can dial this node, as far as it can know by itself: by where it listens, and by who has dialled it so far. */
import type { Connection } from '@libp2p/interface'
import { isLoopback, isPrivate } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { Net } from '../net/index.js'
import type { StatusReport } from './types.js'

/** From where a peer dialled. */
type From = 'public' | 'private' | 'relay'

/** Peers that have dialled since the start, by where they are. */
export type Dialled = Readonly<Record<From, number>>

const RELAYED = /\/p2p-circuit(\/|$)/
const TCP_PORT = /\/tcp\/(\d+)/

/** Private is what the DHT tells nobody of: addresses of this machine, of its network, and reserved ones. */
export function placeOf(address: string): From {
  if (RELAYED.test(address)) return 'relay'
  return isPrivate(multiaddr(address)) ? 'private' : 'public'
}

export interface Situation {
  /** Where it tells others to dial. */
  readonly multiaddrs: readonly string[]
  readonly dialled: Dialled
  /** The network is one machine or a LAN. */
  readonly isPrivate: boolean
}

/** What is known, in a sentence that says what to do. */
export function reachabilityOf({ multiaddrs, dialled, isPrivate }: Situation): StatusReport['reachability'] {
  const direct = multiaddrs.filter(address => !RELAYED.test(address))
  if (direct.length === 0) {
    const relayed = multiaddrs.length > 0 ? 'it is reached over a relay only, which carries no session; ' : ''
    return { state: 'unreachable', why: `${relayed}it does not listen: --listen /ip4/0.0.0.0/tcp/PORT lets others dial it` }
  }
  const outside = dialled.public + (isPrivate ? dialled.private : 0)
  if (outside > 0) return { state: 'reachable', why: `${count(outside)} dialled it since it started` }
  const ports = [...new Set(direct.map(address => TCP_PORT.exec(address)?.[1]).filter(port => port !== undefined))]
  const port = ports.length === 0 ? 'its port' : `tcp port ${ports.join(', ')}`
  if (direct.every(address => isLoopback(multiaddr(address))) && !isPrivate) {
    return {
      state: 'unreachable',
      why: `it listens on this machine alone: --listen /ip4/0.0.0.0/tcp/${ports[0] ?? 'PORT'} lets others dial it`
    }
  }
  const near =
    dialled.private + dialled.relay === 0
      ? 'nobody has dialled it since it started'
      : `only ${[dialled.private > 0 && `${count(dialled.private)} of its own network`, dialled.relay > 0 && `${count(dialled.relay)} over a relay`].filter(Boolean).join(' and ')} dialled it since it started`
  if (isPrivate) return { state: 'unconfirmed', why: `${near}: a firewall between them and ${port} would keep them out` }
  if (direct.every(address => placeOf(address) === 'private')) {
    return {
      state: 'unconfirmed',
      why: `${near}, and it knows no public address of its own: forward ${port} of the router to it, and name the outside address with --announce`
    }
  }
  return { state: 'unconfirmed', why: `${near}: ${port} has to be open to others, in the firewall and the router` }
}

function count(peers: number): string {
  return peers === 1 ? '1 peer' : `${peers} peers`
}

/** Peers remembered: more make no difference to anybody who reads the count. */
const REMEMBERED = 4096

/** Notes who dials a node, while the node runs. */
export class Dialling {
  private readonly peers: Readonly<Record<From, Set<string>>> = { public: new Set(), private: new Set(), relay: new Set() }

  constructor(private readonly node: Pick<Net['node'], 'addEventListener' | 'removeEventListener' | 'getConnections'>) {
    node.addEventListener('connection:open', this.onOpen)
    for (const connection of node.getConnections()) this.note(connection)
  }

  /** The libp2p node may be somebody else's, and go on. */
  stop(): void {
    this.node.removeEventListener('connection:open', this.onOpen)
  }

  get dialled(): Dialled {
    const { public: outside, private: near, relay } = this.peers
    return { public: outside.size, private: near.size, relay: relay.size }
  }

  private readonly onOpen = ({ detail }: CustomEvent<Connection>): void => this.note(detail)

  private note({ direction, remoteAddr, remotePeer }: Pick<Connection, 'direction' | 'remoteAddr' | 'remotePeer'>): void {
    if (direction !== 'inbound') return
    const peers = this.peers[placeOf(remoteAddr.toString())]
    if (peers.size < REMEMBERED) peers.add(remotePeer.toString())
  }
}
