/** Scalars mod ℓ as BigInt inside and 32 little-endian bytes at the border. */
import { MalformedMessageError } from '../errors.js'
import type { SmallRows } from './types.js'

/** Order of ristretto255 (RFC 9496, section 4). */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

const BYTES = 32
const MASK_64 = 0xffffffffffffffffn

export function mod(value: bigint): bigint {
  const rest = value % ORDER
  return rest < 0n ? rest + ORDER : rest
}

export function readScalars(bytes: Uint8Array): bigint[] {
  if (bytes.length % BYTES !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of scalars`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const out = new Array<bigint>(bytes.length / BYTES)
  for (let i = 0, at = 0; i < out.length; i++, at += BYTES) out[i] = readWords(view, at, 4)
  return out
}

function readWords(view: DataView, at: number, words: number): bigint {
  let value = 0n
  for (let w = words - 1; w >= 0; w--) value = (value << 64n) | view.getBigUint64(at + 8 * w, true)
  return value
}

/** @param values below ℓ */
export function writeScalars(values: readonly bigint[]): Uint8Array {
  const out = new Uint8Array(values.length * BYTES)
  const view = new DataView(out.buffer)
  values.forEach((value, i) => {
    for (let w = 0; w < 4; w++) view.setBigUint64(i * BYTES + 8 * w, (value >> BigInt(64 * w)) & MASK_64, true)
  })
  return out
}

function sameLength(a: { length: number }, b: { length: number }): void {
  if (a.length !== b.length) throw new RangeError(`lengths ${a.length} and ${b.length} differ`)
}

function zip(a: Uint8Array, b: Uint8Array, combine: (x: bigint, y: bigint) => bigint): Uint8Array {
  sameLength(a, b)
  const right = readScalars(b)
  return writeScalars(readScalars(a).map((x, i) => mod(combine(x, right[i]!))))
}

function one(bytes: Uint8Array): bigint {
  if (bytes.length !== BYTES) throw new RangeError(`a scalar has 32 bytes, not ${bytes.length}`)
  return readScalars(bytes)[0]!
}

export function checkScalars(scalars: Uint8Array): void {
  const at = readScalars(scalars).findIndex(value => value >= ORDER)
  if (at >= 0) throw new MalformedMessageError(`scalar ${at} is not below the group order`)
}

export function reduceWide(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 64 !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of 64-byte values`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return writeScalars(Array.from({ length: bytes.length / 64 }, (_, i) => readWords(view, 64 * i, 8) % ORDER))
}

export function addScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
  return zip(a, b, (x, y) => x + y)
}

export function mulScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.length !== BYTES) return zip(a, b, (x, y) => x * y)
  const factor = one(b)
  return writeScalars(readScalars(a).map(x => mod(x * factor)))
}

export function negateScalars(a: Uint8Array): Uint8Array {
  return writeScalars(readScalars(a).map(x => mod(-x)))
}

export function invertScalars(a: Uint8Array): Uint8Array {
  const values = readScalars(a)
  const prefixes: bigint[] = []
  let product = 1n
  for (const value of values) {
    if (value === 0n) throw new RangeError('zero has no inverse')
    prefixes.push(product)
    product = (product * value) % ORDER
  }
  let inverse = power(product, ORDER - 2n)
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i]!
    values[i] = (inverse * prefixes[i]!) % ORDER
    inverse = (inverse * value) % ORDER
  }
  return writeScalars(values)
}

function power(base: bigint, exponent: bigint): bigint {
  let out = 1n
  for (let square = base, left = exponent; left > 0n; left >>= 1n, square = (square * square) % ORDER) {
    if (left & 1n) out = (out * square) % ORDER
  }
  return out
}

export function foldScalars(low: Uint8Array, high: Uint8Array, c: Uint8Array): Uint8Array {
  const factor = one(c)
  return zip(low, high, (x, y) => x + factor * y)
}

export function powers(x: Uint8Array, count: number): Uint8Array {
  const base = one(x)
  const out: bigint[] = []
  for (let i = 0, value = 1n; i < count; i++, value = (value * base) % ORDER) out.push(value)
  return writeScalars(out)
}

export function innerProduct(a: Uint8Array, b: Uint8Array): Uint8Array {
  sameLength(a, b)
  const right = readScalars(b)
  return writeScalars([mod(readScalars(a).reduce((sum, x, i) => sum + x * right[i]!, 0n))])
}

/** Bits of a limb: with 53-bit sums, 2^15 × 2^22 × 2^16 rows stay exact in float64. */
const LIMB_BITS = 22
const LIMBS = 12
/** Products added up before they are carried into BigInt: |row| ≤ 2^15 leaves 53 − 22 − 15 = 16 bits. */
const EXACT_TERMS = 1 << 16

/** count × LIMBS limbs of LIMB_BITS bits. */
function limbsOf(scalars: Uint8Array): Float64Array {
  const values = readScalars(scalars)
  const out = new Float64Array(values.length * LIMBS)
  values.forEach((value, i) => {
    for (let k = 0; k < LIMBS; k++) out[i * LIMBS + k] = Number((value >> BigInt(LIMB_BITS * k)) & BigInt((1 << LIMB_BITS) - 1))
  })
  return out
}

function fromLimbs(limbs: ArrayLike<number>, at: number): bigint {
  let value = 0n
  for (let k = LIMBS - 1; k >= 0; k--) value = (value << BigInt(LIMB_BITS)) + BigInt(limbs[at + k]!)
  return value
}

function shapeOf(rows: SmallRows, width: number): number {
  if (width === 0 || rows.length % width !== 0) throw new RangeError(`${rows.length} entries are no rows of ${width}`)
  return rows.length / width
}

export function foldRows(weights: Uint8Array, rows: SmallRows, width: number): Uint8Array {
  const count = shapeOf(rows, width)
  if (weights.length !== count * BYTES) throw new RangeError(`${weights.length / BYTES} weights for ${count} rows`)
  if (rows instanceof Float64Array) {
    const values = readScalars(weights)
    const sums = new Array<bigint>(width).fill(0n)
    for (let t = 0; t < count; t++) for (let i = 0; i < width; i++) sums[i]! += values[t]! * BigInt(rows[t * width + i]!)
    return writeScalars(sums.map(mod))
  }
  const limbs = limbsOf(weights)
  const totals = new Array<bigint>(width).fill(0n)
  for (let start = 0; start < count; start += EXACT_TERMS) {
    const sums = new Float64Array(width * LIMBS)
    for (let t = start; t < Math.min(count, start + EXACT_TERMS); t++) {
      for (let i = 0; i < width; i++) {
        const entry = rows[t * width + i]!
        if (entry === 0) continue
        for (let k = 0; k < LIMBS; k++) sums[i * LIMBS + k]! += entry * limbs[t * LIMBS + k]!
      }
    }
    for (let i = 0; i < width; i++) totals[i]! += fromLimbs(sums, i * LIMBS)
  }
  return writeScalars(totals.map(mod))
}

export function rowProducts(rows: SmallRows, vector: Uint8Array): Uint8Array {
  const width = vector.length / BYTES
  const count = shapeOf(rows, width)
  if (rows instanceof Float64Array || width > EXACT_TERMS) {
    const values = readScalars(vector)
    return writeScalars(
      Array.from({ length: count }, (_, t) => mod(values.reduce((sum, value, i) => sum + value * BigInt(rows[t * width + i]!), 0n)))
    )
  }
  const limbs = limbsOf(vector)
  const out: bigint[] = []
  for (let t = 0; t < count; t++) {
    const sums = new Float64Array(LIMBS)
    for (let i = 0; i < width; i++) {
      const entry = rows[t * width + i]!
      for (let k = 0; k < LIMBS; k++) sums[k]! += entry * limbs[i * LIMBS + k]!
    }
    out.push(mod(fromLimbs(sums, 0)))
  }
  return writeScalars(out)
}

export function scalarsOf(values: SmallRows): Uint8Array {
  return writeScalars(Array.from(values, value => mod(BigInt(value))))
}
