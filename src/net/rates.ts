/** Rates: how often something happened lately, how much may happen now, by key. Memory is bounded by sweeping what is over. */

/** Keys kept before what is over is swept. */
const SWEEP = 4096

/** Events of a key within a window, at most `most` of them. Only what is accepted is added, so a stranger's keys take no room. */
export class Window {
  private readonly times = new Map<string, number[]>()

  /** @param milliseconds length of the window */
  constructor(
    private readonly most: number,
    private readonly milliseconds: number
  ) {}

  /** @param count events that are to be added */
  isOpen(key: string, now: number, count = 1): boolean {
    return this.recent(key, now).length + count <= this.most
  }

  add(key: string, now: number): void {
    if (this.times.size >= SWEEP) for (const other of [...this.times.keys()]) this.recent(other, now)
    this.times.set(key, [...this.recent(key, now), now])
  }

  private recent(key: string, now: number): number[] {
    const times = (this.times.get(key) ?? []).filter(time => now - time < this.milliseconds)
    if (times.length === 0) this.times.delete(key)
    else this.times.set(key, times)
    return times
  }
}

/** A budget of so much a second for ever, and of its reserve at once: without one, a second's worth. */
export class Budget {
  private left: number
  private at = 0

  constructor(
    private readonly perSecond: number,
    private readonly reserve: number = perSecond
  ) {
    this.left = reserve
  }

  /**
   * @param now milliseconds
   * @param grows false when nothing is added for the time since the last call
   */
  has(amount: number, now: number, grows = true): boolean {
    if (grows) this.left = Math.min(this.reserve, this.left + ((now - this.at) * this.perSecond) / 1000)
    this.at = now
    return this.left >= amount
  }

  /** Spends (or, negative, gives back). */
  take(amount: number): void {
    this.left -= amount
  }

  /** Spends so much, or nothing. @returns false when there is not so much left */
  spend(amount: number, now: number, grows = true): boolean {
    if (!this.has(amount, now, grows)) return false
    this.take(amount)
    return true
  }

  /** True when nothing is spent: nothing would be lost by forgetting it. */
  isWhole(now: number): boolean {
    return this.has(this.reserve, now)
  }
}

/** A budget for each key. */
export class Budgets {
  private readonly budgets = new Map<string, Budget>()

  constructor(private readonly perSecond: number) {}

  of(key: string, now: number): Budget {
    let budget = this.budgets.get(key)
    if (budget === undefined) {
      if (this.budgets.size >= SWEEP) for (const [other, it] of [...this.budgets]) if (it.isWhole(now)) this.budgets.delete(other)
      budget = new Budget(this.perSecond)
      this.budgets.set(key, budget)
    }
    return budget
  }
}
