/** How far this node's clock is from those of others, told by the announcements that they send on. */

/** Peers whose latest announcement counts: no one of them moves the median far. */
const PEERS = 64

export class ClockSkew {
  /** Milliseconds by which the latest announcement of a peer was ahead of this clock; the longest silent first. */
  private readonly ahead = new Map<string, number>()

  note(peer: string, milliseconds: number): void {
    this.ahead.delete(peer)
    this.ahead.set(peer, milliseconds)
    if (this.ahead.size > PEERS) this.ahead.delete(this.ahead.keys().next().value!)
  }

  /** Their median: positive when this clock is slow. Null before anything was heard. */
  get median(): number | null {
    const sorted = [...this.ahead.values()].sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? null
  }

  get peers(): number {
    return this.ahead.size
  }
}
