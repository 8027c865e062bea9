/** Work of many (sessions, owners), so that each gets as much done as the others (start-time fair queueing). */

interface Waiting {
  readonly start: number
  readonly order: number
  readonly run: () => void
}

export class Turns {
  /** Where the work that runs stands, in the cost of one of the many. */
  private now = 0
  private running = 0
  private order = 0
  private readonly waiting: Waiting[] = []
  /** Costs of each up to which work has been asked for. */
  private readonly ends = new WeakMap<object, number>()

  /** @param atOnce tasks that run at a time */
  constructor(private readonly atOnce = 1) {}

  /** Tasks that wait. */
  get queued(): number {
    return this.waiting.length
  }

  /**
   * Runs the task when its turn has come: at once when there is a place.
   * @param of whose work it is
   * @param cost rows, for sessions
   */
  async run<T>(of: object, cost: number, task: () => Promise<T>): Promise<T> {
    const start = Math.max(this.now, this.ends.get(of) ?? 0)
    this.ends.set(of, start + cost)
    if (this.running === this.atOnce) await new Promise<void>(run => this.waiting.push({ start, order: this.order++, run }))
    else this.running++
    this.now = Math.max(this.now, start)
    try {
      return await task()
    } finally {
      this.next()
    }
  }

  private next(): void {
    if (this.waiting.length === 0) {
      this.running--
      return
    }
    let first = 0
    this.waiting.forEach(({ start, order }, i) => {
      const best = this.waiting[first]!
      if (start < best.start || (start === best.start && order < best.order)) first = i
    })
    this.waiting.splice(first, 1)[0]!.run()
  }
}
