/** Bounds on what a role does at a time, and in a time. */

/** Runs so many tasks at a time; the others wait in order. */
export class Gate {
  private free: number
  private readonly queue: (() => void)[] = []

  constructor(atOnce: number) {
    this.free = atOnce
  }

  /** Tasks that wait. */
  get waiting(): number {
    return this.queue.length
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.free === 0) await new Promise<void>(resolve => this.queue.push(resolve))
    else this.free--
    try {
      return await task()
    } finally {
      const next = this.queue.shift()
      if (next === undefined) this.free++
      else next()
    }
  }
}

/** So much within a sliding time. */
export class Quota {
  private readonly spent: { readonly at: number; readonly amount: number }[] = []

  /** @param milliseconds length of the time */
  constructor(
    private readonly most: number,
    private readonly milliseconds: number
  ) {}

  add(amount: number): void {
    this.spent.push({ at: performance.now(), amount })
  }

  /** True while less than all is spent. */
  get isOpen(): boolean {
    const now = performance.now()
    while (this.spent.length > 0 && now - this.spent[0]!.at >= this.milliseconds) this.spent.shift()
    return this.spent.reduce((sum, { amount }) => sum + amount, 0) < this.most
  }

  /** Resolves when less than all is spent. @throws the signal's reason */
  async open(signal: AbortSignal): Promise<void> {
    while (true) {
      signal.throwIfAborted()
      if (this.isOpen) return
      const now = performance.now()
      await after((this.spent[0]?.at ?? now) + this.milliseconds - now, signal)
    }
  }
}

/** Resolves after so many milliseconds, or when the signal aborts. */
export async function after(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal.addEventListener('abort', end)
  })
}
