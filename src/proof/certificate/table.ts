/** The table of all values that a weight may have, and what is looked up in it (protocols/adapter, Certificate, Table). */
import { equal } from '../../bytes.js'
import { InvalidInputError, InvalidProofError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import { lengthOf, ONE, repeat, SCALAR_BYTES, slice, ZERO } from '../scalars.js'

/** N: the values and one more entry, so that it is a power of two. */
export function tableSize(weightBits: number): number {
  return 2 ** weightBits
}

/** The greatest weight; the least is its negative. */
export function greatestWeight(weightBits: number): number {
  return 2 ** (weightBits - 1) - 1
}

/**
 * μ: how often each table value comes. @returns N numbers
 * @throws InvalidInputError for a weight outside its range
 */
export function multiplicities(weights: readonly Int16Array[], weightBits: number): Float64Array {
  const counts = new Float64Array(tableSize(weightBits))
  const most = greatestWeight(weightBits)
  for (const part of weights) {
    for (const weight of part) {
      if (weight < -most || weight > most) {
        throw new InvalidInputError(
          `weight ${weight} is outside −${most} … ${most}, the range of ${weightBits} bits; quantise the adapter again`
        )
      }
      counts[weight + most]!++
    }
  }
  return counts
}

/**
 * 1/(χ + value) for each value of the table, and 0 behind them: N scalars.
 * @throws InvalidProofError('certificate') when χ is the negative of a value
 */
export function partners(kernel: Kernel, chi: Uint8Array, weightBits: number): Uint8Array {
  const most = greatestWeight(weightBits)
  const values = kernel.scalarsOf(Float64Array.from({ length: 2 * most + 1 }, (_, v) => v - most))
  const sums = kernel.addScalars(values, repeat(chi, lengthOf(values)))
  for (let v = 0; v <= 2 * most; v++) {
    if (equal(slice(sums, v, v + 1), ZERO)) throw new InvalidProofError('certificate', 'challenge chi is the negative of a table value')
  }
  const out = new Uint8Array(tableSize(weightBits) * SCALAR_BYTES)
  out.set(kernel.invertScalars(sums))
  return out
}

/** Words of a scalar; copying words is several times as fast as copying bytes. */
const WORDS = SCALAR_BYTES / Uint32Array.BYTES_PER_ELEMENT

/** The partner of each weight. @param table of `partners` */
export function lookUp(table: Uint8Array, weights: Int16Array, weightBits: number): Uint8Array {
  const most = greatestWeight(weightBits)
  const from = new Uint32Array(table.buffer, table.byteOffset, table.length / Uint32Array.BYTES_PER_ELEMENT)
  const out = new Uint32Array(weights.length * WORDS)
  for (let i = 0; i < weights.length; i++) {
    const source = (weights[i]! + most) * WORDS
    for (let word = 0; word < WORDS; word++) out[i * WORDS + word] = from[source + word]!
  }
  return new Uint8Array(out.buffer)
}

/** Σ of scalars. */
export function total(kernel: Kernel, scalars: Uint8Array): Uint8Array {
  return kernel.innerProduct(scalars, repeat(ONE, lengthOf(scalars)))
}
