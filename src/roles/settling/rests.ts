/**
 * What this process still knows of broken sessions beside their journals: rows that were answered and are in no batch. Who loses it
 * settles as after a restart, so it is kept within a bound; of the peer that has most the oldest goes first.
 */
import type { Counters } from '../../counters.js'

interface Kept<Rest> {
  readonly peer: string
  readonly bytes: number
  readonly rest: Rest
}

export class Rests<Rest> {
  private readonly kept = new Map<string, Kept<Rest>>()

  /** @param most bytes in all */
  constructor(
    private readonly most: number,
    private readonly counters?: Counters
  ) {}

  get bytes(): number {
    return [...this.kept.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get(id: string): Rest | undefined {
    return this.kept.get(id)?.rest
  }

  set(id: string, kept: Kept<Rest>): void {
    this.kept.set(id, kept)
    while (this.bytes > this.most) {
      this.counters?.limits.add('restBytesAll')
      this.kept.delete(this.oldestOfLargest())
    }
  }

  delete(id: string): void {
    this.kept.delete(id)
  }

  private oldestOfLargest(): string {
    const bytesOf = new Map<string, number>()
    for (const { peer, bytes } of this.kept.values()) bytesOf.set(peer, (bytesOf.get(peer) ?? 0) + bytes)
    const [largest] = [...bytesOf].reduce((a, b) => (b[1] > a[1] ? b : a))
    return [...this.kept].find(([, { peer }]) => peer === largest)![0]
  }
}
