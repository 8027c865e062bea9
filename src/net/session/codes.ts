/** Codes by which sessions are refused or broken off, counted on both sides: each as often as it was said. */
import type { Counters } from '../../counters.js'
import { RefusedError } from '../../errors.js'
import type { TailRole } from '../../proof/index.js'
import { CODE, codeName, codeOf, endedByPeer } from '../../session/index.js'
import { OTHER_VERSION } from '../versions.js'

/** Of codes that this version does not know. */
const OTHER = 'other'
/** All that is counted as said to others, and as heard from them. */
export const SENT_CODES: readonly string[] = [...Object.values(CODE).map(codeName), OTHER_VERSION]
export const RECEIVED_CODES: readonly string[] = [...SENT_CODES, OTHER]

/** A user that breaks off for reasons of its own, which is no fault of anybody: the peer learns that the session ends. */
function isOwnWish(role: TailRole, { name }: Error): boolean {
  return role === 'user' && (name === 'AbortError' || name === 'Error')
}

export class CodeCounts {
  private readonly counted = new WeakSet<object>()

  constructor(private readonly counters: Counters | undefined) {}

  /** A session ended with this error: counts the code that one side told the other. @param role this side's */
  code(role: TailRole, error: unknown): void {
    if (!(error instanceof Error) || this.counted.has(error)) return
    this.counted.add(error)
    if (!endedByPeer(error)) {
      if (!isOwnWish(role, error)) this.counters?.refused.add(codeName(codeOf(error)))
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
    this.counters?.refusedBy.add(isKnown ? reason : OTHER)
  }
}
