/**
 * One committed vector against a public one: masked, answered, and the answer folded (protocols/adapter, Certificate, step 5). What is
 * public needs neither a mask nor points of its own.
 */
import { concat, equal } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import type { Combination, Term } from '../combination.js'
import { blindings, hide } from '../hiding.js'
import { lengthOf, ONE, slice } from '../scalars.js'
import type { Transcript } from '../transcript.js'
import type { Bases } from './bases.js'
import type { PointTerms } from './equations.js'
import { crossTerms, unfold } from './inner.js'
import { halvings, LAST_LENGTH } from './layout.js'
import type { ArgumentProver } from './pairs.js'

export interface LinearRound {
  readonly a1: Uint8Array
  readonly a2: Uint8Array
  readonly c1: Uint8Array
  readonly c2: Uint8Array
}

export interface LinearProof {
  readonly dx: Uint8Array
  readonly t0: Uint8Array
  readonly zetaX: Uint8Array
  readonly zetaV: Uint8Array
  /** p: the product of the answer and the public vector. */
  readonly tau: Uint8Array
  readonly rounds: readonly LinearRound[]
  /** The last vector, at most LAST_LENGTH scalars. */
  readonly z: Uint8Array
}

export interface LinearChallenges {
  readonly mask: Uint8Array
  readonly halve: readonly Uint8Array[]
}

function absorbMask(transcript: Transcript, { dx, t0 }: Pick<LinearProof, 'dx' | 't0'>): Uint8Array {
  transcript.append('DX', dx)
  transcript.append('T0', t0)
  return transcript.challenge('mask')
}

function absorbAnswers(transcript: Transcript, { zetaX, zetaV, tau }: Pick<LinearProof, 'zetaX' | 'zetaV' | 'tau'>): void {
  transcript.append('zeta-x', zetaX)
  transcript.append('zeta-v', zetaV)
  transcript.append('tau', tau)
}

function absorbRound(transcript: Transcript, { a1, a2, c1, c2 }: LinearRound): Uint8Array {
  transcript.append('A1', a1)
  transcript.append('A2', a2)
  transcript.append('c1', c1)
  transcript.append('c2', c2)
  return transcript.challenge('halve')
}

/** The verifier's: all challenges. */
export function linearChallenges(transcript: Transcript, proof: LinearProof): LinearChallenges {
  const mask = absorbMask(transcript, proof)
  absorbAnswers(transcript, proof)
  return { mask, halve: proof.rounds.map(round => absorbRound(transcript, round)) }
}

/** What is opened: x with blinding ξ over the bases, and ⟨x, a⟩ with blinding ν over U. Lengths are a power of two. */
export interface LinearInit {
  readonly x: Uint8Array
  readonly a: Uint8Array
  readonly xi: Uint8Array
  readonly nu: Uint8Array
  readonly bases: Bases
}

export function openLinear({ kernel, transcript, masks }: ArgumentProver, { x, a, xi, nu, bases }: LinearInit): LinearProof {
  const mask = masks.at(transcript)
  const dX = mask('d-x', lengthOf(x))
  const [deltaX, tau0] = [mask('delta-x'), mask('tau-0')]
  const value = kernel.generators('U', 0, 1)
  const points = {
    dx: kernel.encode(kernel.add(bases.sum(dX), blindings(kernel, deltaX))),
    t0: kernel.encode(hide(kernel, { scalars: kernel.innerProduct(dX, a), bases: value, blinding: tau0 }))
  }
  const c = absorbMask(transcript, points)
  let z = kernel.foldScalars(dX, x, c)
  const answers = {
    zetaX: kernel.foldScalars(deltaX, xi, c),
    zetaV: kernel.foldScalars(tau0, nu, c),
    tau: kernel.innerProduct(z, a)
  }
  absorbAnswers(transcript, answers)
  const rounds: LinearRound[] = []
  let [open, left] = [a, bases]
  while (lengthOf(z) > LAST_LENGTH) {
    const half = lengthOf(z) / 2
    const [lZ, rZ] = [slice(z, 0, half), slice(z, half)]
    const [lA, rA] = [slice(open, 0, half), slice(open, half)]
    const halves = kernel.encode(kernel.concat([left.sum(rZ), left.sum(lZ, half)]))
    const round = {
      a1: slice(halves, 0, 1),
      a2: slice(halves, 1, 2),
      c1: kernel.innerProduct(rZ, lA),
      c2: kernel.innerProduct(lZ, rA)
    }
    const u = absorbRound(transcript, round)
    const inverse = kernel.invertScalars(u)
    z = kernel.foldScalars(lZ, rZ, u)
    open = kernel.foldScalars(lA, rA, inverse)
    if (half > LAST_LENGTH) left = left.fold(half, inverse)
    rounds.push(round)
  }
  return { ...points, ...answers, rounds, z }
}

export interface LinearEquations {
  readonly kernel: Kernel
  readonly proof: LinearProof
  readonly challenges: LinearChallenges
  readonly of: PointTerms<keyof ReturnType<typeof linearPoints>>
  /** The coefficients s_z of the bases. */
  readonly s: Uint8Array
  /** The term for them. */
  bases(s: Uint8Array): Term
  /** The commitments to x, and to ⟨x, a⟩. */
  readonly x: readonly Term[]
  readonly v: readonly Term[]
}

/** s_z: the coefficients of the bases. */
export function linearCoefficients(kernel: Kernel, { z }: LinearProof, { halve }: LinearChallenges): Uint8Array {
  return unfold(kernel, z, { factors: halve.map(u => kernel.invertScalars(u)) })
}

/**
 * Whether p = ⟨s_z, a⟩ − Σ_j (u_j c_1,j + u_j^−1 c_2,j).
 * @throws InvalidProofError(step) when not
 */
export function checkLinearProduct(
  kernel: Kernel,
  { proof, challenges, s, a }: { proof: LinearProof; challenges: LinearChallenges; s: Uint8Array; a: Uint8Array },
  step: string
): void {
  const product = kernel.addScalars(kernel.innerProduct(s, a), crossTerms(kernel, proof.rounds, challenges.halve))
  if (!equal(product, proof.tau)) throw new InvalidProofError(step, 'the folded vector does not give the product that was sent')
}

/** The equations between points, each with a weight of its own. */
export function addLinear(combination: Combination, { kernel, proof, challenges, of, s, bases, x, v }: LinearEquations): void {
  const { mask } = challenges
  const u = concat(challenges.halve)
  const by = (terms: readonly Term[]): Term[] => terms.map(term => ({ ...term, scalars: kernel.mulScalars(term.scalars, mask) }))
  const H = (scalars: Uint8Array): Term => combination.generators('H', scalars)
  // ⟨s_z, G⟩ − Σ_j (u_j A_1,j + u_j^−1 A_2,j) + ζ_x H = D_X + c_m X
  combination.equation([bases(s), H(proof.zetaX)], [of('a1', u), of('a2', kernel.invertScalars(u)), of('dx', ONE), ...by(x)])
  // p U + ζ_v H = T_0 + c_m V
  combination.equation([combination.generators('U', proof.tau), H(proof.zetaV)], [of('t0', ONE), ...by(v)])
}

export function encodeLinear({ dx, t0, zetaX, zetaV, tau, rounds, z }: LinearProof): Uint8Array {
  return concat([dx, t0, zetaX, zetaV, tau, ...rounds.flatMap(({ a1, a2, c1, c2 }) => [a1, a2, c1, c2]), z])
}

/** @param next the next so many points or scalars */
export function readLinear(next: (count?: number) => Uint8Array, length: number): LinearProof {
  const { odd, last } = halvings(length)
  const head = { dx: next(), t0: next(), zetaX: next(), zetaV: next(), tau: next() }
  const rounds = odd.map(() => ({ a1: next(), a2: next(), c1: next(), c2: next() }))
  return { ...head, rounds, z: next(last) }
}

export function linearPoints({ dx, t0, rounds }: LinearProof) {
  return { dx, t0, a1: concat(rounds.map(({ a1 }) => a1)), a2: concat(rounds.map(({ a2 }) => a2)) }
}

export function linearScalars({ zetaX, zetaV, tau, rounds, z }: LinearProof): Uint8Array[] {
  return [zetaX, zetaV, tau, ...rounds.flatMap(({ c1, c2 }) => [c1, c2]), z]
}
