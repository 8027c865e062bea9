/**
 * Row commitments with a table of multiples for each base: entries are written in signed 8-bit digits, each digit looks up
 * one of 1·P … 128·P, and the digits' sums are joined by Horner's rule. Zero digits cost nothing.
 */
import { ristretto255 } from '@noble/curves/ed25519.js'
import type { SmallRows } from './types.js'

const { Point } = ristretto255
type NoblePoint = InstanceType<(typeof ristretto255)['Point']>

const DIGIT_BITS = 8
const BASE = 1 << DIGIT_BITS
const HALF = BASE / 2

/** Bases whose tables are kept: about 40 KiB each, so 160 MiB at most. The oldest go first. */
const MOST_TABLES = 4096

export class RowTables {
  private readonly tables = new Map<NoblePoint, NoblePoint[]>()

  /** multiples[i] = (i + 1) · point for i < 128. */
  private tableOf(point: NoblePoint): NoblePoint[] {
    const known = this.tables.get(point)
    if (known !== undefined) return known
    const multiples = [point]
    for (let i = 1; i < HALF; i++) multiples.push(i % 2 === 1 ? multiples[(i - 1) / 2]!.double() : multiples[i - 1]!.add(point))
    if (this.tables.size >= MOST_TABLES) this.tables.delete(this.tables.keys().next().value!)
    this.tables.set(point, multiples)
    return multiples
  }

  commit(bases: readonly NoblePoint[], rows: SmallRows, count: number): NoblePoint[] {
    const width = bases.length
    const sums: NoblePoint[][] = Array.from({ length: count }, () => [])
    for (let i = 0; i < width; i++) {
      let table: NoblePoint[] | undefined
      for (let t = 0; t < count; t++) {
        const entry = rows[t * width + i]!
        if (entry === 0) continue
        table ??= this.tableOf(bases[i]!)
        addEntry(sums[t]!, table, entry)
      }
    }
    return sums.map(joinDigits)
  }
}

function addEntry(digits: NoblePoint[], table: readonly NoblePoint[], entry: number): void {
  const negative = entry < 0
  let rest = Math.abs(entry)
  for (let k = 0; rest > 0; k++) {
    let digit = rest % BASE
    rest = Math.floor(rest / BASE)
    const borrow = digit > HALF
    if (borrow) {
      digit = BASE - digit
      rest++
    }
    if (digit === 0) continue
    const multiple = table[digit - 1]!
    const sum = digits[k] ?? Point.ZERO
    digits[k] = borrow === negative ? sum.add(multiple) : sum.subtract(multiple)
  }
}

function joinDigits(digits: readonly NoblePoint[]): NoblePoint {
  let out: NoblePoint = Point.ZERO
  for (let k = digits.length - 1; k >= 0; k--) {
    for (let i = 0; i < DIGIT_BITS; i++) out = out.double()
    const digit = digits[k]
    if (digit !== undefined) out = out.add(digit)
  }
  return out
}
