/** The prover's steps, each from what the ones before have left (protocols/adapter, Certificate). */
import type { Kernel, Points } from '../../kernel/types.js'
import { Bases } from '../argument/bases.js'
import { openPair } from '../argument/inner.js'
import type { PairsProof } from '../argument/layout.js'
import { openLinear, type LinearProof } from '../argument/linear.js'
import { foldList, type ArgumentProver, type Pair, type PairList } from '../argument/pairs.js'
import { blindings, hide } from '../hiding.js'
import { lengthOf, repeat, slice, sum } from '../scalars.js'
import { absorbInverses, absorbMultiplicities, absorbValues, type LookupChallenges } from './challenges.js'
import type { Certificate } from './layout.js'

/** Rows of one length: the columns of A, or the rows of B. */
export interface Family {
  /** Exactly the generators that its rows are committed over. */
  readonly generators: Points
  /** Number of its first row in the module. */
  readonly first: number
  readonly count: number
  /** w of row k of the family: as many scalars as there are generators. */
  weights(k: number): Uint8Array
  /** γ: one scalar for each row. */
  readonly gamma: Uint8Array
}

/** A family with f of row k: as many scalars as there are generators. */
export interface InvertedFamily extends Family {
  inverses(k: number): Uint8Array
}

/** Step 1: M = ⟨μ, G⟩ + κ H. @param mu N scalars, short ones but for a liar's */
export function commitMultiplicities(
  { kernel, transcript, masks }: ArgumentProver,
  mu: Uint8Array
): { m: Uint8Array; kappa: Uint8Array; chi: Uint8Array } {
  const kappa = masks.at(transcript)('kappa')
  const m = kernel.encode(kernel.add(kernel.msm(mu, kernel.generators('G', 0, lengthOf(mu))), blindings(kernel, kappa)))
  return { m, kappa, chi: absorbMultiplicities(transcript, m) }
}

/** Step 2: CF_j = ⟨f_j, generators of row j⟩ + φ_j H. */
export function commitInverses(
  { kernel, transcript, masks }: ArgumentProver,
  families: readonly InvertedFamily[]
): { cf: Uint8Array; phi: Uint8Array } & Omit<LookupChallenges, 'chi'> {
  const phi = masks.at(transcript)(
    'phi',
    families.reduce((rows, { count }) => rows + count, 0)
  )
  const sums = families.flatMap(({ generators, count, inverses }) =>
    Array.from({ length: count }, (_, k) => kernel.msm(inverses(k), generators))
  )
  const cf = kernel.encode(kernel.add(kernel.concat(sums), blindings(kernel, phi)))
  return { cf, phi, ...absorbInverses(transcript, cf) }
}

/** The pairs of a family with their blindings, but for that of V; and the sum of their products. */
export interface FamilyPairs extends Omit<PairList, 'nu'> {
  readonly value: Uint8Array
}

/** Step 3: x_j = σ^j τ∘f_j and a_j = w_j + χ + ψ σ^−j τ^−1∘. @param phi of the family's rows */
export function familyPairs(
  kernel: Kernel,
  family: InvertedFamily,
  { chi, sigma, tau, psi, phi }: LookupChallenges & { phi: Uint8Array }
): FamilyPairs {
  const { generators, first, count, gamma } = family
  const n = generators.length
  const powers = kernel.powers(tau, n)
  const inverses = kernel.powers(kernel.invertScalars(tau), n)
  const chis = repeat(chi, n)
  const sigmas = slice(kernel.powers(sigma, first + count), first)
  const shares = kernel.mulScalars(kernel.invertScalars(sigmas), psi)
  const pairs = Array.from({ length: count }, (_, k): Pair => ({
    x: kernel.mulScalars(kernel.mulScalars(family.inverses(k), powers), slice(sigmas, k, k + 1)),
    a: kernel.addScalars(family.weights(k), kernel.foldScalars(chis, inverses, slice(shares, k, k + 1)))
  }))
  const value = sum(
    kernel,
    pairs.map(({ x, a }) => kernel.innerProduct(x, a))
  )
  return { pairs, xi: kernel.mulScalars(sigmas, phi), alpha: gamma, value }
}

/** Step 3: V_A and V_B. @param values of family A and of family B */
export function commitValues(
  { kernel, transcript, masks }: ArgumentProver,
  values: readonly [Uint8Array, Uint8Array]
): { va: Uint8Array; vb: Uint8Array; nuA: Uint8Array; nuB: Uint8Array } {
  const mask = masks.at(transcript)
  const [nuA, nuB] = [mask('nu-A'), mask('nu-B')]
  const commit = (scalars: Uint8Array, blinding: Uint8Array): Uint8Array =>
    kernel.encode(hide(kernel, { scalars, bases: kernel.generators('U', 0, 1), blinding }))
  const committed = { va: commit(values[0], nuA), vb: commit(values[1], nuB) }
  absorbValues(transcript, committed)
  return { ...committed, nuA, nuB }
}

/** Step 4, one family. */
export function proveFamily(prover: ArgumentProver, { generators }: Family, list: PairList, tau: Uint8Array): PairsProof {
  const { kernel } = prover
  const { rounds, pair } = foldList(prover, list)
  const powers = kernel.powers(kernel.invertScalars(tau), generators.length)
  return { pairs: rounds, ...openPair(prover, pair, { x: Bases.of(kernel, generators, powers), a: Bases.of(kernel, generators) }) }
}

/** What step 5 stands on. */
export interface TableInit {
  readonly mu: Uint8Array
  readonly kappa: Uint8Array
  /** a_T. */
  readonly partners: Uint8Array
  readonly psi: Uint8Array
  readonly nuA: Uint8Array
  readonly nuB: Uint8Array
}

/** Step 5. */
export function proveTable(prover: ArgumentProver, { mu, kappa, partners, psi, nuA, nuB }: TableInit): LinearProof {
  const { kernel } = prover
  const factor = kernel.negateScalars(psi)
  return openLinear(prover, {
    x: kernel.mulScalars(mu, factor),
    a: partners,
    xi: kernel.mulScalars(kappa, factor),
    nu: kernel.negateScalars(kernel.addScalars(nuA, nuB)),
    bases: Bases.of(kernel, kernel.generators('G', 0, lengthOf(mu)))
  })
}

/** Steps 3 to 5, from challenges that the prover does not choose. */
export function argue(
  prover: ArgumentProver,
  families: readonly [InvertedFamily, InvertedFamily],
  { phi, ...rest }: LookupChallenges & { phi: Uint8Array } & Omit<TableInit, 'nuA' | 'nuB'>
): Omit<Certificate, 'm' | 'cf'> {
  const [a, b] = families.map(family => {
    const own = slice(phi, family.first, family.first + family.count)
    return { family, list: familyPairs(prover.kernel, family, { ...rest, phi: own }) }
  }) as [{ family: InvertedFamily; list: FamilyPairs }, { family: InvertedFamily; list: FamilyPairs }]
  const { nuA, nuB, ...values } = commitValues(prover, [a.list.value, b.list.value])
  return {
    ...values,
    familyA: proveFamily(prover, a.family, { ...a.list, nu: nuA }, rest.tau),
    familyB: proveFamily(prover, b.family, { ...b.list, nu: nuB }, rest.tau),
    table: proveTable(prover, { ...rest, nuA, nuB })
  }
}
