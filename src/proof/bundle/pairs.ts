/** Step 5: the list of pairs x_g, a_g folded into one pair whose product is what V commits to. */
import { concat } from '../../bytes.js'
import type { Kernel } from '../../kernel/types.js'
import { hide } from '../hiding.js'
import { foldPadded, innerProductPadded, ONE, slice, sum } from '../scalars.js'
import { absorbPairs } from './challenges.js'
import { gammas, type Prover } from './hidden.js'
import { pairRounds, type PairRound } from './layout.js'

/** Vectors of any lengths; they end in zeros. */
interface Pair {
  readonly x: Uint8Array
  readonly a: Uint8Array
}

/** The last pair with the blindings of its three commitments. */
export interface FoldedPair extends Pair {
  readonly xi: Uint8Array
  readonly alpha: Uint8Array
  readonly nu: Uint8Array
}

/** What step 5 starts from. */
export interface PairsInit {
  /** x̄_g for each group. */
  readonly xBar: readonly Uint8Array[]
  readonly pi: Uint8Array
  readonly nu: Uint8Array
  readonly gamma: Uint8Array
}

/**
 * Coefficients of `count` vectors after folding low + c_j · high: entry g is the product of the c_j of the rounds in which it was in
 * the second half. The first round halves the whole list.
 */
export function foldCoefficients(kernel: Kernel, factors: readonly Uint8Array[], count: number): Uint8Array {
  const all = factors.reduceRight((lower, factor) => concat([lower, kernel.mulScalars(lower, factor)]), ONE)
  return slice(all, 0, count)
}

/** a_g = Σ_k γ_gk A_gk with the blinding of Σ_k γ_gk CA_gk, for each group. */
function columns(prover: Prover, gamma: Uint8Array): { a: Uint8Array; alpha: Uint8Array }[] {
  const { kernel, adapter, groups } = prover
  const powers = gammas(prover, gamma)
  let from = 0
  return groups.map(({ index, dIn, rank }) => {
    const weights = slice(powers, from, from + rank)
    from += rank
    let at = 0
    const parts = adapter.quantized.groups[index]!.modules.map(module => {
      const part = kernel.foldRows(slice(weights, at, at + module.rank), module.a, dIn)
      at += module.rank
      return part
    })
    return {
      a: parts.reduce((total, part) => kernel.addScalars(total, part)),
      alpha: kernel.innerProduct(weights, adapter.groups[index]!.alpha)
    }
  })
}

export function foldPairs(prover: Prover, { xBar, pi, nu, gamma }: PairsInit): { rounds: PairRound[]; pair: FoldedPair } {
  const { kernel, groups, transcript, masks } = prover
  const mask = masks.at(transcript)
  const a = columns(prover, gamma)
  let pairs: readonly Pair[] = xBar.map((x, g) => ({ x, a: a[g]!.a }))
  let value = nu
  const factors: Uint8Array[] = []
  const rounds: PairRound[] = []
  for (let left = pairRounds(groups.length); left > 0; left--) {
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
    kernel.innerProduct(scalars, foldCoefficients(kernel, by, groups.length))
  const inverses = factors.map(factor => kernel.invertScalars(factor))
  const alpha = concat(a.map(part => part.alpha))
  return { rounds, pair: { ...pairs[0]!, xi: blinding(pi, factors), alpha: blinding(alpha, inverses), nu: value } }
}
