/** Work of many sessions one after the other, so that each gets as many rows done as the others (start-time fair queueing). */

interface Waiting {
  readonly start: number
  readonly order: number
  readonly run: () => void
}

export class Turns {
  /** Where the work that runs stands, in rows of one session. */
  private now = 0
  private busy = false
  private order = 0
  private readonly waiting: Waiting[] = []
  /** Rows of each session up to which work has been asked for. */
  private readonly ends = new WeakMap<object, number>()

  /**
   * Runs the task when it is this session's turn: at once when nobody works.
   * @param of the session
   * @param rows what the task costs
   */
  async run<T>(of: object, rows: number, task: () => Promise<T>): Promise<T> {
    const start = Math.max(this.now, this.ends.get(of) ?? 0)
    this.ends.set(of, start + rows)
    if (this.busy) await new Promise<void>(run => this.waiting.push({ start, order: this.order++, run }))
    else this.busy = true
    this.now = Math.max(this.now, start)
    try {
      return await task()
    } finally {
      this.next()
    }
  }

  private next(): void {
    if (this.waiting.length === 0) {
      this.busy = false
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
