/**
 * When float64 is exact. Every product and every partial sum of x·A·B is an integer; as long as the sums of absolute values stay
 * at or below 2^53, float64 gives them exactly in any order. The bounds here are computed with BigInt from the actual weights.
 *
 * The bound of actual weights is a fingerprint of them, so it stays with the contributor; what a receiver checks is the public
 * bound, from widths alone.
 */
import { InvalidInputError, UnsupportedError } from '../errors.js'
import type { QuantizedAdapter, QuantizedModule } from './types.js'

/** The largest integer up to which float64 has every integer. */
export const EXACT_LIMIT = 2n ** 53n

/** Upper bounds over all inputs of activationBits. Secret: computed from the weights. */
export interface ExactBounds {
  /** max_k H_k, H_k = (2^(a−1) − 1) · Σ_i |A_ik|: bounds every partial sum of x·A. */
  readonly hidden: bigint
  /** max_j Σ_k H_k · |B_kj|: bounds every partial sum of x·A·B. */
  readonly output: bigint
}

/** Largest integer of `bits` bits in symmetric representation. */
export function largest(bits: number): bigint {
  return 2n ** BigInt(bits - 1) - 1n
}

/** Bounds of one module. */
export function moduleBounds(module: QuantizedModule, dIn: number, activationBits: number): ExactBounds {
  const { rank, dOut, a, b } = module
  // Σ_i |A_ik| ≤ 2^15 · 2^15 is far below 2^53: a float64 sum is exact.
  const hidden = Array.from({ length: rank }, (_, k) => {
    let sum = 0
    for (const weight of a.subarray(k * dIn, (k + 1) * dIn)) sum += Math.abs(weight)
    return largest(activationBits) * BigInt(sum)
  })
  let output = 0n
  for (let j = 0; j < dOut; j++) {
    let sum = 0n
    for (let k = 0; k < rank; k++) sum += hidden[k]! * BigInt(Math.abs(b[k * dOut + j]!))
    if (sum > output) output = sum
  }
  return { hidden: maximum(hidden), output }
}

/** Bounds of a whole adapter: the largest of its modules'. */
export function adapterBounds(adapter: QuantizedAdapter): ExactBounds {
  const bounds = adapter.groups.flatMap(({ dIn, modules }) => modules.map(module => moduleBounds(module, dIn, adapter.activationBits)))
  return { hidden: maximum(bounds.map(({ hidden }) => hidden)), output: maximum(bounds.map(({ output }) => output)) }
}

/**
 * Refuses an adapter whose products could leave the exact integers. To be called whenever integers come from elsewhere than
 * quantizeAdapter, e.g. from a store.
 * @throws InvalidInputError for a weight beyond weightBits; UnsupportedError with the module, the numbers and the remedy
 */
export function checkExact(adapter: QuantizedAdapter): void {
  let worst = { name: '', dIn: 0, rank: 0, output: EXACT_LIMIT }
  for (const { dIn, modules } of adapter.groups) {
    for (const module of modules) {
      checkRange(module, adapter.weightBits)
      // Where the widths alone suffice, weights of that width cannot exceed the limit.
      if (widthBound({ ...adapter, dIn, rank: module.rank }) <= EXACT_LIMIT) continue
      // H_k is at most 2^15 · 2^15 · 2^15 (FORMAT_LIMITS.dIn, 16 bits), so only the output can exceed it.
      const { output } = moduleBounds(module, dIn, adapter.activationBits)
      if (output > worst.output) worst = { name: module.name, dIn, rank: module.rank, output }
    }
  }
  if (worst.output === EXACT_LIMIT) return
  // Rounded up to a tenth: above 53 in any case, and no finer fingerprint of the weights than that.
  const exponent = Math.ceil(Math.log2(Number(worst.output)) * 10) / 10
  throw new UnsupportedError(
    `module ${worst.name} (${worst.dIn} wide, rank ${worst.rank}) could give integers up to 2^${exponent} with ${adapter.activationBits}-bit ` +
      `activations and ${adapter.weightBits}-bit weights; at most 2^53 are exact. Quantise the adapter to fewer bits: ` +
      // Each bit of the weights counts twice, in A and in B.
      `weightBits ${adapter.weightBits - Math.ceil((exponent - 53) / 2)}`
  )
}

function checkRange({ name, a, b }: QuantizedModule, weightBits: number): void {
  const most = Number(largest(weightBits))
  for (const weights of [a, b]) {
    const at = weights.findIndex(weight => Math.abs(weight) > most)
    if (at !== -1) throw new InvalidInputError(`module ${name} has a weight beyond ${weightBits} bits (at most ${most} in size)`)
  }
}

/** What a bound depends on when the weights are not known. */
export interface Widths {
  readonly dIn: number
  /** r of the module whose output it is. */
  readonly rank: number
  readonly activationBits: number
  readonly weightBits: number
}

/** The receiver's bound: |y| ≤ min(2^53, dIn · r · (2^(a−1) − 1) · (2^(b−1) − 1)²). */
export function publicOutputBound(widths: Widths): bigint {
  const bound = widthBound(widths)
  return bound < EXACT_LIMIT ? bound : EXACT_LIMIT
}

/** Public bounds of a group's modules as numbers (at most 2^53, so exact), in order. */
export function groupOutputBounds(
  group: { dIn: number; modules: readonly { rank: number }[] },
  bits: Pick<QuantizedAdapter, 'activationBits' | 'weightBits'>
): number[] {
  return group.modules.map(({ rank }) =>
    Number(publicOutputBound({ dIn: group.dIn, rank, activationBits: bits.activationBits, weightBits: bits.weightBits }))
  )
}

function widthBound({ dIn, rank, activationBits, weightBits }: Widths): bigint {
  return BigInt(dIn) * BigInt(rank) * largest(activationBits) * largest(weightBits) ** 2n
}

function maximum(values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most), 0n)
}
