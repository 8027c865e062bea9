/** Transcripts of provers and verifiers that deviate in one place. */
import { Transcript } from '../../src/proof/transcript.js'
import { LABELS } from '../../src/proof/labels.js'
import { kernel } from '../proof/fixture.js'

/** Absorbs one message late: only after a challenge that should depend on it has been drawn. */
export class LateTranscript extends Transcript {
  private readonly held: (() => void)[] = []

  constructor(
    private readonly late: string,
    private readonly after: string
  ) {
    super(kernel, LABELS.bundle)
  }

  override append(label: string, item: Uint8Array): void {
    if (label === this.late) this.held.push(() => super.append(label, item))
    else super.append(label, item)
  }

  override appendPacked(label: string, items: Uint8Array): void {
    if (label === this.late) this.held.push(() => super.appendPacked(label, items))
    else super.appendPacked(label, items)
  }

  override challenge(label: string): Uint8Array {
    const challenge = super.challenge(label)
    if (label === this.after) for (const absorb of this.held.splice(0)) absorb()
    return challenge
  }
}

/** A prover's that sends some messages changed: they are absorbed as they are sent. */
export class ChangingTranscript extends Transcript {
  constructor(private readonly changes: Readonly<Record<string, (item: Uint8Array) => Uint8Array>>) {
    super(kernel, LABELS.bundle)
  }

  override append(label: string, item: Uint8Array): void {
    super.append(label, this.changes[label]?.(item) ?? item)
  }

  override appendPacked(label: string, items: Uint8Array): void {
    super.appendPacked(label, this.changes[label]?.(items) ?? items)
  }
}
