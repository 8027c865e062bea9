/**
 * Row commitments. A base that comes again has a table of its multiples 1 … 128, so that an entry costs one addition for each signed
 * 8-bit digit that is not zero; the digits' sums are joined by doublings, once for each row. Bases without a table go through buckets.
 */
import {
  add,
  addAddend,
  addendsOf,
  double,
  IDENTITY,
  subtractAddend,
  toAddends,
  type Addend,
  type Element,
  type Extended
} from './curve.js'
import { forEachDigit, multiInteger } from './windows.js'
import type { SmallRows } from '../types.js'

const DIGIT_BITS = 8
const MULTIPLES = 2 ** (DIGIT_BITS - 1)
/** Signed 8-bit digits of an 8-bit, 16-bit and 53-bit integer. */
const DIGITS = { 1: 1, 2: 2, 8: 7 } as Readonly<Record<number, number>>

/** Tables made with one inversion. */
const TABLES_AT_ONCE = 16

export interface TableLimits {
  /** Digits of entries after which a base gets a table. */
  readonly fromDigits: number
  /** Tables that are kept. */
  readonly most: number
  /** Calls without a use, after which a table may go to make room for another. Less would make wide rows push out their own tables. */
  readonly staleAfterCalls: number
}

/** A table takes 0.3 ms, which 64 rows of 16 bits pay for, and 25 KiB: 100 MiB for all. */
const TABLE_LIMITS: TableLimits = { fromDigits: 128, most: 4096, staleAfterCalls: 64 }

/** Row commitments and the tables that they have made. */
export class RowTables {
  /** Elements with tables, longest unused first, with the number of the call that used them last. */
  private readonly kept = new Map<Element, number>()
  private calls = 0

  constructor(private readonly limits: TableLimits = TABLE_LIMITS) {}

  /** Number of tables. */
  get size(): number {
    return this.kept.size
  }

  /** Σ_i rows[t, i] · bases_i for each row t. @param rows count × bases.length integers of at most 53 bits */
  commit(bases: readonly Element[], rows: SmallRows, count: number): Extended[] {
    const width = bases.length
    const digits = DIGITS[rows.BYTES_PER_ELEMENT]!
    this.prepare(bases, count * digits)
    /** Sum of digit w of row t at [t · digits + w]. */
    const sums = new Array<Extended>(count * digits).fill(IDENTITY)
    const loose: number[] = []
    // Base by base, so that one table serves all rows while it is in the processor's cache.
    bases.forEach(({ multiples }, i) => {
      if (multiples === undefined) {
        loose.push(i)
        return
      }
      for (let t = 0; t < count; t++) {
        forEachDigit(rows[t * width + i]!, DIGIT_BITS, (digit, w) => {
          const at = t * digits + w
          sums[at] = addMultiple(sums[at]!, multiples, digit)
        })
      }
    })
    const addends = addendsOf(loose.map(i => bases[i]!))
    return Array.from({ length: count }, (_, t) => {
      const sum = joinDigits(sums.slice(t * digits, (t + 1) * digits))
      if (loose.length === 0) return sum
      const rest = loose.map(i => rows[t * width + i]!)
      return add(sum, multiInteger(rest, addends))
    })
  }

  /** Gives tables to the bases that have come often enough, as long as there is room. */
  private prepare(bases: readonly Element[], digits: number): void {
    this.calls++
    const chosen: Element[] = []
    for (const base of new Set(bases)) {
      base.digits += digits
      const isKept = this.kept.delete(base)
      if (!isKept && (base.digits < this.limits.fromDigits || !this.hasRoom())) continue
      this.kept.set(base, this.calls)
      if (!isKept) chosen.push(base)
    }
    makeTables(chosen)
  }

  /** True if a table may be added, after dropping a stale one if need be. */
  private hasRoom(): boolean {
    if (this.kept.size < this.limits.most) return true
    const [oldest, lastUse] = this.kept.entries().next().value!
    if (this.calls - lastUse <= this.limits.staleAfterCalls) return false
    this.kept.delete(oldest)
    oldest.multiples = undefined
    oldest.digits = 0
    return true
  }
}

function makeTables(elements: readonly Element[]): void {
  for (let from = 0; from < elements.length; from += TABLES_AT_ONCE) {
    const part = elements.slice(from, from + TABLES_AT_ONCE)
    const points = addendsOf(part).flatMap((addend, i) => {
      const multiples: Extended[] = [part[i]!]
      for (let k = 1; k < MULTIPLES; k++) multiples.push(addAddend(multiples[k - 1]!, addend))
      return multiples
    })
    const addends = toAddends(points)
    part.forEach((element, i) => (element.multiples = addends.slice(i * MULTIPLES, (i + 1) * MULTIPLES)))
  }
}

function addMultiple(sum: Extended, multiples: readonly Addend[], digit: number): Extended {
  return digit > 0 ? addAddend(sum, multiples[digit - 1]!) : subtractAddend(sum, multiples[-digit - 1]!)
}

/** Σ_w 2^(8w) · sums_w. */
function joinDigits(sums: readonly Extended[]): Extended {
  return sums.reduceRight((total, sum) => {
    if (total === IDENTITY) return sum
    for (let i = 0; i < DIGIT_BITS; i++) total = double(total)
    return sum === IDENTITY ? total : add(total, sum)
  }, IDENTITY)
}
