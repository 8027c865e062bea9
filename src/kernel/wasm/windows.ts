/** Sums of multiples of points without tables: digits are cut and buckets chosen here, filled in WebAssembly (src/kernel/assembly/msm.ts). */
import type { SmallRows } from '../types.js'
import type { KernelMemory } from './memory.js'
import { BUCKET, ENTRY, fromPairs, PAIR, SCALAR, WasmPoints } from './vector.js'
import { add } from './points.js'

/** Points that go through one call: 3.5 MiB. */
const AT_ONCE = 32_768
/** Bits of a window: 2 · 2,049 buckets are 576 KiB, about what a core has for itself. */
const MOST_BITS = 12
/** What a pair of buckets costs when they are joined, beside an addition to a pair of buckets: 18 multiplications to 7, and a few copies. */
const BUCKET_COST = 2.2

interface Windows {
  /** Address of the digits, window by window. */
  readonly digits: number
  /** An even number. */
  readonly windows: number
  readonly bits: number
}

/** A sign and a carry need one bit more; two windows go together. */
function windowsFor(bitLength: number, bits: number): number {
  return 2 * Math.ceil((bitLength + 1) / bits / 2)
}

/** The width of windows with the least work for `count` numbers. */
function bestBits(count: number, bitLength: number): number {
  let best = 2
  let least = Infinity
  for (let bits = 2; bits <= MOST_BITS; bits++) {
    const cost = windowsFor(bitLength, bits) * (count + BUCKET_COST * 2 ** (bits - 1))
    if (cost < least) [best, least] = [bits, cost]
  }
  return best
}

/** Of the longest scalar. */
function bitLengthOf(scalars: Uint8Array): number {
  for (let byte = SCALAR - 1; byte >= 0; byte--) {
    let or = 0
    for (let at = byte; at < scalars.length; at += SCALAR) or |= scalars[at]!
    if (or > 0) return 8 * byte + 32 - Math.clz32(or)
  }
  return 0
}

const DIGIT = Int16Array.BYTES_PER_ELEMENT

/** Places the digits of scalars. @param bits of a window; the best ones if left out */
export function scalarWindows(memory: KernelMemory, scalars: Uint8Array, bits?: number): Windows {
  const count = scalars.length / SCALAR
  const length = bitLengthOf(scalars)
  const chosen = bits ?? bestBits(count, length)
  const windows = windowsFor(length, chosen)
  const digits = memory.room(windows * count * DIGIT)
  memory.exports.scalarDigits(memory.place(scalars), count, chosen, windows, digits)
  return { digits, windows, bits: chosen }
}

/** The same for integers of at most 53 bits. */
function entryWindows(memory: KernelMemory, row: SmallRows): Windows {
  let largest = 0
  for (const entry of row) largest = Math.max(largest, Math.abs(entry))
  const length = largest.toString(2).length
  const bits = bestBits(row.length, length)
  const windows = windowsFor(length, bits)
  const digits = memory.room(windows * row.length * DIGIT)
  memory.exports.entryDigits(memory.place(row), row.BYTES_PER_ELEMENT, row.length, bits, windows, digits)
  return { digits, windows, bits }
}

/** Σ of one part of a vector into the pair at `out`. */
function multiply(memory: KernelMemory, out: number, part: Uint8Array, { digits, windows, bits }: Windows): void {
  const buckets = memory.room(2 * (2 ** (bits - 1) + 1) * BUCKET)
  memory.exports.multiply(out, memory.place(part), part.length / ENTRY, digits, bits, windows, buckets)
}

/** Adds up the results for parts of at most AT_ONCE points. */
function overParts(length: number, sum: (from: number, to: number) => WasmPoints): WasmPoints {
  let total = sum(0, Math.min(length, AT_ONCE))
  for (let from = AT_ONCE; from < length; from += AT_ONCE) total = add(total, sum(from, Math.min(length, from + AT_ONCE))) as WasmPoints
  return total
}

/** Σ_i scalars_i · points_i. */
export function multiScalar(scalars: Uint8Array, points: WasmPoints): WasmPoints {
  return overParts(points.length, (from, to) =>
    fromPairs(1, memory => {
      const out = memory.room(PAIR)
      multiply(memory, out, points.part(from, to), scalarWindows(memory, scalars.subarray(from * SCALAR, to * SCALAR)))
      return out
    })
  )
}

/** Σ_i rows[t, i] · bases_i for each row. */
export function multiRows(bases: WasmPoints, rows: SmallRows, count: number): WasmPoints {
  const width = bases.length
  const entries = new Uint8Array(count * ENTRY)
  for (let t = 0; t < count; t++) {
    const { entries: entry } = overParts(width, (from, to) =>
      fromPairs(1, memory => {
        const out = memory.room(PAIR)
        multiply(memory, out, bases.part(from, to), entryWindows(memory, rows.subarray(t * width + from, t * width + to)))
        return out
      })
    )
    entries.set(entry, t * ENTRY)
  }
  return new WasmPoints(entries)
}
