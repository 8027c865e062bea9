/**
 * How much is kept of each kind, and what goes first: others' data beyond a bound in time, and beyond a bound in bytes the oldest of
 * those owners who have the most, so that no owner pushes out another's; own data is counted and never goes by itself.
 */
import { concat, Cursor, fromUtf8, u32, utf8 } from '../bytes.js'
import { type KeyParts, Serial, sortable, type Table, type Write } from './table.js'

export interface KeptLimits {
  /** Bytes kept of others. */
  readonly bytes: number
  /** Milliseconds for which others' data is kept. */
  readonly age: number
  /** Told of items that went, and beyond which bound they were. */
  readonly onEvicted?: ((by: 'bytes' | 'age', items: number) => void) | undefined
}

/** A kind of data with its bound. */
export interface KeptInit {
  readonly table: Table
  readonly kind: string
  readonly limits: KeptLimits
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** True: of whom what went for want of room is also known after a restart. */
  readonly recalls?: boolean | undefined
  /** Adds the deletion of the items' own keys to a batch. */
  readonly remove: (ids: readonly KeyParts[], write: Write) => Promise<void>
}

/** One thing kept: `id` are the last parts of its keys. */
export interface KeptItem {
  readonly id: KeyParts
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly added: number
  readonly own: boolean
  /** Whose it is: owners share the room. Default: one for all. */
  readonly owner?: string | undefined
}

/** When the bound is passed, so much more goes, so that not every write evicts. */
const SLACK = 0.05
/** Milliseconds after which a change also looks for what is too old. */
const SWEEP = 60 * 60 * 1000
/** Items that are held in memory while they are sorted, and that go in one batch. */
const SORTED = 16_384
const BATCH = 256
/** Owners of whom it is remembered what went. */
const OWNERS = 65_536

export class Kept {
  private own = 0
  private others = 0
  private swept = 0
  /** For each owner of whom something went for want of room: the age of the newest that did. */
  private readonly wentUpTo = new Map<string, number>()
  /** Owners forgotten here whose note is still on the disk. */
  private readonly unnoted: string[] = []

  private readonly serial = new Serial()

  constructor(private readonly init: KeptInit) {}

  /** Counts what is there. */
  async open(): Promise<void> {
    await this.recall()
    for await (const { parts, value } of this.init.table.entries(['kept', this.init.kind])) {
      const bytes = new Cursor(value.subarray(0, 4), 'a size').u32()
      if (parts[2] === 'own') this.own += bytes
      else this.others += bytes
    }
    await this.evict()
  }

  /** One change after the other: the task fills the batch, which is committed; what is too much then goes. */
  async change<T>(task: (write: Write) => Promise<T>): Promise<T> {
    return this.serial.run(this.init.kind, async () => {
      const write = this.init.table.write()
      const result = await task(write)
      await write.commit()
      if (this.isFull || this.init.now() - this.swept >= SWEEP) await this.evictNow()
      return result
    })
  }

  /** Bytes kept, own and others'. */
  get bytes(): { own: number; others: number } {
    return { own: this.own, others: this.others }
  }

  /** In the same batch as the item itself. */
  add(item: KeptItem, write: Write): void {
    write.put(this.key(item), concat([u32(item.bytes), utf8(item.owner ?? '')]))
    if (item.own) this.own += item.bytes
    else this.others += item.bytes
  }

  forget(item: KeptItem, write: Write): void {
    write.delete(this.key(item))
    if (item.own) this.own -= item.bytes
    else this.others -= item.bytes
  }

  /** Removes what is too old, and the oldest while there is too much. Returns how many items went. */
  async evict(): Promise<number> {
    return this.serial.run(this.init.kind, () => this.evictNow())
  }

  /** True for what would go at once, or did: too old, or no newer than what went of this owner for want of room. */
  isPast({ added, owner = '' }: Pick<KeptItem, 'added' | 'owner'>): boolean {
    return this.isOld(added) || added <= (this.wentUpTo.get(owner) ?? -Infinity)
  }

  private get isFull(): boolean {
    return this.others > this.init.limits.bytes
  }

  private isOld(added: number): boolean {
    return this.init.now() - added > this.init.limits.age
  }

  private async evictNow(): Promise<number> {
    this.swept = this.init.now()
    const { bytes } = this.init.limits
    const most = this.isFull ? bytes * (1 - SLACK) : bytes
    let evicted = 0
    while (true) {
      const excess = this.others > most ? await this.excess(most) : new Map<string, number>()
      const oldest = await this.oldest(excess)
      const going = oldest.filter(item => this.isOld(item.added) || this.spend(item, excess))
      const old = going.filter(item => this.isOld(item.added)).length
      for (let at = 0; at < going.length; at += BATCH) await this.removeAll(going.slice(at, at + BATCH))
      if (old > 0) this.init.limits.onEvicted?.('age', old)
      if (going.length > old) this.init.limits.onEvicted?.('bytes', going.length - old)
      evicted += going.length
      if (oldest.length < SORTED) return evicted
    }
  }

  private async *items(): AsyncGenerator<KeptItem> {
    for await (const { parts, value } of this.init.table.entries(['kept', this.init.kind, 'other'])) {
      const owner = fromUtf8(value.subarray(4))
      yield {
        id: parts.slice(4),
        bytes: new Cursor(value.subarray(0, 4), 'a size').u32(),
        added: Number.parseInt(parts[3]!, 16),
        own: false,
        owner
      }
    }
  }

  /** For each owner who has more than its share of `most`: the bytes beyond it. */
  private async excess(most: number): Promise<Map<string, number>> {
    const bytesOf = new Map<string, number>()
    for await (const { bytes, added, owner } of this.items()) {
      if (!this.isOld(added)) bytesOf.set(owner!, (bytesOf.get(owner!) ?? 0) + bytes)
    }
    const share = fairShare([...bytesOf.values()], most)
    return new Map([...bytesOf].filter(([, bytes]) => bytes > share).map(([owner, bytes]) => [owner, bytes - share]))
  }

  /** The oldest items, at most SORTED, among the too old and those of owners with too much. */
  private async oldest(excess: ReadonlyMap<string, number>): Promise<KeptItem[]> {
    const found: KeptItem[] = []
    const cut = (): void => {
      found.sort((a, b) => a.added - b.added || (a.id.join('/') < b.id.join('/') ? -1 : 1))
      found.splice(SORTED)
    }
    for await (const item of this.items()) {
      if (!this.isOld(item.added) && !excess.has(item.owner!)) continue
      found.push(item)
      if (found.length === 2 * SORTED) cut()
    }
    cut()
    return found
  }

  /** True when the owner has too much still. */
  private spend({ owner, bytes, added }: KeptItem, excess: Map<string, number>): boolean {
    const left = excess.get(owner!) ?? 0
    if (left <= 0) return false
    excess.set(owner!, left - bytes)
    this.wentUpTo.delete(owner!)
    this.wentUpTo.set(owner!, added)
    if (this.wentUpTo.size > OWNERS) this.forgetOwner(this.wentUpTo.keys().next().value!)
    return true
  }

  private forgetOwner(owner: string): void {
    this.wentUpTo.delete(owner)
    if (this.init.recalls === true) this.unnoted.push(owner)
  }

  private async removeAll(items: readonly KeptItem[]): Promise<void> {
    const write = this.init.table.write()
    await this.init.remove(
      items.map(({ id }) => id),
      write
    )
    for (const item of items) this.forget(item, write)
    if (this.init.recalls === true) this.note(items, write)
    await write.commit()
  }

  /** In the batch in which it goes. */
  private note(items: readonly KeptItem[], write: Write): void {
    for (const owner of new Set(items.map(item => item.owner!))) {
      const upTo = this.wentUpTo.get(owner)
      if (upTo !== undefined) write.putJson(this.wentKey(owner), upTo)
    }
    for (const owner of this.unnoted.splice(0)) write.delete(this.wentKey(owner))
  }

  private async recall(): Promise<void> {
    const write = this.init.table.write()
    for await (const { parts, value } of this.init.table.entries(['went', this.init.kind])) {
      const upTo = JSON.parse(fromUtf8(value)) as number
      // What is as old is past by its age.
      if (this.isOld(upTo)) write.delete(parts)
      else this.wentUpTo.set(parts[2]!.slice(1), upTo)
    }
    await write.commit()
  }

  /** No part of a key is empty. */
  private wentKey(owner: string): KeyParts {
    return ['went', this.init.kind, `-${owner}`]
  }

  private key(item: KeptItem): KeyParts {
    return ['kept', this.init.kind, ...(item.own ? ['own'] : ['other', sortable(item.added)]), ...item.id]
  }
}

/** What each may have so that all together have at most `most`; Infinity when they have no more. */
export function fairShare(amounts: readonly number[], most: number): number {
  let left = most
  for (const [i, amount] of [...amounts].sort((a, b) => a - b).entries()) {
    const share = left / (amounts.length - i)
    if (amount > share) return share
    left -= amount
  }
  return Infinity
}
