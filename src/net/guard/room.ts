/**
 * Keeps some places of connections free: libp2p refuses whoever comes when all are taken, and a few hosts can take them all and do nothing
 * with them.
 */
import type { Connection, Libp2pEvents, Startable, TypedEventTarget } from '@libp2p/interface'
import type { Counters } from '../../counters.js'
import { hostOf } from './connections.js'

/** Share of the places that is kept free. */
const FREE = 0.1

export interface RoomNode extends Pick<TypedEventTarget<Libp2pEvents>, 'addEventListener' | 'removeEventListener'> {
  getConnections(): Connection[]
}

export class Room implements Startable {
  private readonly held: number

  /** @param most places; as many connections as libp2p takes */
  constructor(
    private readonly node: RoomNode,
    most: number,
    private readonly counters?: Counters
  ) {
    this.held = Math.floor(most * (1 - FREE))
  }

  start(): void {
    this.node.addEventListener('connection:open', this.onOpen)
  }

  stop(): void {
    this.node.removeEventListener('connection:open', this.onOpen)
  }

  private readonly onOpen = ({ detail }: CustomEvent<Connection>): void => {
    const connections = this.node.getConnections()
    if (connections.length <= this.held) return
    const victim = leastNeeded(connections.filter(connection => connection !== detail))
    if (victim !== undefined) this.counters?.limits.add('connections')
    // Not waited for: a peer that does not read would hold it up.
    void victim?.close().catch((error: Error) => victim.abort(error))
  }
}

/** Of the connections that came in and carry no session or fetch: one without gossip, of the host that has most, the oldest. */
function leastNeeded(connections: readonly Connection[]): Connection | undefined {
  const ofHost = new Map<string, number>()
  for (const connection of connections) ofHost.set(hostOf(connection), (ofHost.get(hostOf(connection)) ?? 0) + 1)
  const speaks = ({ streams }: Connection, prefix: string): boolean => streams.some(({ protocol }) => protocol?.startsWith(prefix))
  const rank = (connection: Connection): number[] => [
    speaks(connection, '/meshsub/') ? 1 : 0,
    -ofHost.get(hostOf(connection))!,
    connection.timeline.open
  ]
  return connections
    .filter(
      each => each.direction === 'inbound' && each.status === 'open' && !speaks(each, '/zklora/session/') && !speaks(each, '/zklora/fetch/')
    )
    .map(connection => ({ connection, rank: rank(connection) }))
    .sort((one, other) => one.rank.map((value, place) => value - other.rank[place]!).find(difference => difference !== 0) ?? 0)[0]
    ?.connection
}
