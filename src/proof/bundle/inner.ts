/** Step 6: one pair masked, answered, and the answers folded; and what the verifier makes of them. */
import { concat, equal } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import { hide } from '../hiding.js'
import { lengthOf, pad, slice, sum } from '../scalars.js'
import type { Transcript } from '../transcript.js'
import { absorbHalving, absorbMaskAnswers, absorbMaskPoints, absorbOdd, type Challenges } from './challenges.js'
import type { Prover } from './hidden.js'
import { LAST_LENGTH, widthOf, type HalvingRound, type OddEntries, type Proof } from './layout.js'
import type { FoldedPair } from './pairs.js'

export type OpenedPair = Pick<Proof, 'maskPoints' | 'maskAnswers' | 'rounds' | 'x' | 'a'>

export function openPair(prover: Prover, pair: FoldedPair): OpenedPair {
  const { kernel, groups, transcript, masks } = prover
  const d = widthOf(groups)
  const [x, a] = [pad(pair.x, d), pad(pair.a, d)]
  const generators = kernel.generators('G', 0, d)
  const value = kernel.generators('U', 0, 1)
  const mask = masks.at(transcript)
  const [dX, dA] = [mask('d-x', d), mask('d-a', d)]
  const [deltaX, deltaA, tau0, tau1] = [mask('delta-x'), mask('delta-a'), mask('tau-0'), mask('tau-1')]
  const cross = kernel.addScalars(kernel.innerProduct(dX, a), kernel.innerProduct(x, dA))
  const maskPoints = {
    dx: kernel.encode(hide(kernel, { scalars: dX, bases: generators, blinding: deltaX })),
    da: kernel.encode(hide(kernel, { scalars: dA, bases: generators, blinding: deltaA })),
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
  return { maskPoints, maskAnswers, ...halve(kernel, transcript, zX, zA) }
}

/** The vectors are folded over generators that fold the other way, until they are short enough to be sent. */
function halve(kernel: Kernel, transcript: Transcript, zX: Uint8Array, zA: Uint8Array): Pick<Proof, 'rounds' | 'x' | 'a'> {
  const rounds: HalvingRound[] = []
  let [x, a] = [zX, zA]
  let gX = kernel.generators('G', 0, lengthOf(x))
  let gA = gX
  while (lengthOf(x) > LAST_LENGTH) {
    const half = Math.floor(lengthOf(x) / 2)
    let odd: OddEntries | undefined
    if (lengthOf(x) % 2 === 1) {
      odd = { x: slice(x, 2 * half), a: slice(a, 2 * half) }
      absorbOdd(transcript, odd)
    }
    const [lX, rX] = [slice(x, 0, half), slice(x, half, 2 * half)]
    const [lA, rA] = [slice(a, 0, half), slice(a, half, 2 * half)]
    const [gXL, gXR] = [kernel.slice(gX, 0, half), kernel.slice(gX, half, 2 * half)]
    const [gAL, gAR] = [kernel.slice(gA, 0, half), kernel.slice(gA, half, 2 * half)]
    const round = {
      a1: kernel.encode(kernel.msm(rX, gXL)),
      a2: kernel.encode(kernel.msm(lX, gXR)),
      a3: kernel.encode(kernel.msm(rA, gAL)),
      a4: kernel.encode(kernel.msm(lA, gAR)),
      c1: kernel.innerProduct(rX, lA),
      c2: kernel.innerProduct(lX, rA)
    }
    const u = absorbHalving(transcript, round)
    const inverse = kernel.invertScalars(u)
    x = kernel.foldScalars(lX, rX, u)
    a = kernel.foldScalars(lA, rA, inverse)
    gX = kernel.foldPoints(gXL, gXR, inverse)
    gA = kernel.foldPoints(gAL, gAR, u)
    rounds.push({ odd, ...round })
  }
  return { rounds, x, a }
}

/**
 * Equation 7: τ = ⟨x, a⟩ + Σ odd-x · odd-a − Σ_j (u_j c_1,j + u_j^−1 c_2,j).
 * @throws InvalidProofError('inner product')
 */
export function checkInnerProduct(kernel: Kernel, { maskAnswers, rounds, x, a }: Proof, { halve }: Pick<Challenges, 'halve'>): void {
  const odd = rounds.flatMap(round => (round.odd === undefined ? [] : [round.odd]))
  const u = concat(halve)
  const product = sum(kernel, [
    kernel.innerProduct(x, a),
    kernel.innerProduct(concat(odd.map(entries => entries.x)), concat(odd.map(entries => entries.a))),
    kernel.negateScalars(kernel.innerProduct(u, concat(rounds.map(({ c1 }) => c1)))),
    kernel.negateScalars(kernel.innerProduct(kernel.invertScalars(u), concat(rounds.map(({ c2 }) => c2))))
  ])
  if (!equal(product, maskAnswers.tau))
    throw new InvalidProofError('inner product', 'the folded vectors do not give the product that was sent')
}

/** s_x or s_a: the coefficients of the first generators, back from the last vector through the rounds. */
export function unfold(
  kernel: Kernel,
  last: Uint8Array,
  { factors, odd }: { factors: readonly Uint8Array[]; odd: readonly (Uint8Array | undefined)[] }
): Uint8Array {
  return factors.reduceRight((s, factor, j) => concat([s, kernel.mulScalars(s, factor), odd[j] ?? new Uint8Array()]), last)
}
