/** Step 6: one pair masked, answered, and the answers folded; and what the verifier makes of them (protocols/bundle). */
import { concat, equal } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import { blindings, hide } from '../hiding.js'
import { lengthOf, slice, sum } from '../scalars.js'
import type { Transcript } from '../transcript.js'
import type { Bases } from './bases.js'
import { absorbHalving, absorbMaskAnswers, absorbMaskPoints, absorbOdd, type PairsChallenges } from './challenges.js'
import { LAST_LENGTH, type HalvingRound, type OddEntries, type OpenedPair, type PairsProof } from './layout.js'
import type { ArgumentProver, FoldedPair } from './pairs.js'

/** What the two vectors of a pair are opened over: as many bases each as they have entries. */
export interface PairBases {
  readonly x: Bases
  readonly a: Bases
}

export function openPair({ kernel, transcript, masks }: ArgumentProver, pair: FoldedPair, bases: PairBases): OpenedPair {
  const { x, a } = pair
  const d = bases.x.length
  const value = kernel.generators('U', 0, 1)
  const mask = masks.at(transcript)
  const [dX, dA] = [mask('d-x', d), mask('d-a', d)]
  const [deltaX, deltaA, tau0, tau1] = [mask('delta-x'), mask('delta-a'), mask('tau-0'), mask('tau-1')]
  const cross = kernel.addScalars(kernel.innerProduct(dX, a), kernel.innerProduct(x, dA))
  const maskPoints = {
    dx: kernel.encode(kernel.add(bases.x.sum(dX), blindings(kernel, deltaX))),
    da: kernel.encode(kernel.add(bases.a.sum(dA), blindings(kernel, deltaA))),
    t0: kernel.encode(hide(kernel, { scalars: kernel.innerProduct(dX, dA), bases: value, blinding: tau0 })),
    t1: kernel.encode(hide(kernel, { scalars: cross, bases: value, blinding: tau1 }))
  }
  const c = absorbMaskPoints(transcript, maskPoints)
  const zX = kernel.foldScalars(dX, x, c)
  const zA = kernel.foldScalars(dA, a, c)
  const maskAnswers = {
    zetaX: kernel.foldScalars(deltaX, pair.xi, c),
    zetaA: kernel.foldScalars(deltaA, pair.alpha, c),
    zetaV: kernel.foldScalars(tau0, kernel.foldScalars(tau1, pair.nu, c), c),
    tau: kernel.innerProduct(zX, zA)
  }
  absorbMaskAnswers(transcript, maskAnswers)
  return { maskPoints, maskAnswers, ...halve({ kernel, transcript }, { x: zX, a: zA }, bases) }
}

/** The vectors are folded over bases that fold the other way, until they are short enough to be sent. */
function halve(
  { kernel, transcript }: { kernel: Kernel; transcript: Transcript },
  vectors: { x: Uint8Array; a: Uint8Array },
  bases: PairBases
): Pick<OpenedPair, 'rounds' | 'x' | 'a'> {
  const rounds: HalvingRound[] = []
  let { x, a } = vectors
  let { x: gX, a: gA } = bases
  while (lengthOf(x) > LAST_LENGTH) {
    const half = Math.floor(lengthOf(x) / 2)
    let odd: OddEntries | undefined
    if (lengthOf(x) % 2 === 1) {
      odd = { x: slice(x, 2 * half), a: slice(a, 2 * half) }
      absorbOdd(transcript, odd)
    }
    const [lX, rX] = [slice(x, 0, half), slice(x, half, 2 * half)]
    const [lA, rA] = [slice(a, 0, half), slice(a, half, 2 * half)]
    const points = kernel.encode(kernel.concat([gX.sum(rX), gX.sum(lX, half), gA.sum(rA), gA.sum(lA, half)]))
    const round = {
      a1: slice(points, 0, 1),
      a2: slice(points, 1, 2),
      a3: slice(points, 2, 3),
      a4: slice(points, 3, 4),
      c1: kernel.innerProduct(rX, lA),
      c2: kernel.innerProduct(lX, rA)
    }
    const u = absorbHalving(transcript, round)
    const inverse = kernel.invertScalars(u)
    x = kernel.foldScalars(lX, rX, u)
    a = kernel.foldScalars(lA, rA, inverse)
    if (half > LAST_LENGTH) {
      gX = gX.fold(half, inverse)
      gA = gA.fold(half, u)
    }
    rounds.push({ odd, ...round })
  }
  return { rounds, x, a }
}

/**
 * Whether τ = ⟨x, a⟩ + Σ odd-x · odd-a − Σ_j (u_j c_1,j + u_j^−1 c_2,j).
 * @throws InvalidProofError(step) when not
 */
export function checkInnerProduct(
  kernel: Kernel,
  { maskAnswers, rounds, x, a }: PairsProof,
  { halve: u }: Pick<PairsChallenges, 'halve'>,
  step: string
): void {
  const odd = rounds.flatMap(round => (round.odd === undefined ? [] : [round.odd]))
  const product = sum(kernel, [
    kernel.innerProduct(x, a),
    kernel.innerProduct(concat(odd.map(entries => entries.x)), concat(odd.map(entries => entries.a))),
    crossTerms(kernel, rounds, u)
  ])
  if (!equal(product, maskAnswers.tau)) throw new InvalidProofError(step, 'the folded vectors do not give the product that was sent')
}

/** −Σ_j (u_j c_1,j + u_j^−1 c_2,j). */
export function crossTerms(
  kernel: Kernel,
  rounds: readonly Pick<HalvingRound, 'c1' | 'c2'>[],
  challenges: readonly Uint8Array[]
): Uint8Array {
  const u = concat(challenges)
  const low = kernel.innerProduct(u, concat(rounds.map(({ c1 }) => c1)))
  const high = kernel.innerProduct(kernel.invertScalars(u), concat(rounds.map(({ c2 }) => c2)))
  return kernel.negateScalars(kernel.addScalars(low, high))
}

/** s_x or s_a: the coefficients of the first bases, back from the last vector through the rounds. */
export function unfold(
  kernel: Kernel,
  last: Uint8Array,
  { factors, odd = [] }: { factors: readonly Uint8Array[]; odd?: readonly (Uint8Array | undefined)[] }
): Uint8Array {
  return factors.reduceRight((s, factor, j) => concat([s, kernel.mulScalars(s, factor), odd[j] ?? new Uint8Array()]), last)
}
