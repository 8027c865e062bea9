/** Packed vectors of scalars: what the kernel does not need to know of them. */
import type { Kernel } from '../kernel/types.js'
import type { Random } from './types.js'

export const SCALAR_BYTES = 32
export const POINT_BYTES = 32
export const ZERO: Uint8Array = new Uint8Array(SCALAR_BYTES)
export const ONE: Uint8Array = Uint8Array.of(1, ...new Uint8Array(SCALAR_BYTES - 1))

/** Bytes of randomness that a scalar is reduced from, so that its bias is below 2^-250. */
const WIDE_BYTES = 64

/** Bytes of a weight that the prover cannot foresee: a wrong sum passes with chance 2^-128. */
const WEIGHT_BYTES = 16

/** Length in scalars (or points). */
export function lengthOf(packed: Uint8Array): number {
  return packed.length / SCALAR_BYTES
}

export function slice(packed: Uint8Array, from: number, to = lengthOf(packed)): Uint8Array {
  return packed.subarray(from * SCALAR_BYTES, to * SCALAR_BYTES)
}

/** `count` copies of one scalar or point. */
export function repeat(one: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(count * one.length)
  if (count === 0) return out
  out.set(one)
  for (let filled = one.length; filled < out.length; filled *= 2) out.copyWithin(filled, 0, Math.min(filled, out.length - filled))
  return out
}

/** Zeros up to `length` scalars. */
export function pad(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length * SCALAR_BYTES)
  out.set(packed)
  return out
}

/** low + c · high for vectors of any two lengths; the shorter one ends in zeros. */
export function foldPadded(kernel: Kernel, { low, high, c }: { low: Uint8Array; high: Uint8Array; c: Uint8Array }): Uint8Array {
  const length = Math.max(lengthOf(low), lengthOf(high))
  return kernel.foldScalars(pad(low, length), pad(high, length), c)
}

/** Σ over the common length of two vectors. */
export function innerProductPadded(kernel: Kernel, a: Uint8Array, b: Uint8Array): Uint8Array {
  const length = Math.min(lengthOf(a), lengthOf(b))
  return kernel.innerProduct(slice(a, 0, length), slice(b, 0, length))
}

export function sum(kernel: Kernel, parts: readonly Uint8Array[]): Uint8Array {
  return parts.reduce((total, part) => kernel.addScalars(total, part), ZERO)
}

/** Uniform scalars. */
export function randomScalars(kernel: Kernel, random: Random, count: number): Uint8Array {
  return kernel.reduceWide(random(count * WIDE_BYTES))
}

/** Weights of a random combination: 128 bits each, from the verifier's own generator. */
export function randomWeights(random: Random, count: number): Uint8Array {
  const bytes = random(count * WEIGHT_BYTES)
  const out = new Uint8Array(count * SCALAR_BYTES)
  for (let i = 0; i < count; i++) out.set(bytes.subarray(i * WEIGHT_BYTES, (i + 1) * WEIGHT_BYTES), i * SCALAR_BYTES)
  return out
}

/** Rows folded at a time: enough to keep a kernel busy, few enough to copy into one slab. */
const SLAB_ROWS = 64

/** Σ_t weights_t · rows_t for rows of one width that lie apart in memory. */
export function foldApart(kernel: Kernel, weights: Uint8Array, rows: readonly Int16Array[]): Uint8Array {
  const width = rows[0]!.length
  let total: Uint8Array = new Uint8Array(width * SCALAR_BYTES)
  for (let from = 0; from < rows.length; from += SLAB_ROWS) {
    const part = rows.slice(from, from + SLAB_ROWS)
    const slab = new Int16Array(part.length * width)
    part.forEach((row, i) => slab.set(row, i * width))
    total = kernel.addScalars(total, kernel.foldRows(slice(weights, from, from + part.length), slab, width))
  }
  return total
}
