/** Time that only the test moves. */
import type { ShareClock } from '../../../src/roles/verifying/share.js'

export class TestClock implements ShareClock {
  private time = 0
  private readonly waiting = new Set<{ readonly at: number; readonly end: () => void }>()

  now(): number {
    return this.time
  }

  async after(milliseconds: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>(resolve => {
      const end = (): void => {
        signal.removeEventListener('abort', end)
        resolve()
      }
      this.waiting.add({ at: this.time + milliseconds, end })
      signal.addEventListener('abort', end)
    })
  }

  /** Lets time pass, and whatever that sets off happen. */
  async pass(milliseconds: number): Promise<void> {
    this.time += milliseconds
    for (const wait of this.waiting) {
      if (wait.at > this.time) continue
      this.waiting.delete(wait)
      wait.end()
    }
    await new Promise(resolve => setImmediate(resolve))
  }

  get waits(): number {
    return this.waiting.size
  }
}
