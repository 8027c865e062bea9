/**
 * Announcements by feed and index: own feeds grow by one at a time, durable before an announcement leaves; others' are kept as they
 * come, also with gaps, but never two of one index or against the hash chain. Beyond the bound the oldest go, so that a feed keeps its
 * newest part, the head last.
 */
import { equal, fromHex, fromUtf8, toHex } from '../bytes.js'
import { InvalidProofError } from '../errors.js'
import { type Announcement, announcedOwner, NO_PREVIOUS } from '../wire/announcement.js'
import { checkNext, type FeedAnnouncement, feedId, openAnnouncement } from './feed.js'
import { Kept, type KeptLimits } from './kept.js'
import { Newest, type NewestHead } from './newest.js'
import { type KeyParts, sortable, type Table, type Write } from './table.js'

/** What is known of a feed: its latest announcement. */
export interface FeedHead {
  readonly feed: string
  readonly adapter: string
  readonly base: string
  readonly contributor: string
  /** The adapter's, when it is not the contributor itself (nor in a store of an earlier version). */
  readonly owner?: string
  /** Decimal. */
  readonly index: string
  readonly hash: string
  /** Milliseconds since 1970, as announced. */
  readonly time: number
  readonly own: boolean
  /** Announcements kept; fewer than index + 1 when there are gaps. */
  readonly kept: number
  /** Decimal: those before it were here and went (none when it is not there). */
  readonly from?: string
}

/**
 * `stored`, `known` (the same is there), or `conflict`: another announcement has this index, hash chain or times do not fit a
 * neighbour, or the feed is of another base model. What was there stays. `past`: older than what is kept, or it was here and went.
 */
export type PutResult = 'stored' | 'known' | 'conflict' | 'past'

/** By the first four bits of the base model (protocols/announce). */
const TOPICS = 16
const MOST_TIME = BigInt(Number.MAX_SAFE_INTEGER)

export class Feeds {
  private readonly kept: Kept
  private heads_ = 0
  private missing_ = 0n
  private incomplete_ = 0
  private readonly newest = Array.from({ length: TOPICS }, () => new Newest())

  constructor(
    private readonly table: Table,
    limits: KeptLimits,
    now: () => number
  ) {
    this.kept = new Kept({ table, kind: 'announcement', limits, now, recalls: true, remove: (ids, write) => this.remove(ids, write) })
  }

  async open(): Promise<void> {
    for (const topic of this.newest.keys()) {
      for await (const head of this.headsOf(topic)) {
        this.heads_++
        this.gapsOf(head, 1)
        this.newest[topic]!.put(newestOf(head))
      }
    }
    await this.kept.open()
  }

  /** Feeds known. */
  get count(): number {
    return this.heads_
  }

  /** Announcements that are known to be missing, and in how many feeds: those before what is kept of a feed do not count. */
  get gaps(): { readonly announcements: bigint; readonly feeds: number } {
    return { announcements: this.missing_, feeds: this.incomplete_ }
  }

  get bytes(): number {
    return this.kept.bytes.own + this.kept.bytes.others
  }

  /**
   * Makes the next announcement of an own feed and stores it; only what this returns may be published.
   * @param build given index, previous hash and the time of the one before (0 for the first), makes and signs the announcement
   */
  async append(
    { contributorKey, adapter }: { contributorKey: Uint8Array; adapter: Uint8Array },
    build: (place: { index: bigint; previous: Uint8Array }, after: bigint) => Uint8Array
  ): Promise<FeedAnnouncement> {
    const feed = toHex(feedId(contributorKey, adapter))
    return this.kept.change(async write => {
      const head = await this.head(feed)
      const place =
        head === undefined ? { index: 0n, previous: NO_PREVIOUS } : { index: BigInt(head.index) + 1n, previous: fromHex(head.hash) }
      const read = openAnnouncement(build(place, BigInt(head?.time ?? 0)))
      this.store(read, head, { own: true, write })
      return read
    })
  }

  /** Keeps an announcement whose signatures have been checked. */
  async put(read: FeedAnnouncement): Promise<PutResult> {
    return this.kept.change(async write => {
      const head = await this.head(toHex(read.feed))
      const { index, statement } = read.announcement
      if (head !== undefined && head.base !== toHex(statement.base)) return 'conflict'
      const there = await this.get(read.feed, index)
      if (there !== undefined) return equal(there, read.bytes) ? 'known' : 'conflict'
      const before = index === 0n ? undefined : await this.get(read.feed, index - 1n)
      if (before !== undefined && !follows(openAnnouncement(before), read.announcement)) return 'conflict'
      const after = await this.get(read.feed, index + 1n)
      if (after !== undefined && !follows(read, openAnnouncement(after).announcement)) return 'conflict'
      if (head !== undefined && !fitsHead(read.announcement, head)) return 'conflict'
      if (this.isBefore(read, head)) return 'past'
      this.store(read, head, { own: false, write })
      return 'stored'
    })
  }

  /** True for what `put` would not take: older than what is kept, or it was here and went. */
  async isPast(read: FeedAnnouncement): Promise<boolean> {
    return this.isBefore(read, await this.head(toHex(read.feed)))
  }

  async get(feed: Uint8Array, index: bigint): Promise<Uint8Array | undefined> {
    return this.table.get(['announcement', toHex(feed), sortable(index)])
  }

  /** True when exactly this announcement is kept. */
  async has(feed: Uint8Array, index: bigint, hash: Uint8Array): Promise<boolean> {
    const there = await this.get(feed, index)
    return there !== undefined && equal(openAnnouncement(there).hash, hash)
  }

  /** Consecutive announcements from `from` on, at most `count`. */
  async range(feed: Uint8Array, from: bigint, count: number): Promise<Uint8Array[]> {
    const range: Uint8Array[] = []
    while (range.length < count) {
      const bytes = await this.get(feed, from + BigInt(range.length))
      if (bytes === undefined) break
      range.push(bytes)
    }
    return range
  }

  /** The first index from `before - most` on that is not kept, below `before`; undefined: none is missing. */
  async firstMissing(feed: Uint8Array, before: bigint, most: number): Promise<bigint | undefined> {
    const head = await this.head(toHex(feed))
    const from = BigInt(head?.from ?? 0n)
    if (head !== undefined && from + BigInt(head.kept) === BigInt(head.index) + 1n && BigInt(head.index) + 1n >= before) return undefined
    const first = before > BigInt(most) ? before - BigInt(most) : 0n
    for (let index = first > from ? first : from; index < before; index++) {
      if ((await this.get(feed, index)) === undefined) return index
    }
    return undefined
  }

  /** The announcements of a feed, the latest first, as far as they are kept without a gap. */
  async *backwards({ contributorKey, adapter }: { contributorKey: Uint8Array; adapter: Uint8Array }): AsyncGenerator<Uint8Array> {
    const feed = feedId(contributorKey, adapter)
    const head = await this.head(toHex(feed))
    for (let index = BigInt(head?.index ?? -1n); index >= 0n; index--) {
      const bytes = await this.get(feed, index)
      if (bytes === undefined) return
      yield bytes
    }
  }

  /**
   * Latest announcements of the feeds of a topic, at most 16 of one owner, not older than `since` (milliseconds since 1970), the newest
   * first.
   */
  async heads(topic: number, since: bigint, most: number): Promise<Uint8Array[]> {
    const newest = this.newest[topic]!
    if (newest.isShort(most)) await this.kept.change(() => this.remember(topic))
    const announcements: Uint8Array[] = []
    for (const { feed, index } of newest.list(since, most)) {
      const bytes = await this.get(fromHex(feed), index)
      if (bytes !== undefined) announcements.push(bytes)
    }
    return announcements
  }

  /** A feed's latest announcement that was kept. */
  async latest(feed: Uint8Array): Promise<FeedHead | undefined> {
    return this.head(toHex(feed))
  }

  async list(): Promise<FeedHead[]> {
    return this.table.jsonList<FeedHead>(['feed'])
  }

  async evict(): Promise<number> {
    return this.kept.evict()
  }

  /** Reads the heads of a topic anew. */
  private async remember(topic: number): Promise<void> {
    this.newest[topic]!.clear()
    for await (const head of this.headsOf(topic)) this.newest[topic]!.put(newestOf(head))
  }

  private async *headsOf(topic: number): AsyncGenerator<FeedHead> {
    for await (const { value } of this.table.entries(['feed', topic.toString(16)])) yield JSON.parse(fromUtf8(value)) as FeedHead
  }

  /** Counts the gaps of a feed in (1) or out (-1). */
  private gapsOf(head: FeedHead, sign: 1 | -1): void {
    const { index, from = '0', kept } = head
    const missing = BigInt(index) + 1n - BigInt(from) - BigInt(kept)
    if (missing <= 0n) return
    this.missing_ += BigInt(sign) * missing
    this.incomplete_ += sign
  }

  private async head(feed: string): Promise<FeedHead | undefined> {
    const topic = await this.table.get(['feed-topic', feed])
    return topic === undefined ? undefined : this.table.getJson<FeedHead>(['feed', topic[0]!.toString(16), feed])
  }

  private isBefore({ announcement }: FeedAnnouncement, head: FeedHead | undefined): boolean {
    return announcement.index < BigInt(head?.from ?? 0n) || this.kept.isPast(placeOf(announcement))
  }

  private store(
    { announcement, bytes, feed, hash }: FeedAnnouncement,
    head: FeedHead | undefined,
    { own, write }: { own: boolean; write: Write }
  ): void {
    const name = toHex(feed)
    const index = sortable(announcement.index)
    const isOwn = own || head?.own === true
    write.put(['announcement', name, index], bytes)
    this.kept.add({ id: [name, index], bytes: bytes.length, own: isOwn, ...placeOf(announcement) }, write)
    const latest = head === undefined || announcement.index > BigInt(head.index) ? headOf(announcement, hash) : head
    const topic = announcement.statement.base[0]! >>> 4
    write.put(['feed-topic', name], Uint8Array.of(topic))
    const next: FeedHead = { ...latest, feed: name, own: isOwn, kept: (head?.kept ?? 0) + 1, ...(head?.from && { from: head.from }) }
    write.putJson(['feed', topic.toString(16), name], next)
    this.newest[topic]!.put(newestOf(next))
    if (head === undefined) this.heads_++
    else this.gapsOf(head, -1)
    this.gapsOf(next, 1)
  }

  private async remove(ids: readonly KeyParts[], write: Write): Promise<void> {
    const went = new Map<string, string[]>()
    for (const [feed, index] of ids as readonly [string, string][]) {
      write.delete(['announcement', feed, index])
      const indices = went.get(feed) ?? []
      went.set(feed, indices)
      indices.push(index)
    }
    for (const [feed, indices] of went) {
      const head = (await this.head(feed))!
      const topic = head.base[0]!
      this.gapsOf(head, -1)
      if (head.kept > indices.length) {
        const last = indices.map(index => BigInt(`0x${index}`)).reduce((a, b) => (a > b ? a : b), BigInt(head.from ?? 0n) - 1n)
        const next: FeedHead = { ...head, kept: head.kept - indices.length, from: (last + 1n).toString() }
        write.putJson(['feed', topic, feed], next)
        this.gapsOf(next, 1)
      } else {
        write.delete(['feed', topic, feed]).delete(['feed-topic', feed])
        this.newest[Number.parseInt(topic, 16)]!.delete(feed)
        this.heads_--
      }
    }
  }
}

/** Its age is that which it says, so that what comes late is not younger, and a feed's head goes last; its owner shares the room. */
function placeOf(announcement: Announcement): { added: number; owner: string } {
  const { time } = announcement
  const added = time > MOST_TIME ? Number.MAX_SAFE_INTEGER : Number(time)
  return { added, owner: toHex(announcedOwner(announcement)) }
}

/** Times do not fall: what comes before the head is no later, what comes after it no earlier. */
function fitsHead({ index, time }: Announcement, head: FeedHead): boolean {
  return index > BigInt(head.index) ? time >= BigInt(head.time) : time <= BigInt(head.time)
}

function follows(before: FeedAnnouncement, next: Announcement): boolean {
  try {
    checkNext(before, next)
    return true
  } catch (error) {
    if (error instanceof InvalidProofError) return false
    throw error
  }
}

function newestOf({ feed, owner, contributor, index, time }: FeedHead): NewestHead {
  return { feed, owner: owner ?? contributor, index: BigInt(index), time }
}

function headOf(announcement: Announcement, hash: Uint8Array): Omit<FeedHead, 'feed' | 'own' | 'kept'> {
  const { statement, index, time } = announcement
  return {
    adapter: toHex(statement.adapter),
    base: toHex(statement.base),
    contributor: toHex(statement.contributorKey),
    ...(announcement.delegation && { owner: toHex(announcement.delegation.owner) }),
    index: index.toString(),
    hash: toHex(hash),
    time: Number(time)
  }
}
