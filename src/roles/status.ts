/** The state of a node, gathered from its parts: the one source of `status` and `/metrics`. */
import type { Counters, LimitName } from '../counters.js'
import type { Net } from '../net/index.js'
import { IGNORE_REASONS, REJECT_REASONS, rolesOfAgent, TOPICS } from '../net/index.js'
import type { SessionService } from '../net/session/index.js'
import type { Store } from '../store/index.js'
import { Dialling, reachabilityOf } from './reachability.js'
import type { OwnAdapterInfo, Role, SessionState, StatusReport } from './types.js'
import { DROP_REASONS, type Verifier } from './verifier.js'
import { VERSION } from './version.js'

export interface StatusInit {
  readonly net: Pick<Net, 'node' | 'announce' | 'fetch'>
  readonly store: Store
  readonly verifier: Pick<Verifier, 'counters' | 'backlogged' | 'load'>
  readonly sessions: Pick<SessionService, 'outstandingRows'>
  readonly counters: Counters
  readonly roles: readonly Role[]
  readonly adapters: () => Promise<OwnAdapterInfo[]>
  /** Milliseconds since 1970. */
  readonly started: number
  /** The network is one machine or a LAN. */
  readonly privateAddresses?: boolean | undefined
}

/** Reasons of the validator that are a limit. */
const LIMIT_OF: Readonly<Record<string, LimitName>> = {
  clock: 'clockSkew',
  'feed rate': 'announcementsPerFeed',
  'owner rate': 'announcementsPerOwner',
  'signature checks': 'gossipSignatures',
  'signature checks of the peer': 'gossipSignaturesPerPeer',
  'unknown adapters': 'unknownAdapterAnnouncements',
  'unknown adapter of the feed': 'unknownAdapterFeedInterval'
}

/** All that `announcements.ignored` and `announcements.rejected` can name. */
export const IGNORED_REASONS: readonly string[] = [...new Set<string>([...IGNORE_REASONS, ...DROP_REASONS])]
export const REJECTED_REASONS: readonly string[] = REJECT_REASONS

export class Status {
  private readonly dialling: Dialling

  constructor(private readonly init: StatusInit) {
    this.dialling = new Dialling(init.net.node)
  }

  stop(): void {
    this.dialling.stop()
  }

  /** All of it is kept up while it changes: nothing here walks through what the store holds. */
  async report(): Promise<StatusReport> {
    const { net, store, verifier, sessions, counters, roles, adapters, started, privateAddresses = false } = this.init
    const { accepted, ignored, rejected } = net.announce.counters
    const { skew } = net.announce
    const multiaddrs = net.node.getMultiaddrs().map(String)
    const peers = await peersOf(net)
    return {
      peerId: net.node.peerId.toString(),
      roles: [...roles],
      multiaddrs,
      version: VERSION,
      uptime: Date.now() - started,
      reachability: reachabilityOf({ multiaddrs, dialled: this.dialling.dialled, isPrivate: privateAddresses }),
      clockSkew: { milliseconds: skew.median, peers: skew.peers },
      peers,
      mesh: meshOf(net),
      adapters: await adapters(),
      ...sessionsOf(store),
      outstandingRows: sessions.outstandingRows,
      announcements: {
        accepted,
        // What the verifier drops after gossip has taken it is ignored as well.
        ignored: sum(ignored, verifier.counters.dropped),
        rejected: { ...rejected }
      },
      verdicts: { ...store.verdicts.counts },
      feeds: store.feeds.count,
      feedGaps: gapsOf(store),
      backlog: { announcements: verifier.counters.queued, ...verifier.backlogged },
      verifier: loadOf(verifier),
      refusals: { sent: counts(counters.refused.all()), received: counts(counters.refusedBy.all()) },
      limits: limitsHit(this.init),
      timeouts: counts(counters.timeouts.all()),
      store: store.sizes()
    }
  }
}

function sessionsOf({ sessions: { counts } }: Store): Pick<StatusReport, 'sessions' | 'proofsOwed' | 'proofsAwaited' | 'receiptsMissing'> {
  const { user, contributor } = counts
  const sessions = { ...user }
  for (const [state, count] of Object.entries(contributor)) sessions[state as SessionState] += count
  return {
    sessions,
    proofsOwed: contributor.broken + contributor.proving,
    proofsAwaited: user.broken + user.proving,
    receiptsMissing: contributor.proved
  }
}

function gapsOf({ feeds: { gaps } }: Store): StatusReport['feedGaps'] {
  const most = BigInt(Number.MAX_SAFE_INTEGER)
  return { announcements: Number(gaps.announcements > most ? most : gaps.announcements), feeds: gaps.feeds }
}

function loadOf({ load: { share, used, lanes, busy } }: Pick<Verifier, 'load'>): StatusReport['verifier'] {
  return { share, used, threads: lanes, busy }
}

/** Counts of both under their names, without those that are zero. */
function sum(...all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [name, count] of all.flatMap(Object.entries<number>)) if (count > 0) sums[name] = (sums[name] ?? 0) + count
  return sums
}

/** Limits that were hit, by the names of limits.ts. */
function limitsHit({ net, counters }: StatusInit): Record<string, number> {
  const ignored = Object.entries(net.announce.counters.ignored).flatMap(([reason, count]) => {
    const name = LIMIT_OF[reason]
    return name === undefined ? [] : [[name, count]]
  })
  return sum(counts(counters.limits.all()), Object.fromEntries(ignored) as Record<string, number>)
}

function counts(of: Partial<Record<string, number>>): Record<string, number> {
  return { ...(of as Record<string, number>) }
}

/** GossipSub as it is, beyond the interface that it shows. */
interface Meshed {
  readonly mesh: ReadonlyMap<string, ReadonlySet<string>>
}

/** Peers in the mesh of each topic, by the last part of its name. */
function meshOf({ node }: StatusInit['net']): Record<string, number> {
  const { mesh } = node.services.pubsub as unknown as Meshed
  return Object.fromEntries(TOPICS.map(topic => [topic.slice(topic.lastIndexOf('/') + 1), mesh.get(topic)?.size ?? 0]))
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
