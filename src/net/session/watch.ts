/** The clock of a session: what the other side owes, and until when. */
import { atLimit } from '../../counters.js'
import { TimeoutError } from '../../errors.js'
import type { Deadline } from '../../session/index.js'

type Timer = ReturnType<typeof setTimeout>

/** Milliseconds by which a timer may be early by the clock that deadlines are kept by. */
const EARLY = 1

interface Owed extends Deadline {
  /** By performance.now(). */
  readonly until: number
}

/**
 * One timer, for the deadline that comes first. What was owed is mostly given long before, so a timer is set again only when it
 * passes: each message would else cost several.
 */
export class Watch {
  private owed = new Map<string, Owed>()
  private timer: Timer | undefined
  /** When the timer passes. */
  private at = Infinity
  private stopped = false

  /** @param expired called for the first deadline that passes */
  constructor(
    private readonly deadlines: () => Deadline[],
    private readonly expired: (error: TimeoutError) => void
  ) {}

  /** Something was sent or has come: what is still owed keeps its time, what is new gets its own. */
  update(): void {
    if (this.stopped) return
    const now = performance.now()
    const owed = new Map<string, Owed>()
    for (const deadline of this.deadlines()) {
      owed.set(deadline.key, this.owed.get(deadline.key) ?? { ...deadline, until: now + deadline.milliseconds })
    }
    this.owed = owed
    this.arm(now)
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.owed.clear()
  }

  private arm(now: number): void {
    let first = Infinity
    for (const { until } of this.owed.values()) first = Math.min(first, until)
    if (first >= this.at) return
    clearTimeout(this.timer)
    this.at = first
    this.timer = setTimeout(() => this.passed(), first - now)
  }

  private passed(): void {
    this.at = Infinity
    const now = performance.now()
    for (const [key, { until, ...deadline }] of this.owed) {
      if (until > now + EARLY) continue
      // Told once, as long as it is owed.
      this.owed.set(key, { ...deadline, until: Infinity })
      this.expired(atLimit(deadline.timeout, new TimeoutError(deadline.what, deadline.milliseconds)))
      if (this.stopped) return
    }
    this.arm(now)
  }
}
