/**
 * The exact integer delta: h = x·A, y = h·B, in WebAssembly. Every sum of absolute values stays at or below 2^53 (checked when the
 * adapter is quantised, exact.ts), so the order of the additions is free. Never float32, never a product that cancels (Strassen).
 */
import { combineRows, smallDots } from '../kernel/index.js'
import type { QuantizedGroup } from './types.js'

/**
 * h = x·A for all modules of a group.
 * @param x count × dIn, row-major, integers of the adapter's activationBits: none is −2^15
 * @returns count × Σr, row-major, modules in order; exact integers
 * @throws RangeError for an x of another length
 */
export function hidden(group: QuantizedGroup, x: Int16Array, count: number): Float64Array {
  const { dIn, modules } = group
  checkLength('x', x.length, count * dIn)
  const step = rankSum(group)
  const h = new Float64Array(count * step)
  let offset = 0
  for (const { a, rank } of modules) {
    smallDots({ x, width: dIn, a, h, step, offset })
    offset += rank
  }
  return h
}

/**
 * y = h·B for all modules of a group, each from its own part of h.
 * @param h count × Σr, as from `hidden`
 * @returns count × Σ dOut, row-major, modules in order; exact integers
 * @throws RangeError for an h of another length
 */
export function outputs(group: QuantizedGroup, h: Float64Array, count: number): Float64Array {
  const hStep = rankSum(group)
  checkLength('h', h.length, count * hStep)
  const step = outputSum(group)
  const y = new Float64Array(count * step)
  let hOffset = 0
  let offset = 0
  for (const { b, rank, dOut } of group.modules) {
    combineRows({ h, hStep, hOffset, b, rank, y, step, offset })
    hOffset += rank
    offset += dOut
  }
  return y
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
