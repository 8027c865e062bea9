/** Tables of multiples of bases that come again, kept in the WebAssembly memory for the rows that are committed over them. */
import type { KernelMemory } from './memory.js'
import { ENTRY, type WasmPoints } from './vector.js'

/** Bytes of a table: 129 multiples. */
const TABLE = 129 * ENTRY
/** Tables that the memory grows by. */
const GROW_BY = 64

export interface TableLimits {
  /** Digits of entries after which the bases of a vector get tables. */
  readonly fromDigits: number
  /** Tables that are kept. */
  readonly most: number
  /** Calls without a use, after which a vector's tables may go to make room for another's. */
  readonly staleAfterCalls: number
}

/** A table costs as much as 150 additions with it and takes 14.1 KiB: 113 MiB for all. */
const TABLE_LIMITS: TableLimits = { fromDigits: 128, most: 8192, staleAfterCalls: 64 }

interface Kept {
  readonly addresses: Uint32Array
  lastUse: number
}

export class Tables {
  /** Longest unused first. */
  private readonly kept = new Map<WasmPoints, Kept>()
  private readonly digits = new WeakMap<WasmPoints, number>()
  private readonly free: number[] = []
  private made = 0
  private calls = 0

  constructor(
    private readonly memory: KernelMemory,
    private readonly limits: TableLimits = TABLE_LIMITS
  ) {}

  /** Number of tables in use. */
  get size(): number {
    return this.made - this.free.length
  }

  /**
   * Addresses of the tables of a vector of bases, made if they have come often enough and there is room.
   * @param digits of each base's entries in this call
   */
  of(bases: WasmPoints, digits: number): Uint32Array | undefined {
    this.calls++
    const kept = this.kept.get(bases)
    if (kept !== undefined) {
      this.kept.delete(bases)
      this.kept.set(bases, kept)
      kept.lastUse = this.calls
      return kept.addresses
    }
    const sofar = (this.digits.get(bases) ?? 0) + digits
    this.digits.set(bases, sofar)
    if (sofar < this.limits.fromDigits || !this.makeRoom(bases.length)) return undefined
    const addresses = Uint32Array.from({ length: bases.length }, () => this.take())
    this.fill(bases, addresses)
    this.kept.set(bases, { addresses, lastUse: this.calls })
    return addresses
  }

  /** Drops stale tables until there is room for `count`; drops none if that would not help. */
  private makeRoom(count: number): boolean {
    let room = this.limits.most - this.size
    const dropped: WasmPoints[] = []
    for (const [bases, { addresses, lastUse }] of this.kept) {
      if (room >= count || this.calls - lastUse <= this.limits.staleAfterCalls) break
      room += addresses.length
      dropped.push(bases)
    }
    if (room < count) return false
    for (const bases of dropped) {
      this.free.push(...this.kept.get(bases)!.addresses)
      this.kept.delete(bases)
      this.digits.delete(bases)
    }
    return true
  }

  private take(): number {
    if (this.free.length === 0) {
      const count = Math.min(GROW_BY, this.limits.most - this.made)
      const start = this.memory.append(count * TABLE)
      for (let k = count - 1; k >= 0; k--) this.free.push(start + k * TABLE)
      this.made += count
    }
    return this.free.pop()!
  }

  private fill(bases: WasmPoints, addresses: Uint32Array): void {
    const { memory } = this
    memory.start()
    const spare = memory.room(TABLE)
    const entry = memory.room(2 * ENTRY)
    for (let i = 0; i < addresses.length; i += 2) {
      const part = bases.part(i, i + 2)
      memory.bytes().set(part, entry)
      const second = part.length > ENTRY
      memory.exports.makeTables(entry, second ? entry + ENTRY : entry, addresses[i]!, second ? addresses[i + 1]! : spare)
    }
  }
}
