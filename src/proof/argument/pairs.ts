/** Step 5: a list of pairs of vectors folded into one pair, whose product is what V commits to (protocols/bundle). */
import { concat } from '../../bytes.js'
import type { Kernel } from '../../kernel/types.js'
import { hide } from '../hiding.js'
import { foldPadded, innerProductPadded, ONE, slice, sum } from '../scalars.js'
import type { Masks, Transcript } from '../transcript.js'
import { absorbPairs } from './challenges.js'
import { pairRounds, type PairRound } from './layout.js'

/** Who makes an argument, and where in the transcript it stands. */
export interface ArgumentProver {
  readonly kernel: Kernel
  readonly transcript: Transcript
  readonly masks: Masks
}

/** Vectors of any lengths; they end in zeros. */
export interface Pair {
  readonly x: Uint8Array
  readonly a: Uint8Array
}

/** Pairs with the blindings of their commitments, and that of V, the commitment to the sum of their inner products. */
export interface PairList {
  readonly pairs: readonly Pair[]
  /** One scalar for each pair. */
  readonly xi: Uint8Array
  readonly alpha: Uint8Array
  readonly nu: Uint8Array
}

/** The last pair with the blindings of its three commitments. */
export interface FoldedPair extends Pair {
  readonly xi: Uint8Array
  readonly alpha: Uint8Array
  readonly nu: Uint8Array
}

/**
 * Coefficients of `count` vectors after folding low + c_j · high: entry g is the product of the c_j of the rounds in which it was in
 * the second half. The first round halves the whole list.
 */
export function foldCoefficients(kernel: Kernel, factors: readonly Uint8Array[], count: number): Uint8Array {
  const all = factors.reduceRight((lower, factor) => concat([lower, kernel.mulScalars(lower, factor)]), ONE)
  return slice(all, 0, count)
}

export function foldList(
  { kernel, transcript, masks }: ArgumentProver,
  { pairs: list, xi, alpha, nu }: PairList
): { rounds: PairRound[]; pair: FoldedPair } {
  const mask = masks.at(transcript)
  let pairs = list
  let value = nu
  const factors: Uint8Array[] = []
  const rounds: PairRound[] = []
  for (let left = pairRounds(list.length); left > 0; left--) {
    const half = 2 ** (left - 1)
    const [low, high] = [pairs.slice(0, half), pairs.slice(half)]
    const j = rounds.length
    const [tauL, tauR] = [mask('tau-L', 1, j), mask('tau-R', 1, j)]
    const cross = (product: (low: Pair, high: Pair) => Uint8Array, blinding: Uint8Array): Uint8Array => {
      const total = sum(
        kernel,
        high.map((pair, i) => product(low[i]!, pair))
      )
      return kernel.encode(hide(kernel, { scalars: total, bases: kernel.generators('U', 0, 1), blinding }))
    }
    const round = {
      tl: cross((l, r) => innerProductPadded(kernel, l.x, r.a), tauL),
      tr: cross((l, r) => innerProductPadded(kernel, r.x, l.a), tauR)
    }
    const c = absorbPairs(transcript, round)
    const inverse = kernel.invertScalars(c)
    // A pair without a partner meets a zero pair and stays as it is.
    pairs = low.map((pair, i) => {
      const other = high[i]
      if (other === undefined) return pair
      return {
        x: foldPadded(kernel, { low: pair.x, high: other.x, c }),
        a: foldPadded(kernel, { low: pair.a, high: other.a, c: inverse })
      }
    })
    value = sum(kernel, [value, kernel.mulScalars(tauL, inverse), kernel.mulScalars(tauR, c)])
    factors.push(c)
    rounds.push(round)
  }
  const blinding = (scalars: Uint8Array, by: readonly Uint8Array[]): Uint8Array =>
    kernel.innerProduct(scalars, foldCoefficients(kernel, by, list.length))
  const inverses = factors.map(factor => kernel.invertScalars(factor))
  return { rounds, pair: { ...pairs[0]!, xi: blinding(xi, factors), alpha: blinding(alpha, inverses), nu: value } }
}
