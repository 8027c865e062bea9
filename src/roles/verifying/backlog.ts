/**
 * Bundles that were announced and wait to be verified, within a bound in number and in points. When more comes than there is room
 * for, what is verified is a sample that nobody outside can foresee: each bundle has a rank, a hash keyed with 32 secret bytes of this
 * node's own, and of those that wait the highest rank is skipped. With a rule that others know, cheaters would grind their proofs until
 * no verifier chose them. What is skipped stays "announced".
 */
import { toHex } from '../../bytes.js'
import type { Counters } from '../../counters.js'
import { keyedHashWide } from '../../kernel/index.js'
import { NET_LIMITS } from '../../limits.js'
import type { Manifest } from '../../proof/index.js'

const RANK_LABEL = 'zklora/v1/sampling'

export interface BacklogLimits {
  /** Bundles that wait. */
  readonly bundles: number
  /** Points that verifying them goes through. */
  readonly points: number
  /** Bundles that are fetched and verified at a time: their bytes are in memory. */
  readonly atOnce: number
}

export const BACKLOG_LIMITS: BacklogLimits = {
  bundles: NET_LIMITS.backlogBundles,
  points: NET_LIMITS.backlogPoints,
  /** At most 4 MiB each. */
  atOnce: 32
}

/** A bundle that is announced. */
export interface Candidate {
  /** Of the adapter, in hexadecimal: owners take turns. */
  readonly owner: string
  readonly digest: Uint8Array
  readonly contributorKey: Uint8Array
  /** What verifying it costs: `verificationPoints`. */
  readonly points: number
}

export interface BacklogInit {
  /** 32 secret bytes. */
  readonly key: Uint8Array
  readonly limits: BacklogLimits
  /** What waits is skipped when it aborts. */
  readonly signal: AbortSignal
  /** Of the node. */
  readonly counters?: Counters | undefined
}

interface Waiting {
  readonly points: number
  readonly rank: string
  readonly answer: (turn: boolean) => void
}

/**
 * Points that verifying a bundle goes through, at most: its rows, the adapter's commitments to A and B and the generators of both
 * (protocols/bundle, Verification). One row of a huge adapter costs as much as thousands of a small one.
 */
export function verificationPoints({ groups }: Pick<Manifest, 'groups'>, rows: number): number {
  let widest = 0
  let ranks = 0
  for (const { dIn, modules } of groups) {
    widest = Math.max(widest, dIn)
    for (const { rank } of modules) ranks += rank
  }
  return rows + widest + 3 * ranks
}

export class Backlog {
  /** By owner, each in the order of arrival; the first owner's turn is next. */
  private readonly lines = new Map<string, Waiting[]>()
  private running = 0
  private waitingBundles = 0
  private waitingPoints = 0
  private skippedBundles = 0

  constructor(private readonly init: BacklogInit) {
    init.signal.addEventListener('abort', () => {
      for (const line of this.lines.values()) for (const { answer } of line) answer(false)
      this.lines.clear()
      this.waitingBundles = this.waitingPoints = 0
    })
  }

  /** What waits, and how many bundles were skipped. */
  get counts(): { readonly bundles: number; readonly points: number; readonly skipped: number } {
    return { bundles: this.waitingBundles, points: this.waitingPoints, skipped: this.skippedBundles }
  }

  /** Runs the task when the bundle's turn comes. Resolves with false, without having run it, when the bundle is skipped. */
  async run({ owner, points, ...bundle }: Candidate, task: () => Promise<void>): Promise<boolean> {
    const turn = await new Promise<boolean>(answer => {
      this.join(owner, { points, rank: rankOf(this.init.key, bundle), answer })
      this.next()
      this.skip()
    })
    if (!turn) return false
    try {
      await task()
    } finally {
      this.running--
      this.next()
    }
    return true
  }

  private join(owner: string, waiting: Waiting): void {
    const line = this.lines.get(owner)
    if (line === undefined) this.lines.set(owner, [waiting])
    else line.push(waiting)
    this.waitingBundles++
    this.waitingPoints += waiting.points
  }

  private remove(owner: string, line: Waiting[], at: number): Waiting {
    const [waiting] = line.splice(at, 1) as [Waiting]
    if (line.length === 0) this.lines.delete(owner)
    this.waitingBundles--
    this.waitingPoints -= waiting.points
    return waiting
  }

  private next(): void {
    while (this.running < this.init.limits.atOnce) {
      const [first] = this.lines
      if (first === undefined) return
      const [owner, line] = first
      this.running++
      this.remove(owner, line, 0).answer(true)
      // To the end of the map: the next turn is another owner's.
      if (this.lines.delete(owner)) this.lines.set(owner, line)
    }
  }

  /** One bundle may always wait, however large. */
  private skip(): void {
    const { limits, counters } = this.init
    while (this.waitingBundles > 1) {
      const isLong = this.waitingBundles > limits.bundles
      if (!isLong && this.waitingPoints <= limits.points) return
      counters?.limits.add(isLong ? 'backlogBundles' : 'backlogPoints')
      const [owner, line] = this.fullest()
      let highest = 0
      line.forEach(({ rank }, at) => {
        if (rank > line[highest]!.rank) highest = at
      })
      this.skippedBundles++
      this.remove(owner, line, highest).answer(false)
    }
  }

  /**
   * Who has to give up one: of the owners with more than one bundle that with the most points, so that nobody's flood pushes out
   * others; when each has one, that with the highest rank. So a cheater never knows beforehand that it is the one.
   */
  private fullest(): [string, Waiting[]] {
    const weight = (line: Waiting[]): number => (line.length === 1 ? 0 : line.reduce((sum, { points }) => sum + points, 0))
    return [...this.lines].reduce((a, b) => {
      const difference = weight(b[1]) - weight(a[1])
      if (difference !== 0) return difference > 0 ? b : a
      return b[1][0]!.rank > a[1][0]!.rank ? b : a
    })
  }
}

/** As hexadecimal, in whose order the ranks are. */
function rankOf(key: Uint8Array, { digest, contributorKey }: Pick<Candidate, 'digest' | 'contributorKey'>): string {
  return toHex(keyedHashWide(key, RANK_LABEL, digest, contributorKey))
}
