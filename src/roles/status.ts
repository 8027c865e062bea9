/** The state of a node, gathered from its parts. */
import type { Net } from '../net/index.js'
import { rolesOfAgent } from '../net/index.js'
import type { Store } from '../store/index.js'
import type { OwnAdapterInfo, Role, SessionState, StatusReport } from './types.js'
import type { Verifier } from './verifier.js'
import { VERSION } from './version.js'

export interface StatusInit {
  readonly net: Pick<Net, 'node' | 'announce'>
  readonly store: Store
  readonly verifier: Pick<Verifier, 'counters'>
  readonly roles: readonly Role[]
  readonly adapters: OwnAdapterInfo[]
  /** Milliseconds since 1970. */
  readonly started: number
}

export async function statusOf({ net, store, verifier, roles, adapters, started }: StatusInit): Promise<StatusReport> {
  const { accepted, ignored, rejected } = net.announce.counters
  // What the verifier drops after gossip has taken it is ignored as well.
  const dropped = Object.fromEntries(Object.entries(verifier.counters.dropped).filter(([, count]) => count > 0))
  const sessions: Record<SessionState, number> = { open: 0, proving: 0, announced: 0, proved: 0, broken: 0, failed: 0 }
  for (const { state } of await store.sessions.list()) sessions[state]++
  return {
    peerId: net.node.peerId.toString(),
    roles: [...roles],
    multiaddrs: net.node.getMultiaddrs().map(String),
    version: VERSION,
    uptime: Date.now() - started,
    peers: await peersOf(net),
    adapters,
    sessions,
    announcements: { accepted, ignored: { ...ignored, ...dropped }, rejected: { ...rejected } },
    verdicts: { ...store.verdicts.counts },
    feeds: store.feeds.count,
    store: store.sizes()
  }
}

/** Connected peers, with the roles that they claim. */
async function peersOf({ node }: StatusInit['net']): Promise<StatusReport['peers']> {
  const peers: StatusReport['peers'] = []
  for (const peer of node.getPeers()) {
    const connections = node.getConnections(peer)
    const known = await node.peerStore.get(peer).catch(() => undefined)
    const agent = known?.metadata.get('AgentVersion')
    const roles = rolesOfAgent(agent === undefined ? undefined : new TextDecoder().decode(agent)) as Role[]
    peers.push({
      peer: peer.toString(),
      roles,
      multiaddrs: connections.map(({ remoteAddr }) => remoteAddr.toString()),
      direction: connections[0]?.direction ?? 'outbound'
    })
  }
  return peers
}
