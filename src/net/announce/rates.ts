/** Rates of gossip: how often something happened lately, by key. Memory is bounded by sweeping what is over. */

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

  isOpen(key: string, now: number): boolean {
    return this.recent(key, now).length < this.most
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

/** A budget of so much a second, with a second's worth in reserve. */
export class Budget {
  private left: number
  private at = 0

  constructor(private readonly perSecond: number) {
    this.left = perSecond
  }

  has(amount: number, now: number): boolean {
    this.left = Math.min(this.perSecond, this.left + ((now - this.at) * this.perSecond) / 1000)
    this.at = now
    return this.left >= amount
  }

  /** Spends (or, negative, gives back). */
  take(amount: number): void {
    this.left -= amount
  }

  /** True when nothing is spent: nothing would be lost by forgetting it. */
  isWhole(now: number): boolean {
    return this.has(this.perSecond, now)
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
