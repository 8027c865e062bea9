/**
 * The exact integer delta in float64: h = x·A, y = h·B. Every sum of absolute values stays at or below 2^53 (checked when the
 * adapter is quantised, exact.ts), so the order of the additions is free, and is chosen for speed: four columns or rows at a
 * time, outputs in blocks that stay in the first cache. Never float32, never a product that cancels (Strassen).
 */
import type { QuantizedGroup } from './types.js'

/** Outputs in a block: 4 rows of B in 16 bits and the outputs in 64 bits take 8 KiB of a first cache of 32. */
const BLOCK = 512

/**
 * h = x·A for all modules of a group.
 * @param x count × dIn, row-major, integers of the adapter's activationBits
 * @returns count × Σr, row-major, modules in order; exact integers
 * @throws RangeError for an x of another length
 */
export function hidden(group: QuantizedGroup, x: Int16Array, count: number): Float64Array {
  const { dIn, modules } = group
  checkLength('x', x.length, count * dIn)
  const width = rankSum(group)
  const h = new Float64Array(count * width)
  const row = new Float64Array(dIn)
  for (let t = 0; t < count; t++) {
    row.set(x.subarray(t * dIn, (t + 1) * dIn))
    let at = t * width
    for (const { a, rank } of modules) {
      productsInto(h, at, { a, rank, row })
      at += rank
    }
  }
  return h
}

/** h[at + k] = Σ_i row_i · a[k, i], four columns k at a time. */
function productsInto(h: Float64Array, at: number, { a, rank, row }: { a: Int16Array; rank: number; row: Float64Array }): void {
  const dIn = row.length
  let k = 0
  for (; k + 4 <= rank; k += 4) {
    const [c0, c1, c2, c3] = [k * dIn, (k + 1) * dIn, (k + 2) * dIn, (k + 3) * dIn]
    let [s0, s1, s2, s3] = [0, 0, 0, 0]
    for (let i = 0; i < dIn; i++) {
      const x = row[i]!
      s0 += x * a[c0 + i]!
      s1 += x * a[c1 + i]!
      s2 += x * a[c2 + i]!
      s3 += x * a[c3 + i]!
    }
    h[at + k] = s0
    h[at + k + 1] = s1
    h[at + k + 2] = s2
    h[at + k + 3] = s3
  }
  for (; k < rank; k++) {
    let sum = 0
    for (let i = 0; i < dIn; i++) sum += row[i]! * a[k * dIn + i]!
    h[at + k] = sum
  }
}

/**
 * y = h·B for all modules of a group, each from its own part of h.
 * @param h count × Σr, as from `hidden`
 * @returns count × Σ dOut, row-major, modules in order; exact integers
 * @throws RangeError for an h of another length
 */
export function outputs(group: QuantizedGroup, h: Float64Array, count: number): Float64Array {
  const ranks = rankSum(group)
  checkLength('h', h.length, count * ranks)
  const width = outputSum(group)
  const y = new Float64Array(count * width)
  let hAt = 0
  let yAt = 0
  for (const { b, rank, dOut } of group.modules) {
    for (let from = 0; from < dOut; from += BLOCK) {
      const length = Math.min(BLOCK, dOut - from)
      for (let t = 0; t < count; t++) {
        combineInto(y, t * width + yAt + from, { b, from, length, dOut, h, at: t * ranks + hAt, rank })
      }
    }
    hAt += rank
    yAt += dOut
  }
  return y
}

interface Combination {
  readonly b: Int16Array
  /** First output of the block, and how many. */
  readonly from: number
  readonly length: number
  readonly dOut: number
  readonly h: Float64Array
  /** Where this module's part of this row's h begins. */
  readonly at: number
  readonly rank: number
}

/** y[yAt + j] = Σ_k h[at + k] · b[k, from + j], four rows k at a time. */
function combineInto(y: Float64Array, yAt: number, { b, from, length, dOut, h, at, rank }: Combination): void {
  let k = 0
  for (; k + 4 <= rank; k += 4) {
    const [h0, h1, h2, h3] = [h[at + k]!, h[at + k + 1]!, h[at + k + 2]!, h[at + k + 3]!]
    const r0 = k * dOut + from
    const r1 = r0 + dOut
    const r2 = r1 + dOut
    const r3 = r2 + dOut
    for (let j = 0; j < length; j++) y[yAt + j]! += h0 * b[r0 + j]! + h1 * b[r1 + j]! + h2 * b[r2 + j]! + h3 * b[r3 + j]!
  }
  for (; k < rank; k++) {
    const factor = h[at + k]!
    const row = k * dOut + from
    for (let j = 0; j < length; j++) y[yAt + j]! += factor * b[row + j]!
  }
}

/**
 * y_float = s_m · s_t · y.
 * @param given.modules widths and scales of the group's modules, in order; the user has them without the weights
 * @param given.y count × Σ dOut, exact integers
 * @param given.rowScales s_t of each row: count
 * @returns count × Σ dOut; computed in float64, rounded once
 * @throws RangeError when the lengths do not fit
 */
export function dequantize(given: {
  readonly modules: readonly { readonly dOut: number; readonly scale: number }[]
  readonly y: Float64Array
  readonly rowScales: Float64Array
}): Float32Array {
  const { modules, y, rowScales } = given
  const width = modules.reduce((sum, { dOut }) => sum + dOut, 0)
  checkLength('y', y.length, rowScales.length * width)
  const out = new Float32Array(y.length)
  let at = 0
  for (const rowScale of rowScales) {
    for (const { dOut, scale } of modules) {
      const factor = scale * rowScale
      for (const end = at + dOut; at < end; at++) out[at] = factor * y[at]!
    }
  }
  return out
}

/** Σr: the width of h. */
export function rankSum(group: { readonly modules: readonly { readonly rank: number }[] }): number {
  return group.modules.reduce((sum, { rank }) => sum + rank, 0)
}

/** Σ dOut: the width of y. */
export function outputSum(group: { readonly modules: readonly { readonly dOut: number }[] }): number {
  return group.modules.reduce((sum, { dOut }) => sum + dOut, 0)
}

function checkLength(what: string, length: number, expected: number): void {
  if (length !== expected) throw new RangeError(`${what} has ${length} entries, ${expected} were expected`)
}
