/** Equations 1 to 6 of a bundle (protocols/bundle, Verification), added to a random combination. */
import { concat } from '../../bytes.js'
import type { Kernel, Points } from '../../kernel/types.js'
import { addPairs, termsOf } from '../argument/equations.js'
import { pairsPoints, pairsScalars } from '../argument/layout.js'
import { foldCoefficients } from '../argument/pairs.js'
import type { Basis, Combination, Term } from '../combination.js'
import { ONE, slice } from '../scalars.js'
import type { Challenges } from './challenges.js'
import type { Bundle } from './decode.js'
import { gammas, lambdas } from './hidden.js'
import type { BundleGroup, Proof } from './layout.js'

/** All points of a bundle, by name; several of one name stand one after the other. */
export function pointsOf({ statement, proof }: Bundle) {
  const { hidden, value, first } = proof
  return { s: concat(statement.rows.map(({ s }) => s)), ...hidden, v: value, ...first, ...pairsPoints(proof) }
}

/** All scalars of a proof. */
export function scalarsOf(proof: Proof): Uint8Array {
  const { answers } = proof
  return concat([answers.z, answers.zOmega, answers.zSigma, answers.zNu, ...pairsScalars(proof)])
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
  const { answers } = proof
  const { rho, gamma, lambda, c } = challenges
  const of = termsOf(combination.basis(points), pointsOf(bundle))
  const G = (scalars: Uint8Array): Term => combination.generators('G', scalars)
  const H = (scalars: Uint8Array): Term => combination.generators('H', scalars)
  const Q = (scalars: Uint8Array): Term => combination.generators('Q', scalars)
  const U = (scalars: Uint8Array): Term => combination.generators('U', scalars)
  const by = (factor: Uint8Array, scalars: Uint8Array): Uint8Array => kernel.mulScalars(scalars, factor)

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

  // (4) X = Σ_g coefficient_g P_g, (5) Y = Σ_g coefficient_g Σ_k γ_gk CA_gk, (6) V
  const xCoefficients = foldCoefficients(kernel, challenges.fold, groups.length)
  const aCoefficients = foldCoefficients(
    kernel,
    challenges.fold.map(factor => kernel.invertScalars(factor)),
    groups.length
  )
  addPairs(combination, {
    kernel,
    proof,
    challenges,
    of,
    bases: { x: G, a: G },
    x: [of('p', xCoefficients)],
    y: groups.map((_, g) => term(commitments[g]!.ca, by(slice(aCoefficients, g, g + 1), gammaOf[g]!))),
    v: [of('v', ONE)]
  })
}

function term(basis: Basis, scalars: Uint8Array): Term {
  return { basis, from: 0, scalars }
}

/** A vector over all ranks, group by group. */
function split(groups: readonly BundleGroup[], packed: Uint8Array): Uint8Array[] {
  let at = 0
  return groups.map(({ rank }) => {
    at += rank
    return slice(packed, at - rank, at)
  })
}
