/** Timers by name: each set once, all stopped together. */
export class Clock {
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>()
  private stopped = false

  /** Runs the task after so many milliseconds; a name that waits already keeps its time. */
  after(name: string, milliseconds: number, task: () => void): void {
    if (this.stopped || this.timers.has(name)) return
    const timer = setTimeout(() => {
      this.timers.delete(name)
      task()
    }, milliseconds)
    // Nothing is lost when the process ends before: its successor takes it up.
    timer.unref()
    this.timers.set(name, timer)
  }

  cancel(name: string): void {
    clearTimeout(this.timers.get(name))
    this.timers.delete(name)
  }

  stop(): void {
    this.stopped = true
    for (const name of [...this.timers.keys()]) this.cancel(name)
  }
}
