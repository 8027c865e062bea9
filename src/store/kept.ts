/**
 * How much is kept of each kind, and what goes first: others' data in the order of its age, beyond a bound in bytes or time; own
 * data is counted and never goes by itself.
 */
import { Cursor, u32 } from '../bytes.js'
import { type KeyParts, Serial, sortable, type Table, type Write } from './table.js'

export interface KeptLimits {
  /** Bytes kept of others. */
  readonly bytes: number
  /** Milliseconds for which others' data is kept. */
  readonly age: number
}

/** A kind of data with its bound. */
export interface KeptInit {
  readonly table: Table
  readonly kind: string
  readonly limits: KeptLimits
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Adds the deletion of an item's own keys to a batch. */
  readonly remove: (id: KeyParts, write: Write) => Promise<void>
}

/** One thing kept: `id` are the last parts of its keys. */
export interface KeptItem {
  readonly id: KeyParts
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly added: number
  readonly own: boolean
}

/** When the bound is passed, so much more goes, so that not every write evicts. */
const SLACK = 0.05
/** Milliseconds after which a change also looks for what is too old. */
const SWEEP = 60 * 60 * 1000

export class Kept {
  private own = 0
  private others = 0
  private swept = 0

  private readonly serial = new Serial()

  constructor(private readonly init: KeptInit) {}

  /** Counts what is there. */
  async open(): Promise<void> {
    for await (const { parts, value } of this.init.table.entries(['kept', this.init.kind])) {
      const bytes = new Cursor(value, 'a size').u32()
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
    write.put(this.key(item), u32(item.bytes))
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

  private get isFull(): boolean {
    return this.others > this.init.limits.bytes
  }

  private async evictNow(): Promise<number> {
    const { table, kind, limits, now, remove } = this.init
    this.swept = now()
    const items: KeptItem[] = []
    for await (const { parts, value } of table.entries(['kept', kind, 'other'])) {
      items.push({ id: parts.slice(4), bytes: new Cursor(value, 'a size').u32(), added: Number.parseInt(parts[3]!, 16), own: false })
    }
    items.sort((a, b) => a.added - b.added)
    const most = this.isFull ? limits.bytes * (1 - SLACK) : limits.bytes
    let evicted = 0
    for (const item of items) {
      if (now() - item.added <= limits.age && this.others <= most) break
      const write = table.write()
      await remove(item.id, write)
      this.forget(item, write)
      await write.commit()
      evicted++
    }
    return evicted
  }

  private key(item: KeptItem): KeyParts {
    return ['kept', this.init.kind, ...(item.own ? ['own'] : ['other', sortable(item.added)]), ...item.id]
  }
}
