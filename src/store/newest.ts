/**
 * The newest heads of the feeds of one topic, in memory: what a peer that joins is told costs no walk through all feeds. An owner
 * with many feeds has a share of it, so that nobody else's is hidden.
 */

/** Feeds told of one owner, and remembered in all: more than are told, since some go. */
export const OWNER_HEADS = 16
const REMEMBERED = 512

export interface NewestHead {
  readonly feed: string
  readonly owner: string
  readonly index: bigint
  /** Milliseconds since 1970. */
  readonly time: number
}

const newestFirst = (a: NewestHead, b: NewestHead): number => b.time - a.time || (a.feed < b.feed ? -1 : 1)

export class Newest {
  private readonly heads = new Map<string, NewestHead>()
  /** True when feeds were left out that are among the newest once others have gone; those of an owner with many go before its newest. */
  private hasLeftOut = false

  put(head: NewestHead): void {
    const isNew = !this.heads.has(head.feed)
    this.heads.set(head.feed, head)
    if (!isNew) return
    const ofOwner = [...this.heads.values()].filter(({ owner }) => owner === head.owner)
    for (const { feed } of ofOwner.sort(newestFirst).slice(OWNER_HEADS)) this.heads.delete(feed)
    if (this.heads.size <= 2 * REMEMBERED) return
    for (const { feed } of [...this.heads.values()].sort(newestFirst).slice(REMEMBERED)) this.heads.delete(feed)
    this.hasLeftOut = true
  }

  delete(feed: string): void {
    this.heads.delete(feed)
  }

  /** True when what is remembered may lack a feed that would be told: all of them have to be put again. */
  isShort(most: number): boolean {
    return this.hasLeftOut && this.heads.size < most
  }

  clear(): void {
    this.heads.clear()
    this.hasLeftOut = false
  }

  /** Not older than `since`, the newest first, at most `most`. */
  list(since: bigint, most: number): NewestHead[] {
    return [...this.heads.values()]
      .filter(({ time }) => BigInt(time) >= since)
      .sort(newestFirst)
      .slice(0, most)
  }
}
