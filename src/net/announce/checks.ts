/**
 * The signature checks that a node makes for what others announce: those of gossip, which are made at once or not at all, and those of
 * lists that it asked for, which wait until gossip leaves room.
 */
import { checkSignatures, type FeedAnnouncement, signaturesOf } from '../../store/feed.js'
import { NET_LIMITS } from '../../limits.js'
import { Budget } from '../rates.js'

export class SignatureChecks {
  private readonly budget: Budget
  /** What is left to gossip by those that wait. */
  private readonly reserve: number

  /** @param now milliseconds of a clock that goes on while somebody waits */
  constructor(
    private readonly perSecond: number = NET_LIMITS.gossipSignatures,
    private readonly now: () => number = () => performance.now()
  ) {
    this.budget = new Budget(perSecond)
    this.reserve = perSecond / 2
  }

  /** True when so many may be made now. */
  has(amount: number): boolean {
    return this.budget.has(amount, this.now())
  }

  take(amount: number): void {
    this.budget.take(amount)
  }

  /**
   * Checks a list, one announcement after the other, between other work of the process.
   * @throws InvalidProofError step `announcement`, the signal's reason
   */
  async all(list: readonly FeedAnnouncement[], signal?: AbortSignal): Promise<void> {
    for (const read of list) {
      const cost = signaturesOf(read.announcement)
      // A node that allows itself fewer than one announcement costs spends all it has.
      const needed = Math.min(this.perSecond, cost + this.reserve)
      do {
        signal?.throwIfAborted()
        await new Promise(resolve => setTimeout(resolve, this.has(needed) ? 0 : WAIT))
      } while (!this.has(needed))
      this.take(cost)
      checkSignatures(read)
    }
  }
}

/** Milliseconds in which the budget grows by the signatures of one announcement, and a little. */
const WAIT = 100
