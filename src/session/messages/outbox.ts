/**
 * What a side has to say, in order of urgency: control, then rows and deltas, then batches. A message becomes bytes when the stream
 * takes it, not before: only then is its place in the private chain known, and a tail can be signed.
 */
import { encodeMessage, type SessionMessage } from './messages.js'

const PRIORITIES = ['control', 'rows', 'batch'] as const
export type Priority = (typeof PRIORITIES)[number]

type Draft = () => Partial<SessionMessage>

export class Outbox {
  private readonly queues: Record<Priority, Draft[]> = { control: [], rows: [], batch: [] }
  private ending = false
  private error: unknown
  private wake = (): void => {}

  /** @param onMessage gets every message's bytes as it leaves */
  constructor(private readonly onMessage: (bytes: Uint8Array) => void) {}

  push(priority: Priority, draft: Draft): void {
    this.queues[priority].push(draft)
    this.wake()
  }

  /** Nothing is pushed after it; what waits still leaves. */
  end(): void {
    this.ending = true
    this.wake()
  }

  /** What waits does not leave any more, and the reader gets the error. */
  fail(error: unknown): void {
    this.error ??= error
    this.wake()
  }

  /** All messages, for one reader. @throws what `fail` was given */
  async *messages(): AsyncGenerator<Uint8Array> {
    while (true) {
      if (this.error !== undefined) throw this.error
      const draft = this.next()
      if (draft !== undefined) {
        const bytes = encodeMessage(draft())
        this.onMessage(bytes)
        yield bytes
      } else if (this.ending) return
      else await new Promise<void>(resolve => (this.wake = resolve))
    }
  }

  private next(): Draft | undefined {
    for (const priority of PRIORITIES) {
      const draft = this.queues[priority].shift()
      if (draft !== undefined) return draft
    }
    return undefined
  }
}
