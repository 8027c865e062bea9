/** What a kernel computes, one step at a time with @noble/curves and BigInt: slow, and without anything in common with our arithmetic. */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import type { SmallRows } from '../../src/kernel/types.js'

export type NaivePoint = InstanceType<(typeof ristretto255)['Point']>

/** ℓ as the RFC prints it (section 4). */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

export const ZERO: NaivePoint = ristretto255.Point.ZERO
export const BASE: NaivePoint = ristretto255.Point.BASE

export function mod(value: bigint): bigint {
  return ((value % ORDER) + ORDER) % ORDER
}

export function times(point: NaivePoint, factor: bigint): NaivePoint {
  const positive = factor < 0n ? -factor : factor
  if (positive === 0n) return ZERO
  const product = point.multiplyUnsafe(positive)
  return factor < 0n ? product.negate() : product
}

export function sumOf(points: readonly NaivePoint[], factors: readonly bigint[]): NaivePoint {
  return points.reduce((sum, point, i) => sum.add(times(point, factors[i]!)), ZERO)
}

export function mapped(wide: Uint8Array): NaivePoint {
  return ristretto255_hasher.deriveToCurve!(wide) as NaivePoint
}

export function encoded(points: readonly NaivePoint[]): Uint8Array {
  return concat(points.map(point => point.toBytes()))
}

/** @param values from 0 to 2^256 − 1 */
export function bytesOf(...values: readonly bigint[]): Uint8Array {
  return concat(values.map(value => Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))))
}

/** Row t of rows with `width` entries. */
export function rowOf(rows: SmallRows, t: number, width: number): bigint[] {
  return Array.from(rows.subarray(t * width, (t + 1) * width), BigInt)
}

// Values to draw from, the ends of their ranges often.

export const scalar: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 3, arbitrary: fc.bigInt(0n, ORDER - 1n) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, 2n, 2n ** 128n - 1n, 2n ** 128n, 2n ** 252n, ORDER - 2n, ORDER - 1n) }
)

/** Multiples of the base point, the identity and opposite pairs among them. */
export const point: fc.Arbitrary<NaivePoint> = fc.integer({ min: -3, max: 40 }).map(factor => times(BASE, BigInt(factor)))

const MOST = 2 ** 53

interface Kind {
  make(entries: readonly number[]): SmallRows
  /** Entries lie from −most to most, and at the ends. */
  most: number
  ends: readonly number[]
}

const KINDS: readonly Kind[] = [
  { make: entries => Int8Array.from(entries), most: 2 ** 7 - 1, ends: [-(2 ** 7), 2 ** 7 - 1] },
  { make: entries => Int16Array.from(entries), most: 2 ** 15 - 1, ends: [-(2 ** 15), 2 ** 15 - 1, -129, -128, 127, 128, 255, 256] },
  { make: entries => Float64Array.from(entries), most: MOST - 1, ends: [-MOST, 1 - MOST, MOST - 1, MOST, 2 ** 44, -(2 ** 22)] }
]

/** Rows of each kind: count × width entries. */
export function rowsOf(count: number, width: number): fc.Arbitrary<SmallRows> {
  return fc.oneof(
    ...KINDS.map(({ make, most, ends }) => {
      const entry = fc.oneof(fc.integer({ min: -most, max: most }), fc.constantFrom(0, -1, 1, ...ends))
      return fc.array(entry, { minLength: count * width, maxLength: count * width }).map(entries => make(entries))
    })
  )
}
