/** Codes by which sessions are refused or broken off, counted on both sides: each as often as it was said. */
import type { Counters } from '../../counters.js'
import { RefusedError } from '../../errors.js'
import type { TailRole } from '../../proof/index.js'
import { CODE, codeName, codeOf, endedByPeer } from '../../session/index.js'

/** A wish of the person here, and no fault: the peer learns that the session ends. */
const isOwnWish = (error: unknown): boolean => !(error instanceof Error) || error.name === 'AbortError' || error.name === 'Error'

export class CodeCounts {
  private readonly counted = new WeakSet<object>()

  constructor(private readonly counters: Counters | undefined) {}

  /** A session ended with this error: counts the code that one side told the other. */
  code(error: unknown): void {
    if (!(error instanceof Error) || this.counted.has(error)) return
    this.counted.add(error)
    if (!endedByPeer(error)) {
      if (!isOwnWish(error)) this.counters?.refused.add(codeName(codeOf(error)))
    } else if (error instanceof RefusedError) this.heard(error.reason)
  }

  /** The user gave no receipt. @param role this side's */
  declined(role: TailRole, code: number): void {
    if (role === 'user') this.counters?.refused.add(codeName(code))
    else this.heard(codeName(code))
  }

  /** What a peer says makes no name of its own. */
  private heard(reason: string): void {
    const isKnown = Object.values(CODE).some(code => codeName(code) === reason)
    this.counters?.refusedBy.add(isKnown ? reason : 'other')
  }
}
