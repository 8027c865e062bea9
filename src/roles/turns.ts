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
  /**
   * Whose work has just ended: who has more asks for it within this turn of the event loop. Who would come after that waits for it, or
   * those who ask for one thing after the other would take turns by tasks, whatever these cost.
   */
  private readonly coming = new Set<object>()

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
    this.coming.delete(of)
    await new Promise<void>(run => {
      this.waiting.push({ start, order: this.order++, run })
      this.begin()
    })
    try {
      return await task()
    } finally {
      this.running--
      this.coming.add(of)
      setImmediate(() => {
        this.coming.delete(of)
        this.begin()
      })
      this.begin()
    }
  }

  private begin(): void {
    while (this.running < this.atOnce && this.waiting.length > 0) {
      let first = 0
      this.waiting.forEach(({ start, order }, i) => {
        const best = this.waiting[first]!
        if (start < best.start || (start === best.start && order < best.order)) first = i
      })
      const { start } = this.waiting[first]!
      for (const of of this.coming) if (this.ends.get(of)! < start) return
      this.now = Math.max(this.now, start)
      this.running++
      this.waiting.splice(first, 1)[0]!.run()
    }
  }
}
