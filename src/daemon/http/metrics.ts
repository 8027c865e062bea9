/**
 * `/metrics` in Prometheus' text format: the node's status, as numbers. Every label has its values here or in the code, or is the name
 * of an own adapter: no peer makes a series. The list for people is docs/metrics.md, which a test holds against this one.
 */
import { Counter, Gauge, type Registry } from 'prom-client'
import { COUNTED_LIMITS, COUNTED_TIMEOUTS } from '../../counters.js'
import { RECEIVED_CODES, SENT_CODES } from '../../net/session/index.js'
import { IGNORED_REASONS, REJECTED_REASONS } from '../../roles/status.js'
import type { StatusReport, ZkloraNode } from '../../roles/types.js'

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly labels: readonly string[]
  /** Values of the labels, in their order, and the number. */
  readonly samples: (status: StatusReport) => readonly (readonly [labels: readonly string[], value: number])[]
}

type Samples = ReturnType<Family['samples']>

const one = (value: number): Samples => [[[], value]]
const each = (of: Readonly<Record<string, number>>): Samples => Object.entries(of).map(([key, value]) => [[key], value])
/** From the beginning: of a series that begins with its first count no rate tells that one. */
const zero = (names: readonly string[]): Readonly<Record<string, number>> => Object.fromEntries(names.map(name => [name, 0]))
const SECOND = 1000

/** Roles that peers claim; a peer may have several, or none. */
const ROLES = ['contributor', 'user', 'verifier', 'bootstrap'] as const

/** Of the group that is nearest to giving its adapter away. */
function fullest({ budget }: StatusReport['adapters'][number]): { answered: number; extraction: number } {
  return budget.reduce((a, b) => (b.answered / b.extraction > a.answered / a.extraction ? b : a))
}

export const FAMILIES: readonly Family[] = [
  {
    name: 'zklora_info',
    help: 'Always 1; the version of the program.',
    type: 'gauge',
    labels: ['version'],
    samples: ({ version }) => [[[version], 1]]
  },
  {
    name: 'zklora_uptime_seconds',
    help: 'Time since the node started.',
    type: 'gauge',
    labels: [],
    samples: ({ uptime }) => one(uptime / SECOND)
  },
  {
    name: 'zklora_peers',
    help: 'Peers connected, by who opened the first connection.',
    type: 'gauge',
    labels: ['direction'],
    samples: ({ peers }) => ['inbound', 'outbound'].map(way => [[way], peers.filter(({ direction }) => direction === way).length])
  },
  {
    name: 'zklora_peers_by_role',
    help: 'Peers connected, by the roles that they claim; one with several counts in each.',
    type: 'gauge',
    labels: ['role'],
    samples: ({ peers }) => ROLES.map(role => [[role], peers.filter(({ roles }) => roles.includes(role)).length])
  },
  {
    name: 'zklora_sessions',
    help: 'Sessions that this node took part in, by their state.',
    type: 'gauge',
    labels: ['state'],
    samples: ({ sessions }) => each(sessions)
  },
  {
    name: 'zklora_announcements_accepted_total',
    help: 'Announcements of others that passed the validator.',
    type: 'counter',
    labels: [],
    samples: ({ announcements }) => one(announcements.accepted)
  },
  {
    name: 'zklora_announcements_ignored_total',
    help: 'Announcements of others that were not taken, by what depends on clock, store, load or history.',
    type: 'counter',
    labels: ['reason'],
    samples: ({ announcements }) => each({ ...zero(IGNORED_REASONS), ...announcements.ignored })
  },
  {
    name: 'zklora_announcements_rejected_total',
    help: 'Announcements of others that are wrong by their bytes, by what is wrong.',
    type: 'counter',
    labels: ['reason'],
    samples: ({ announcements }) => each({ ...zero(REJECTED_REASONS), ...announcements.rejected })
  },
  {
    name: 'zklora_verdicts',
    help: 'Announced bundles that are kept track of, by what was found of them.',
    type: 'gauge',
    labels: ['verdict'],
    samples: ({ verdicts }) => each(verdicts)
  },
  {
    name: 'zklora_feeds',
    help: 'Feeds of announcements that are followed.',
    type: 'gauge',
    labels: [],
    samples: ({ feeds }) => one(feeds)
  },
  {
    name: 'zklora_store_bytes',
    help: 'Bytes kept, by kind.',
    type: 'gauge',
    labels: ['kind'],
    samples: ({ store }) => each(store)
  },
  {
    name: 'zklora_reachable',
    help: '1 when a peer from outside has dialled this node since it started, 0 when none has.',
    type: 'gauge',
    labels: [],
    samples: ({ reachability }) => one(reachability.state === 'reachable' ? 1 : 0)
  },
  {
    name: 'zklora_clock_skew_seconds',
    help: 'Median of how far announcements are ahead of this clock; absent until one comes.',
    type: 'gauge',
    labels: [],
    samples: ({ clockSkew }) => (clockSkew.milliseconds === null ? [] : one(clockSkew.milliseconds / SECOND))
  },
  {
    name: 'zklora_gossip_mesh_peers',
    help: 'Peers in the gossip mesh of a topic.',
    type: 'gauge',
    labels: ['topic'],
    samples: ({ mesh }) => each(mesh)
  },
  {
    name: 'zklora_proofs_owed',
    help: 'Sessions served here that are not proved yet.',
    type: 'gauge',
    labels: [],
    samples: ({ proofsOwed }) => one(proofsOwed)
  },
  {
    name: 'zklora_proofs_awaited',
    help: 'Own sessions whose proof has not come yet.',
    type: 'gauge',
    labels: [],
    samples: ({ proofsAwaited }) => one(proofsAwaited)
  },
  {
    name: 'zklora_receipts_missing',
    help: 'Bundles proved here that the user has not signed for.',
    type: 'gauge',
    labels: [],
    samples: ({ receiptsMissing }) => one(receiptsMissing)
  },
  {
    name: 'zklora_outstanding_rows',
    help: 'Rows answered and not yet accepted by this side, in sessions that run, by the side that this node is on.',
    type: 'gauge',
    labels: ['role'],
    samples: ({ outstandingRows }) => each(outstandingRows)
  },
  {
    name: 'zklora_feed_gaps',
    help: 'Feeds in which announcements are known to be missing.',
    type: 'gauge',
    labels: [],
    samples: ({ feedGaps }) => one(feedGaps.feeds)
  },
  {
    name: 'zklora_feed_missing_announcements',
    help: 'Announcements that are known to be missing in these feeds.',
    type: 'gauge',
    labels: [],
    samples: ({ feedGaps }) => one(feedGaps.announcements)
  },
  {
    name: 'zklora_backlog_announcements',
    help: 'Announcements that wait or are worked on.',
    type: 'gauge',
    labels: [],
    samples: ({ backlog }) => one(backlog.announcements)
  },
  {
    name: 'zklora_backlog_bundles',
    help: 'Bundles that wait to be verified.',
    type: 'gauge',
    labels: [],
    samples: ({ backlog }) => one(backlog.bundles)
  },
  {
    name: 'zklora_backlog_points',
    help: 'Points that verifying these bundles goes through.',
    type: 'gauge',
    labels: [],
    samples: ({ backlog }) => one(backlog.points)
  },
  {
    name: 'zklora_bundles_skipped_total',
    help: 'Bundles left announced under load.',
    type: 'counter',
    labels: [],
    samples: ({ backlog }) => one(backlog.skipped)
  },
  {
    name: 'zklora_verifier_threads',
    help: 'Threads that verify.',
    type: 'gauge',
    labels: [],
    samples: ({ verifier }) => one(verifier.threads)
  },
  {
    name: 'zklora_verifier_share_ratio',
    help: 'Part of the time of these threads that announced bundles may take (limits.verifierShare).',
    type: 'gauge',
    labels: [],
    samples: ({ verifier }) => one(verifier.share)
  },
  {
    name: 'zklora_verifier_used_ratio',
    help: 'Part of their time that announced bundles took in the last ten seconds.',
    type: 'gauge',
    labels: [],
    samples: ({ verifier }) => one(verifier.used)
  },
  {
    name: 'zklora_verifier_busy_seconds_total',
    help: 'Time of these threads that announced bundles took.',
    type: 'counter',
    labels: [],
    samples: ({ verifier }) => one(verifier.busy / SECOND)
  },
  {
    name: 'zklora_refusals_sent_total',
    help: 'Sessions that this node refused or broke off, and receipts that it did not give, by the name of the code.',
    type: 'counter',
    labels: ['code'],
    samples: ({ refusals }) => each({ ...zero(SENT_CODES), ...refusals.sent })
  },
  {
    name: 'zklora_refusals_received_total',
    help: 'Sessions that others refused to this node or broke off, and receipts that they did not give, by the name of the code.',
    type: 'counter',
    labels: ['code'],
    samples: ({ refusals }) => each({ ...zero(RECEIVED_CODES), ...refusals.received })
  },
  {
    name: 'zklora_limits_hit_total',
    help: 'How often a limit was hit, by its name in src/limits.ts.',
    type: 'counter',
    labels: ['limit'],
    samples: ({ limits }) => each({ ...zero(COUNTED_LIMITS), ...limits })
  },
  {
    name: 'zklora_timeouts_total',
    help: 'How often a wait ended by its timeout, by its name in src/limits.ts.',
    type: 'counter',
    labels: ['timeout'],
    samples: ({ timeouts }) => each({ ...zero(COUNTED_TIMEOUTS), ...timeouts })
  },
  {
    name: 'zklora_budget_answered_rows',
    help: 'Rows answered or reserved of the group of an own adapter that is nearest to its extraction, over all peers.',
    type: 'gauge',
    labels: ['adapter'],
    samples: ({ adapters }) => adapters.map(adapter => [[adapter.id], fullest(adapter).answered])
  },
  {
    name: 'zklora_budget_extraction_rows',
    help: 'Rows of that group at which an ideal attacker could know its A.',
    type: 'gauge',
    labels: ['adapter'],
    samples: ({ adapters }) => adapters.map(adapter => [[adapter.id], fullest(adapter).extraction])
  },
  {
    name: 'zklora_budget_limit_rows',
    help: 'Rows of each group that are answered at most; absent without a limit.',
    type: 'gauge',
    labels: ['adapter'],
    samples: ({ adapters }) => adapters.flatMap(({ id, limitRows }) => (limitRows === null ? [] : [[[id], limitRows] as const]))
  }
]

type Instruments = readonly (Counter | Gauge)[]
const made = new WeakMap<Registry, Instruments>()

function instruments(registry: Registry): Instruments {
  const known = made.get(registry)
  if (known !== undefined) return known
  const all = FAMILIES.map(({ name, help, type, labels }) => {
    const init = { name, help, labelNames: [...labels], registers: [registry] }
    return type === 'counter' ? new Counter(init) : new Gauge(init)
  })
  made.set(registry, all)
  return all
}

/** Everything in the registry, this node's status in it as it is now. */
export async function metricsText(node: Pick<ZkloraNode, 'status'>, registry: Registry): Promise<string> {
  const status = await node.status()
  instruments(registry).forEach((instrument, index) => {
    const { labels, samples } = FAMILIES[index]!
    instrument.reset()
    const found = samples(status)
    // A series without labels is there with a 0 from the beginning.
    if (labels.length === 0 && found.length === 0) instrument.remove({})
    for (const [values, value] of found) {
      instrument.inc(Object.fromEntries(labels.map((label, at) => [label, values[at]!])), value)
    }
  })
  return registry.metrics()
}
