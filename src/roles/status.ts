/** The state of a node, gathered from its parts: the one source of `status` and `/metrics`. */
import type { Counters, LimitName } from '../counters.js'
import type { Net } from '../net/index.js'
import { rolesOfAgent, TOPICS } from '../net/index.js'
import type { Store } from '../store/index.js'
import type { Contributor } from './contributor.js'
import type { OwnAdapterInfo, Role, SessionState, StatusReport } from './types.js'
import type { Verifier } from './verifier.js'
import { VERSION } from './version.js'

const MINUTE = 60_000

export interface StatusInit {
  readonly net: Pick<Net, 'node' | 'announce' | 'fetch'>
  readonly store: Store
  readonly verifier: Pick<Verifier, 'counters' | 'backlogged'>
  /** Absent: it serves nobody. */
  readonly contributor: Pick<Contributor, 'outstandingRows'> | undefined
  readonly counters: Counters
  readonly roles: readonly Role[]
  readonly adapters: () => Promise<OwnAdapterInfo[]>
  /** Milliseconds since 1970. */
  readonly started: number
}

/** Reasons of the validator and of the verifier that are a limit. */
const LIMIT_OF: Readonly<Record<string, LimitName>> = {
  clock: 'clockSkew',
  'feed rate': 'announcementsPerFeed',
  'owner rate': 'announcementsPerOwner',
  'signature checks': 'gossipSignatures',
  'signature checks of the peer': 'gossipSignaturesPerPeer',
  'unknown adapters': 'unknownAdapterAnnouncements',
  'unknown adapter of the feed': 'unknownAdapterFeedInterval'
}

export class Status {
  /** Looking through all feeds takes time: what was found holds for a minute. */
  private gaps = { at: -Infinity, missing: 0 }

  constructor(private readonly init: StatusInit) {}

  async report(): Promise<StatusReport> {
    const { net, store, verifier, contributor, counters, roles, adapters, started } = this.init
    const { accepted, ignored, rejected } = net.announce.counters
    const { skew } = net.announce
    // What the verifier drops after gossip has taken it is ignored as well.
    const dropped = Object.fromEntries(Object.entries(verifier.counters.dropped).filter(([, count]) => count > 0))
    const multiaddrs = net.node.getMultiaddrs().map(String)
    const peers = await peersOf(net)
    return {
      peerId: net.node.peerId.toString(),
      roles: [...roles],
      multiaddrs,
      version: VERSION,
      uptime: Date.now() - started,
      reachability: reachabilityOf(multiaddrs, peers),
      clockSkew: { milliseconds: skew.median, peers: skew.peers },
      peers,
      mesh: meshOf(net),
      adapters: await adapters(),
      ...(await this.sessions()),
      outstandingRows: contributor?.outstandingRows ?? 0,
      announcements: { accepted, ignored: { ...ignored, ...dropped }, rejected: { ...rejected } },
      verdicts: { ...store.verdicts.counts },
      feeds: store.feeds.count,
      feedGaps: await this.missing(),
      backlog: { announcements: verifier.counters.queued, ...verifier.backlogged },
      refusals: { sent: counts(counters.refused.all()), received: counts(counters.refusedBy.all()) },
      limits: limitsHit(this.init),
      store: store.sizes()
    }
  }

  private async sessions(): Promise<Pick<StatusReport, 'sessions' | 'proofsOwed' | 'proofsAwaited' | 'receiptsMissing'>> {
    const sessions: Record<SessionState, number> = { open: 0, proving: 0, announced: 0, proved: 0, broken: 0, failed: 0 }
    let [proofsOwed, proofsAwaited, receiptsMissing] = [0, 0, 0]
    for (const { state, role } of await this.init.store.sessions.list()) {
      sessions[state]++
      const isUnproved = state === 'broken' || state === 'proving'
      if (isUnproved && role === 'contributor') proofsOwed++
      if (isUnproved && role === 'user') proofsAwaited++
      if (state === 'proved' && role === 'contributor') receiptsMissing++
    }
    return { sessions, proofsOwed, proofsAwaited, receiptsMissing }
  }

  private async missing(): Promise<number> {
    const now = performance.now()
    if (now - this.gaps.at < MINUTE) return this.gaps.missing
    let missing = 0
    for (const { index, from = '0', kept } of await this.init.store.feeds.list()) {
      missing += Math.max(0, Number(BigInt(index) + 1n - BigInt(from)) - kept)
    }
    this.gaps = { at: now, missing: Math.min(missing, Number.MAX_SAFE_INTEGER) }
    return this.gaps.missing
  }
}

/** Limits that were hit, by the names of limits.ts. */
function limitsHit({ net, verifier, counters }: StatusInit): Record<string, number> {
  const hit = counts(counters.limits.all())
  const add = (name: LimitName | undefined, count: number): void => {
    if (name !== undefined && count > 0) hit[name] = (hit[name] ?? 0) + count
  }
  for (const [reason, count] of Object.entries(net.announce.counters.ignored)) add(LIMIT_OF[reason], count)
  for (const [name, count] of Object.entries(net.fetch.counters.refused)) add(name as LimitName, count)
  add('backlogBundles', verifier.backlogged.skipped)
  return hit
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

/** Addresses that only this machine or its network knows. */
const PRIVATE =
  /^\/(ip4\/(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)|ip6\/(::1\/|f[cd][0-9a-f]{2}:|fe80:)|dns[46]?\/localhost\/)/

/** Whether others can dial this node, as far as it can know. */
export function reachabilityOf(
  multiaddrs: readonly string[],
  peers: readonly Pick<StatusReport['peers'][number], 'direction'>[]
): StatusReport['reachability'] {
  const inbound = peers.filter(({ direction }) => direction === 'inbound').length
  if (multiaddrs.length === 0) return { state: 'unreachable', why: 'it does not listen: --listen tells it where' }
  if (inbound > 0) return { state: 'reachable', why: `${inbound} of the connected peers ${inbound === 1 ? 'has' : 'have'} dialled it` }
  if (multiaddrs.every(address => PRIVATE.test(address))) {
    return {
      state: 'unconfirmed',
      why: 'it knows only addresses of this machine or its network: others need a forwarded tcp port, and --announce to be told of it'
    }
  }
  return { state: 'unconfirmed', why: 'no connected peer has dialled it yet: its tcp port has to be open to others' }
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
