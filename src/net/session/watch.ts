/** The clock of a session: what the other side owes, and until when. */
import { TimeoutError } from '../../errors.js'
import type { Deadline } from '../../session/index.js'

type Timer = ReturnType<typeof setTimeout>

export class Watch {
  private readonly timers = new Map<string, Timer>()
  private stopped = false

  /** @param expired called for the first deadline that passes */
  constructor(
    private readonly deadlines: () => Deadline[],
    private readonly expired: (error: TimeoutError) => void
  ) {}

  /** Something was sent or has come: what is still owed keeps its time, what is new gets its own. */
  update(): void {
    if (this.stopped) return
    const owed = this.deadlines()
    const keys = new Set(owed.map(({ key }) => key))
    for (const [key, timer] of this.timers) {
      if (keys.has(key)) continue
      clearTimeout(timer)
      this.timers.delete(key)
    }
    for (const { key, what, milliseconds } of owed) {
      if (this.timers.has(key)) continue
      this.timers.set(
        key,
        setTimeout(() => this.expired(new TimeoutError(what, milliseconds)), milliseconds)
      )
    }
  }

  stop(): void {
    this.stopped = true
    for (const timer of this.timers.values()) clearTimeout(timer)
    this.timers.clear()
  }
}
