/** What this side keeps to show how the other broke its word: the messages since the last batch that held. */
import type { Tail, TailRole } from '../proof/index.js'
import type { Terms } from './terms/terms.js'

export interface Evidence {
  /** Context, both peers and the accept message. */
  readonly terms: Terms
  /** Messages of both directions, in the order in which they were sent and received here, from the last opened batch on. */
  readonly messages: readonly { readonly from: TailRole; readonly bytes: Uint8Array }[]
  /** Messages of each direction before these. */
  readonly before: Readonly<Record<TailRole, number>>
  /** The other side's last tail that held. */
  readonly tail: Tail | undefined
  readonly error: Error
}

export class EvidenceLog {
  private readonly messages: { from: TailRole; bytes: Uint8Array }[] = []
  private readonly before: Record<TailRole, number> = { user: 0, contributor: 0 }
  private dropped = 0

  /** @returns the place after this message, for `forget` */
  note(from: TailRole, bytes: Uint8Array): number {
    this.messages.push({ from, bytes })
    return this.dropped + this.messages.length
  }

  /** Everything before `place` held. */
  forget(place: number): void {
    for (const { from } of this.messages.splice(0, place - this.dropped)) this.before[from]++
    this.dropped = place
  }

  take(terms: Terms, tail: Tail | undefined, error: Error): Evidence {
    return { terms, messages: [...this.messages], before: { ...this.before }, tail, error }
  }
}
