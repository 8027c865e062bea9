/** Equations 1 to 6 of a bundle (protocols/bundle, Verification), added to a random combination. */
import { concat } from '../../bytes.js'
import type { Kernel, Points } from '../../kernel/types.js'
import type { Basis, Combination, Term } from '../combination.js'
import { lengthOf, ONE, slice } from '../scalars.js'
import type { Challenges } from './challenges.js'
import type { Bundle } from './decode.js'
import { gammas, lambdas } from './hidden.js'
import { unfold } from './inner.js'
import type { BundleGroup, Proof } from './layout.js'
import { foldCoefficients } from './pairs.js'

/** All points of a bundle, by name; several of one name stand one after the other. */
export function pointsOf({ statement, proof }: Bundle) {
  const { hidden, value, first, pairs, maskPoints, rounds } = proof
  return {
    s: concat(statement.rows.map(({ s }) => s)),
    ...hidden,
    v: value,
    ...first,
    tl: concat(pairs.map(({ tl }) => tl)),
    tr: concat(pairs.map(({ tr }) => tr)),
    ...maskPoints,
    a1: concat(rounds.map(({ a1 }) => a1)),
    a2: concat(rounds.map(({ a2 }) => a2)),
    a3: concat(rounds.map(({ a3 }) => a3)),
    a4: concat(rounds.map(({ a4 }) => a4))
  }
}

/** All scalars of a proof. */
export function scalarsOf({ answers, maskAnswers, rounds, x, a }: Proof): Uint8Array {
  return concat([
    ...[answers.z, answers.zOmega, answers.zSigma, answers.zNu],
    ...[maskAnswers.zetaX, maskAnswers.zetaA, maskAnswers.zetaV, maskAnswers.tau],
    ...rounds.flatMap(({ odd, c1, c2 }) => [...(odd === undefined ? [] : [odd.x, odd.a]), c1, c2]),
    x,
    a
  ])
}

/** A group's commitments in the manifest. */
export interface GroupBasis {
  readonly ca: Basis
  readonly cb: Basis
}

export interface EquationsInit {
  readonly kernel: Kernel
  readonly bundle: Bundle
  readonly challenges: Challenges
  /** pointsOf(bundle), decoded in that order. */
  readonly points: Points
  /** For each group of the bundle. */
  readonly commitments: readonly GroupBasis[]
}

/** Adds a bundle's equations, each with a weight of its own. Everything that the prover sends must be in hand. */
export function addEquations(combination: Combination, { kernel, bundle, challenges, points, commitments }: EquationsInit): void {
  const { statement, proof } = bundle
  const { groups } = statement
  const { answers, maskAnswers, rounds } = proof
  const { rho, gamma, lambda, c, mask } = challenges
  const of = termsOf(combination.basis(points), pointsOf(bundle))
  const G = (scalars: Uint8Array): Term => combination.generators('G', scalars)
  const H = (scalars: Uint8Array): Term => combination.generators('H', scalars)
  const Q = (scalars: Uint8Array): Term => combination.generators('Q', scalars)
  const U = (scalars: Uint8Array): Term => combination.generators('U', scalars)
  const by = (factor: Uint8Array, scalars: Uint8Array): Uint8Array => kernel.mulScalars(scalars, factor)
  const inverse = (factors: readonly Uint8Array[]): Uint8Array[] => factors.map(factor => kernel.invertScalars(factor))

  const z = split(groups, answers.z)
  const gammaOf = split(groups, gammas({ kernel, groups }, gamma))
  const lambdaOf = split(groups, lambdas({ kernel, groups }, lambda))
  const lambdaPowers = kernel.powers(lambda, groups.length)

  // (1) ⟨z, Q⟩ + z_ω H = E_W + c W
  combination.equation([Q(answers.z), H(answers.zOmega)], [of('ew', ONE), of('w', c)])

  // (2) Σ_gk λ_g z_gk CB_gk + z_σ H = E_D + c Σ_g λ_g (S̄_g − P_g)
  const lambdaOfRow = new Map(groups.map(({ index }, g) => [index, slice(lambdaPowers, g, g + 1)]))
  const rowWeights = kernel.mulScalars(
    kernel.powers(rho, statement.rows.length),
    concat(statement.rows.map(({ group }) => lambdaOfRow.get(group)!))
  )
  combination.equation(
    [...groups.map((_, g) => term(commitments[g]!.cb, kernel.mulScalars(lambdaOf[g]!, z[g]!))), H(answers.zSigma)],
    [of('ed', ONE), of('s', by(c, rowWeights)), of('p', kernel.negateScalars(by(c, lambdaPowers)))]
  )

  // (3) ⟨γ, z⟩ U + z_ν H = E_V + c V
  combination.equation([U(kernel.innerProduct(concat(gammaOf), answers.z)), H(answers.zNu)], [of('ev', ONE), of('v', c)])

  // (4) Z_X + ζ_x H = D_X + c_m X, X = Σ_g coefficient_g P_g, Z_X = ⟨s_x, G⟩ − Σ_j (u_j A_1,j + u_j^−1 A_2,j)
  const u = concat(challenges.halve)
  const uInverses = inverse(challenges.halve)
  const sX = unfold(kernel, proof.x, { factors: uInverses, odd: rounds.map(({ odd }) => odd?.x) })
  const xCoefficients = foldCoefficients(kernel, challenges.fold, groups.length)
  combination.equation(
    [G(sX), H(maskAnswers.zetaX)],
    [of('a1', u), of('a2', concat(uInverses)), of('dx', ONE), of('p', by(mask, xCoefficients))]
  )

  // (5) Z_A + ζ_a H = D_A + c_m Y, Y = Σ_g coefficient_g Σ_k γ_gk CA_gk, Z_A = ⟨s_a, G⟩ − Σ_j (u_j^−1 A_3,j + u_j A_4,j)
  const sA = unfold(kernel, proof.a, { factors: challenges.halve, odd: rounds.map(({ odd }) => odd?.a) })
  const aCoefficients = by(mask, foldCoefficients(kernel, inverse(challenges.fold), groups.length))
  combination.equation(
    [G(sA), H(maskAnswers.zetaA)],
    [
      of('a3', concat(uInverses)),
      of('a4', u),
      of('da', ONE),
      ...groups.map((_, g) => term(commitments[g]!.ca, by(slice(aCoefficients, g, g + 1), gammaOf[g]!)))
    ]
  )

  // (6) τ U + ζ_v H = T_0 + c_m T_1 + c_m² V', V' = V + Σ_j (c_j^−1 T_L,j + c_j T_R,j)
  const square = by(mask, mask)
  combination.equation(
    [U(maskAnswers.tau), H(maskAnswers.zetaV)],
    [
      of('t0', ONE),
      of('t1', mask),
      of('v', square),
      of('tl', by(square, concat(inverse(challenges.fold)))),
      of('tr', by(square, concat(challenges.fold)))
    ]
  )
}

function term(basis: Basis, scalars: Uint8Array): Term {
  return { basis, from: 0, scalars }
}

/** Terms over a bundle's own points, by name. */
function termsOf<Name extends string>(basis: Basis, points: Record<Name, Uint8Array>): (name: Name, scalars: Uint8Array) => Term {
  const from = new Map<string, number>()
  let at = 0
  for (const [name, encodings] of Object.entries<Uint8Array>(points)) {
    from.set(name, at)
    at += lengthOf(encodings)
  }
  return (name, scalars) => ({ basis, from: from.get(name)!, scalars })
}

/** A vector over all ranks, group by group. */
function split(groups: readonly BundleGroup[], packed: Uint8Array): Uint8Array[] {
  let at = 0
  return groups.map(({ rank }) => {
    at += rank
    return slice(packed, at - rank, at)
  })
}
