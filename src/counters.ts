/** What a node counts while it runs, for `status` and `/metrics`. Names are those of the code alone: what peers send never makes one. */
import type { NET_LIMITS } from './limits.js'

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

/** Limits whose being hit is counted where it happens. */
export type LimitName = keyof typeof NET_LIMITS

export class Counters {
  /** How often a limit was hit. */
  readonly limits = new Tally<LimitName>()
  /** Sessions that this node refused or broke off, by the name of the code that the peer was told. */
  readonly refused = new Tally<string>()
  /** Sessions that others refused to this node, by the name of their code; `other` for codes that this version does not know. */
  readonly refusedBy = new Tally<string>()
}
