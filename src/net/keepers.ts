/** What keeps a node in the network, and the network's use of it within bounds, once its services run. */
import type { Startable } from '@libp2p/interface'
import { Discovery, type DiscoveryNode } from './discovery.js'
import { Room, type RoomNode } from './guard/index.js'
import type { NetInit } from './index.js'
import { KnownPeers, type KnownPeersNode } from './known-peers.js'
import { Rejoin, type RejoinNode } from './rejoin.js'

export interface Keepers {
  readonly discovery: Discovery
  start(): void
  /** Before the node's services stop. */
  stop(): Promise<void>
}

export type KeptNode = DiscoveryNode & RejoinNode & KnownPeersNode & RoomNode

/** @param connections that the node has at most */
export function keepersOf(
  node: KeptNode,
  { bootstrap = [], rejoinWait, counters }: Pick<NetInit, 'bootstrap' | 'rejoinWait' | 'counters'>,
  connections: number
): Keepers {
  const discovery = new Discovery(node, undefined, counters)
  const others: Startable[] = [
    new Rejoin(node, bootstrap, rejoinWait, counters),
    new KnownPeers(node, { counters }),
    new Room(node, connections, counters)
  ]
  return {
    discovery,
    start() {
      discovery.start()
      for (const each of others) void each.start()
    },
    async stop() {
      for (const each of others) void each.stop()
      await discovery.stop()
    }
  }
}
