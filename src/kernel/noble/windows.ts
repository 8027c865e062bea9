/**
 * Sums of multiples of points that have no table: Pippenger's buckets over signed digits, for scalars and for small integers alike;
 * and single multiplications, over digits of one width.
 */
import { add, addAddend, addendsOf, double, IDENTITY, negate, subtractAddend, type Addend, type Element, type Extended } from './curve.js'

/** Signed digits of `width` bits, least first: digit w of number i at [w · count + i], in [−2^(width−1), 2^(width−1)]. */
interface Digits {
  readonly digits: Int16Array
  readonly windows: number
  readonly width: number
}

/** Width of a window; with 13 bits, 65,536 points keep their 4,096 buckets full. */
const MOST_WIDTH = 13
/** What an addition of two buckets costs, beside an addition of an affine point. */
const BUCKET_COST = 1.3

/** The width with the least additions for `count` numbers of `bits` bits. */
function bestWidth(count: number, bits: number): number {
  let best = 2
  let least = Infinity
  for (let width = 2; width <= MOST_WIDTH; width++) {
    const cost = windowsFor(bits, width) * (count + BUCKET_COST * 2 ** width)
    if (cost < least) [best, least] = [width, cost]
  }
  return best
}

/** A sign and a carry need one bit more. */
function windowsFor(bits: number, width: number): number {
  return Math.ceil((bits + 1) / width)
}

/** Signed digits of an integer of at most 53 bits, least first, zeros left out. */
export function forEachDigit(integer: number, width: number, take: (digit: number, window: number) => void): void {
  const size = 2 ** width
  const sign = integer < 0 ? -1 : 1
  let rest = Math.abs(integer)
  for (let w = 0; rest > 0; w++) {
    let digit = rest % size
    if (digit > size / 2) digit -= size
    rest = (rest - digit) / size
    if (digit !== 0) take(sign * digit, w)
  }
}

const SCALAR_BYTES = 32

function bitLength(scalars: Uint8Array): number {
  for (let byte = SCALAR_BYTES - 1; byte >= 0; byte--) {
    let or = 0
    for (let at = byte; at < scalars.length; at += SCALAR_BYTES) or |= scalars[at]!
    if (or > 0) return 8 * byte + 32 - Math.clz32(or)
  }
  return 0
}

/** @param scalars count × 32 bytes */
function digitsOfScalars(scalars: Uint8Array, width?: number): Digits {
  const count = scalars.length / SCALAR_BYTES
  const bits = bitLength(scalars)
  const chosen = width ?? bestWidth(count, bits)
  const windows = windowsFor(bits, chosen)
  const digits = new Int16Array(windows * count)
  const size = 1 << chosen
  for (let i = 0; i < count; i++) {
    const scalar = scalars.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES)
    let carry = 0
    for (let w = 0; w < windows; w++) {
      const bit = w * chosen
      const at = bit >> 3
      const word = scalar[at]! | (scalar[at + 1]! << 8) | (scalar[at + 2]! << 16)
      const digit = ((word >> (bit & 7)) & (size - 1)) + carry
      carry = digit > size / 2 ? 1 : 0
      digits[w * count + i] = digit - carry * size
    }
  }
  return { digits, windows, width: chosen }
}

/** @param integers of at most 53 bits */
function digitsOfIntegers(integers: readonly number[]): Digits {
  const count = integers.length
  const largest = integers.reduce((most, integer) => Math.max(most, Math.abs(integer)), 0)
  const bits = largest.toString(2).length
  const width = bestWidth(count, bits)
  const windows = windowsFor(bits, width)
  const digits = new Int16Array(windows * count)
  integers.forEach((integer, i) => {
    forEachDigit(integer, width, (digit, w) => (digits[w * count + i] = digit))
  })
  return { digits, windows, width }
}

/** Σ_i digits_i · addends_i of one window, or undefined for nothing but zeros. */
function sumOfWindow(addends: readonly Addend[], { digits, width }: Digits, from: number): Extended | undefined {
  const buckets = new Array<Extended | undefined>(2 ** (width - 1) + 1).fill(undefined)
  for (let i = 0; i < addends.length; i++) {
    const digit = digits[from + i]!
    if (digit > 0) buckets[digit] = addAddend(buckets[digit] ?? IDENTITY, addends[i]!)
    else if (digit < 0) buckets[-digit] = subtractAddend(buckets[-digit] ?? IDENTITY, addends[i]!)
  }
  // Σ_j j · bucket_j, as the sum of all partial sums from the top.
  let partial: Extended | undefined
  let total: Extended | undefined
  for (let j = buckets.length - 1; j > 0; j--) {
    const bucket = buckets[j]
    if (bucket !== undefined) partial = partial === undefined ? bucket : add(partial, bucket)
    if (partial !== undefined) total = total === undefined ? partial : add(total, partial)
  }
  return total
}

function sumOfDigits(addends: readonly Addend[], all: Digits): Extended {
  let sum: Extended | undefined
  for (let w = all.windows - 1; w >= 0; w--) {
    if (sum !== undefined) for (let i = 0; i < all.width; i++) sum = double(sum)
    const window = sumOfWindow(addends, all, w * addends.length)
    if (window !== undefined) sum = sum === undefined ? window : add(sum, window)
  }
  return sum ?? IDENTITY
}

/** Σ scalars_i · elements_i. @param scalars n × 32 bytes, below 2^255 */
export function multiScalar(scalars: Uint8Array, elements: readonly Element[]): Extended {
  return sumOfDigits(addendsOf(elements), digitsOfScalars(scalars))
}

/** Σ integers_i · addends_i. */
export function multiInteger(integers: readonly number[], addends: readonly Addend[]): Extended {
  return sumOfDigits(addends, digitsOfIntegers(integers))
}

/** Width of the digits of a single multiplication: 8 multiples are made for 51 additions. */
const SINGLE_WIDTH = 5

/** scalars_i · elements_i; one scalar serves all elements. */
export function multiples(scalars: Uint8Array, elements: readonly Element[]): Extended[] {
  const all = digitsOfScalars(scalars, SINGLE_WIDTH)
  const count = scalars.length / SCALAR_BYTES
  return elements.map((element, i) => {
    const table: Extended[] = [element]
    for (let j = 2; j <= 2 ** (SINGLE_WIDTH - 1); j++) table.push(j % 2 === 0 ? double(table[j / 2 - 1]!) : add(table[j - 2]!, element))
    let sum: Extended | undefined
    for (let w = all.windows - 1; w >= 0; w--) {
      if (sum !== undefined) for (let k = 0; k < SINGLE_WIDTH; k++) sum = double(sum)
      const digit = all.digits[w * count + (count === 1 ? 0 : i)]!
      if (digit === 0) continue
      const multiple = digit > 0 ? table[digit - 1]! : negate(table[-digit - 1]!)
      sum = sum === undefined ? multiple : add(sum, multiple)
    }
    return sum ?? IDENTITY
  })
}
