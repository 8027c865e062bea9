/**
 * The way to one contributor. It serves a peer few sessions at a time, and settling takes their places: who has many to settle settles
 * them in turn, and leaves places to new sessions. That the contributor is away, or busy, one finds out for all that wait.
 */
import { Gate } from '../gate.js'

/** Sessions settled at a time; a contributor serves a peer four. */
const AT_ONCE = 2
/** Milliseconds for which nobody who comes need try what has just failed. */
const FRESH = 500

export class Line {
  private readonly gate = new Gate(AT_ONCE)
  private users = 0
  private failure: { readonly at: number; readonly error: Error } | undefined

  /** Nobody is in it. */
  get isIdle(): boolean {
    return this.users === 0
  }

  async run(task: () => Promise<void>): Promise<void> {
    this.users++
    try {
      await this.gate.run(task)
    } finally {
      this.users--
    }
  }

  /** The contributor did not take a session: no other that waits need try. */
  failed(error: Error): void {
    this.failure = { at: performance.now(), error }
  }

  /** @param asked when a turn was asked for, by performance.now() @returns why there is no need to try in it */
  failureFor(asked: number): Error | undefined {
    return this.failure !== undefined && this.failure.at > asked - FRESH ? this.failure.error : undefined
  }
}
