/** What steps 5 and 6 leave to be checked between points, added to a random combination (protocols/bundle, equations 4 to 6). */
import { concat } from '../../bytes.js'
import type { Kernel } from '../../kernel/types.js'
import type { Basis, Combination, Term } from '../combination.js'
import { lengthOf, ONE } from '../scalars.js'
import type { PairsChallenges } from './challenges.js'
import { unfold } from './inner.js'
import type { pairsPoints, PairsProof } from './layout.js'

/** Terms over a proof's own points, by name. */
export type PointTerms<Name extends string> = (name: Name, scalars: Uint8Array) => Term

/** @param points encodings by name, which stand in that order in the basis from `from` on */
export function termsOf<Name extends string>(basis: Basis, points: Record<Name, Uint8Array>, from = 0): PointTerms<Name> {
  const places = new Map<string, number>()
  let at = from
  for (const [name, encodings] of Object.entries<Uint8Array>(points)) {
    places.set(name, at)
    at += lengthOf(encodings)
  }
  return (name, scalars) => ({ basis, from: places.get(name)!, scalars })
}

export interface PairsEquations {
  readonly kernel: Kernel
  readonly proof: PairsProof
  readonly challenges: PairsChallenges
  readonly of: PointTerms<keyof ReturnType<typeof pairsPoints>>
  /** Terms for the coefficients s_x and s_a of the first bases. */
  readonly bases: { x(s: Uint8Array): Term; a(s: Uint8Array): Term }
  /** The folded commitments X and Y, and V as it was before step 5. */
  readonly x: readonly Term[]
  readonly y: readonly Term[]
  readonly v: readonly Term[]
}

/** Equations 4, 5 and 6, each with a weight of its own. */
export function addPairs(combination: Combination, { kernel, proof, challenges, of, bases, x, y, v }: PairsEquations): void {
  const { maskAnswers, rounds } = proof
  const { fold, mask } = challenges
  const H = (scalars: Uint8Array): Term => combination.generators('H', scalars)
  const by = (factor: Uint8Array, terms: readonly Term[]): Term[] =>
    terms.map(term => ({ ...term, scalars: kernel.mulScalars(term.scalars, factor) }))
  const u = concat(challenges.halve)
  const uInverses = kernel.invertScalars(u)
  const inverseList = challenges.halve.map((_, j) => uInverses.subarray(32 * j, 32 * (j + 1)))

  // (4) Z_X + ζ_x H = D_X + c_m X, Z_X = ⟨s_x, G⟩ − Σ_j (u_j A_1,j + u_j^−1 A_2,j)
  const sX = unfold(kernel, proof.x, { factors: inverseList, odd: rounds.map(({ odd }) => odd?.x) })
  combination.equation([bases.x(sX), H(maskAnswers.zetaX)], [of('a1', u), of('a2', uInverses), of('dx', ONE), ...by(mask, x)])

  // (5) Z_A + ζ_a H = D_A + c_m Y, Z_A = ⟨s_a, G⟩ − Σ_j (u_j^−1 A_3,j + u_j A_4,j)
  const sA = unfold(kernel, proof.a, { factors: challenges.halve, odd: rounds.map(({ odd }) => odd?.a) })
  combination.equation([bases.a(sA), H(maskAnswers.zetaA)], [of('a3', uInverses), of('a4', u), of('da', ONE), ...by(mask, y)])

  // (6) τ U + ζ_v H = T_0 + c_m T_1 + c_m² V', V' = V + Σ_j (c_j^−1 T_L,j + c_j T_R,j)
  const square = kernel.mulScalars(mask, mask)
  const c = concat(fold)
  combination.equation(
    [combination.generators('U', maskAnswers.tau), H(maskAnswers.zetaV)],
    [of('t0', ONE), of('t1', mask), ...by(square, [...v, of('tl', kernel.invertScalars(c)), of('tr', c)])]
  )
}
