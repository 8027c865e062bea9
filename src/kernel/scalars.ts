/** Scalars mod ℓ: BigInt inside, 32 little-endian bytes at the border. */
import { MalformedMessageError } from '../errors.js'

/** Order of ristretto255 (RFC 9496, section 4). */
export const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

export const SCALAR_BYTES = 32
const WIDE_BYTES = 64
const WORD_BYTES = 8

export function mod(value: bigint): bigint {
  const rest = value % ORDER
  return rest < 0n ? rest + ORDER : rest
}

/** Bytes of n values of `size` bytes each, as integers. */
function read(bytes: Uint8Array, size: number): bigint[] {
  if (bytes.length % size !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of values of ${size} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.length / size }, (_, i) => {
    let value = 0n
    for (let at = (i + 1) * size - WORD_BYTES; at >= i * size; at -= WORD_BYTES) value = (value << 64n) | view.getBigUint64(at, true)
    return value
  })
}

export function readScalars(bytes: Uint8Array): bigint[] {
  return read(bytes, SCALAR_BYTES)
}

/** @param values from 0 to ℓ − 1 */
export function writeScalars(values: readonly bigint[]): Uint8Array {
  const out = new Uint8Array(values.length * SCALAR_BYTES)
  const view = new DataView(out.buffer)
  values.forEach((value, i) => {
    // setBigUint64 takes the lowest 64 bits.
    for (let word = 0, rest = value; rest > 0n; word++, rest >>= 64n) view.setBigUint64(i * SCALAR_BYTES + word * WORD_BYTES, rest, true)
  })
  return out
}

/** @throws RangeError when two vectors of one unit differ in length. */
export function sameLength(a: { readonly length: number }, b: { readonly length: number }): void {
  if (a.length !== b.length) throw new RangeError(`lengths ${a.length} and ${b.length} differ`)
}

/** @throws RangeError unless `scalars` are `count` scalars. */
export function checkCount(scalars: Uint8Array, count: number): void {
  if (scalars.length !== count * SCALAR_BYTES) throw new RangeError(`${scalars.length} bytes are not ${count} scalars of 32 bytes`)
}

function one(bytes: Uint8Array): bigint {
  checkCount(bytes, 1)
  return readScalars(bytes)[0]!
}

function zip(a: Uint8Array, b: Uint8Array, combine: (x: bigint, y: bigint) => bigint): Uint8Array {
  sameLength(a, b)
  const right = readScalars(b)
  return writeScalars(readScalars(a).map((x, i) => combine(x, right[i]!) % ORDER))
}

export function checkScalars(scalars: Uint8Array): void {
  const at = readScalars(scalars).findIndex(value => value >= ORDER)
  if (at >= 0) throw new MalformedMessageError(`scalar ${at} is not below the order of the group`)
}

export function reduceWide(bytes: Uint8Array): Uint8Array {
  return writeScalars(read(bytes, WIDE_BYTES).map(value => value % ORDER))
}

export function addScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
  return zip(a, b, (x, y) => x + y)
}

export function mulScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.length !== SCALAR_BYTES) return zip(a, b, (x, y) => x * y)
  const factor = one(b)
  return writeScalars(readScalars(a).map(x => (x * factor) % ORDER))
}

export function negateScalars(a: Uint8Array): Uint8Array {
  return writeScalars(readScalars(a).map(x => mod(-x)))
}

/** One inversion for all (Montgomery). */
export function invertScalars(a: Uint8Array): Uint8Array {
  const values = readScalars(a)
  let product = 1n
  /** Product of all values before. */
  const before = values.map(value => {
    if (value === 0n) throw new RangeError('zero has no inverse')
    const sofar = product
    product = (product * value) % ORDER
    return sofar
  })
  let inverse = power(product, ORDER - 2n)
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i]!
    values[i] = (inverse * before[i]!) % ORDER
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
  for (let value = 1n; out.length < count; value = (value * base) % ORDER) out.push(value)
  return writeScalars(out)
}

export function innerProduct(a: Uint8Array, b: Uint8Array): Uint8Array {
  sameLength(a, b)
  const right = readScalars(b)
  return writeScalars([readScalars(a).reduce((sum, x, i) => sum + x * right[i]!, 0n) % ORDER])
}

/**
 * How many terms are added to each of `low`.
 * @throws RangeError unless `high` has a vector as long as `low` for each scalar of `c`
 */
export function foldTerms(low: { readonly length: number }, high: { readonly length: number }, c: Uint8Array): number {
  const terms = Math.floor(c.length / SCALAR_BYTES)
  checkCount(c, terms)
  if (high.length !== terms * low.length) throw new RangeError(`${high.length} points are not ${terms} times ${low.length}`)
  return terms
}
