/**
 * What a side has to say, in order of urgency: control, then rows and deltas, then batches. A message becomes bytes when the stream
 * takes it, not before: only then is its place in the private chain known, and a tail can be signed.
 */
import { encodeMessage, type SessionMessage } from './messages.js'

const PRIORITIES = ['control', 'rows', 'batch'] as const
export type Priority = (typeof PRIORITIES)[number]

type Draft = () => Partial<SessionMessage>

interface Item {
  readonly draft: Draft
  readonly keep: ((bytes: Uint8Array) => Promise<void>) | undefined
}

export class Outbox {
  private readonly queues: Record<Priority, Item[]> = { control: [], rows: [], batch: [] }
  private ending = false
  private error: unknown
  private wake = (): void => {}

  /** @param onMessage gets every message's bytes as it leaves */
  constructor(private readonly onMessage: (bytes: Uint8Array) => void) {}

  /** @param keep puts a message that is signed on the disk; it leaves afterwards, and nothing before it */
  push(priority: Priority, draft: Draft, keep?: Item['keep']): void {
    this.queues[priority].push({ draft, keep })
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
      const item = this.next()
      if (item !== undefined) {
        const bytes = encodeMessage(item.draft())
        this.onMessage(bytes)
        if (item.keep !== undefined) {
          await item.keep(bytes)
          if (this.error !== undefined) throw this.error
        }
        yield bytes
      } else if (this.ending) return
      else await new Promise<void>(resolve => (this.wake = resolve))
    }
  }

  private next(): Item | undefined {
    for (const priority of PRIORITIES) {
      const item = this.queues[priority].shift()
      if (item !== undefined) return item
    }
    return undefined
  }
}
