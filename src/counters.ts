/** What a node counts while it runs, for `status` and `/metrics`. Names are those of the code alone: what peers send never makes one. */
import type { ZkloraError } from './errors.js'
import { FORMAT_LIMITS, NET_LIMITS, TIMEOUTS } from './limits.js'

/** Counts by name. */
export class Tally<Name extends string> {
  private readonly counts = new Map<Name, number>()

  add(name: Name, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count)
  }

  /** Names that were counted. */
  all(): Partial<Record<Name, number>> {
    return Object.fromEntries(this.counts) as Partial<Record<Name, number>>
  }
}

/** Limits and timeouts, by their names in limits.ts. */
export type LimitName = keyof typeof FORMAT_LIMITS | keyof typeof NET_LIMITS
export type TimeoutName = keyof typeof TIMEOUTS

/** Limits that nothing tells the hits of, or whose hits say nothing: their reasons are in test/limits.test.ts. */
const UNCOUNTED: ReadonlySet<string> = new Set<LimitName>([
  'windowBytes',
  'privateHostFactor',
  'smallFrameBytes',
  'smallFramesPerSecond',
  'streamsPerSecond',
  'queriesPerSecond',
  'gossipBytesPerSecond',
  'sendAheadBytes',
  'gossipSeenTtl',
  'providersAtOnce'
])
/** Those that are counted, for who shows each from the beginning; of the formats' a few are counted as well. */
export const COUNTED_LIMITS = Object.keys(NET_LIMITS).filter(name => !UNCOUNTED.has(name)) as LimitName[]
export const COUNTED_TIMEOUTS = Object.keys(TIMEOUTS) as TimeoutName[]

/** Marks an error as the hit of a limit or timeout, by whose name it is counted. */
export function atLimit<E extends ZkloraError>(name: LimitName | TimeoutName, error: E): E {
  return Object.assign(error, { atLimit: name })
}

export class Counters {
  /** How often a limit was hit: something was refused, left out, given up, made to wait or removed on its account. */
  readonly limits = new Tally<LimitName>()
  /** How often a wait ended by its timeout. */
  readonly timeouts = new Tally<TimeoutName>()
  /** Sessions that this node refused or broke off, by the name of the code that the peer was told. */
  readonly refused = new Tally<string>()
  /** Sessions that others refused to this node or broke off, by the name of their code; `other` for codes that this version does not know. */
  readonly refusedBy = new Tally<string>()
  private readonly counted = new WeakSet<object>()

  /** Counts the limit or timeout that an error tells of: once, however many hands the error passes through. */
  hit(error: unknown): void {
    const name = (error as Partial<ZkloraError> | undefined)?.atLimit
    if (name === undefined || !this.isNew(error)) return
    if (name in TIMEOUTS) this.timeouts.add(name as TimeoutName)
    else this.limits.add(name as LimitName)
  }

  /** True when this error is asked about for the first time. */
  private isNew(error: unknown): boolean {
    if (this.counted.has(error as object)) return false
    this.counted.add(error as object)
    return true
  }
}
