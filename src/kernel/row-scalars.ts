/**
 * Scalars times rows of small integers, in float64. A scalar is cut into limbs of 22 bits; an integer of at most 16 bits is one part, one
 * of 53 bits three parts of 22. Many products of a limb and a part add up exactly below 2^53 before anything has to be carried.
 */
import { checkCount, mod, readScalars, SCALAR_BYTES, writeScalars } from './scalars.js'
import type { SmallRows } from './types.js'

const LIMB_BITS = 22
const LIMB = 2 ** LIMB_BITS
const LIMB_MASK = BigInt(LIMB - 1)
/** Limbs of an integer of 53 bits. */
const PARTS = 3
/** Products of 22 + 15 bits that add up below 2^53. */
const TERMS_OF_ONE_PART = 2 ** 15
/** Of three products of 22 + 22 bits each: 128 · 3 · 2^44 < 2^53. */
const TERMS_OF_THREE_PARTS = 128

/** Where float64 ends to tell integers apart. */
const MOST = 2 ** 53

/** @throws RangeError for an entry of a Float64Array that is no integer from −2^53 to 2^53. */
export function checkExact(rows: SmallRows): void {
  if (!(rows instanceof Float64Array)) return
  const at = rows.findIndex(entry => !Number.isInteger(entry) || Math.abs(entry) > MOST)
  if (at >= 0) throw new RangeError(`entry ${at} is ${rows[at]}, not an integer from -2^53 to 2^53`)
}

export function checkRows(rows: SmallRows, width: number): number {
  checkExact(rows)
  const count = rows.length / width
  if (!Number.isInteger(count)) throw new RangeError(`${rows.length} entries are no rows of ${width}`)
  return count
}

/** Limb k of value i at [k · count + i]; as many limbs as the largest value needs, at least one. */
interface Limbs {
  readonly count: number
  readonly limbs: number
  readonly at: Float64Array
}

function limbsOf(scalars: Uint8Array): Limbs {
  const values = readScalars(scalars)
  const count = values.length
  const largest = values.reduce((most, value) => (value > most ? value : most), 1n)
  const limbs = Math.ceil(largest.toString(2).length / LIMB_BITS)
  const at = new Float64Array(limbs * count)
  values.forEach((value, i) => {
    for (let k = 0, rest = value; k < limbs; k++, rest >>= BigInt(LIMB_BITS)) at[k * count + i] = Number(rest & LIMB_MASK)
  })
  return { count, limbs, at }
}

/** How rows of this kind are cut: parts of an entry, and products that may be added before a carry. */
function cutOf(rows: SmallRows): { parts: number; terms: number } {
  return rows instanceof Float64Array ? { parts: PARTS, terms: TERMS_OF_THREE_PARTS } : { parts: 1, terms: TERMS_OF_ONE_PART }
}

/** Parts of `width` entries from `from` on: part p of entry i at [p · width + i]. */
function split(rows: SmallRows, from: number, width: number): Float64Array {
  if (!(rows instanceof Float64Array)) return Float64Array.from(rows.subarray(from, from + width))
  const out = new Float64Array(PARTS * width)
  for (let i = 0; i < width; i++) {
    const entry = rows[from + i]!
    const upper = Math.trunc(entry / LIMB)
    const top = Math.trunc(upper / LIMB)
    out[i] = entry - upper * LIMB
    out[width + i] = upper - top * LIMB
    out[2 * width + i] = top
  }
  return out
}

/** Sums of `width` columns: limb k of column i at [k · width + i]. The topmost limb takes the last carry. */
class Sums {
  readonly at: Float64Array

  constructor(
    private readonly limbs: number,
    private readonly width: number
  ) {
    this.at = new Float64Array(limbs * width)
  }

  /** Brings all limbs but the topmost to at most 21 bits and a sign. */
  carry(): void {
    const { at, width } = this
    for (let i = 0; i < at.length - width; i++) {
      const carry = Math.round(at[i]! / LIMB)
      at[i]! -= carry * LIMB
      at[i + width]! += carry
    }
  }

  scalars(): Uint8Array {
    this.carry()
    return writeScalars(
      Array.from({ length: this.width }, (_, i) => {
        let value = 0n
        for (let k = this.limbs - 1; k >= 0; k--) value = (value << BigInt(LIMB_BITS)) + BigInt(this.at[k * this.width + i]!)
        return mod(value)
      })
    )
  }
}

/** Rows that go through the columns together. */
const ROWS_AT_ONCE = 4

/** Σ_t weights_t · rows[t, ·]. */
export function foldRows(weights: Uint8Array, rows: SmallRows, width: number): Uint8Array {
  const count = width === 0 ? weights.length / SCALAR_BYTES : checkRows(rows, width)
  checkCount(weights, count)
  const { limbs, at: w } = limbsOf(weights)
  const { parts, terms } = cutOf(rows)
  const sums = new Sums(limbs + parts, width)
  const zero = new Float64Array(parts * width)
  for (let t = 0; t < count; t += ROWS_AT_ONCE) {
    if (t > 0 && t % terms === 0) sums.carry()
    const [a, b, c, d] = [t, t + 1, t + 2, t + 3].map(row => (row < count ? split(rows, row * width, width) : zero)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array
    ]
    for (let k = 0; k < limbs; k++) {
      const at = k * count + t
      const [wa, wb, wc, wd] = [w[at]!, w[at + 1] ?? 0, w[at + 2] ?? 0, w[at + 3] ?? 0]
      // Part p of a limb k adds to limb k + p: the parts lie one after the other, as the limbs of the sums do.
      for (let i = 0, to = k * width; i < a.length; i++, to++) sums.at[to]! += wa * a[i]! + wb * b[i]! + wc * c[i]! + wd * d[i]!
    }
  }
  return sums.scalars()
}

/** Σ_i rows[t, i] · vector_i for each row t. */
export function rowProducts(rows: SmallRows, vector: Uint8Array): Uint8Array {
  const { count: width, limbs, at: v } = limbsOf(vector)
  const count = checkRows(rows, width)
  const { parts, terms } = cutOf(rows)
  const sums = new Sums(limbs + parts, count)
  for (let from = 0; from < width; from += terms) {
    if (from > 0) sums.carry()
    const length = Math.min(terms, width - from)
    for (let t = 0; t < count; t++) {
      const row = split(rows, t * width + from, length)
      for (let k = 0; k < limbs; k++) {
        for (let p = 0; p < parts; p++) {
          let sum = 0
          for (let i = 0, at = k * width + from, entry = p * length; i < length; i++) sum += v[at + i]! * row[entry + i]!
          sums.at[(k + p) * count + t]! += sum
        }
      }
    }
  }
  return sums.scalars()
}

/** Small signed integers as scalars. */
export function scalarsOf(values: SmallRows): Uint8Array {
  checkExact(values)
  return writeScalars(Array.from(values, value => mod(BigInt(value))))
}
