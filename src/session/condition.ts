/** Waiting for a state to be reached, or for the session to fail. */
interface Waiter {
  readonly test: () => boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Condition {
  private waiters: Waiter[] = []
  private error: unknown

  /** Resolves as soon as `test` holds. @throws what `fail` was given */
  async until(test: () => boolean): Promise<void> {
    if (this.error !== undefined) throw this.error
    if (test()) return
    await new Promise<void>((resolve, reject) => this.waiters.push({ test, resolve, reject }))
  }

  /** Something has changed. */
  notify(): void {
    this.waiters = this.waiters.filter(({ test, resolve }) => {
      const reached = test()
      if (reached) resolve()
      return !reached
    })
  }

  fail(error: unknown): void {
    this.error ??= error
    for (const { reject } of this.waiters.splice(0)) reject(this.error)
  }
}
