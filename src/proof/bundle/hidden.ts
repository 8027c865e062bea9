/** Steps 1 to 4, the prover's: rows folded, hidden rows committed, and shown to be those under the rows' commitments. */
import { concat } from '../../bytes.js'
import type { Kernel, Points } from '../../kernel/types.js'
import { blindings, hide } from '../hiding.js'
import { foldApart, lengthOf, repeat, slice } from '../scalars.js'
import type { Masks, Transcript } from '../transcript.js'
import type { CommittedAdapter, SessionRow } from '../types.js'
import { absorbAnswers, absorbFirst, absorbHidden, absorbValue } from './challenges.js'
import { rankOf, type Answers, type BundleGroup, type FirstMessages, type Hidden } from './layout.js'

/** What all steps of one attempt share. */
export interface Prover {
  readonly kernel: Kernel
  readonly adapter: CommittedAdapter
  readonly groups: readonly BundleGroup[]
  readonly transcript: Transcript
  readonly masks: Masks
}

/** Step 1: the rows of each group as one. */
export interface FoldedRows {
  /** x̄_g: dIn scalars for each group. */
  readonly xBar: readonly Uint8Array[]
  /** ⟨x̄_g, G⟩: M points. */
  readonly inputs: Points
  /** η̄_g: M scalars. */
  readonly etaBar: Uint8Array
  /** h: R scalars. */
  readonly h: Uint8Array
}

/** Step 2. */
export interface HiddenRows {
  readonly hidden: Hidden
  readonly omega: Uint8Array
  /** M scalars. */
  readonly pi: Uint8Array
  readonly gamma: Uint8Array
  readonly lambda: Uint8Array
}

/** Step 1. */
export function foldRows({ kernel, adapter, groups }: Prover, rho: Uint8Array, rows: readonly SessionRow[]): FoldedRows {
  const powers = kernel.powers(rho, rows.length)
  const parts = groups.map(group => {
    const places = rows.flatMap((row, t) => (row.group === group.index ? [t] : []))
    const weights = concat(places.map(t => slice(powers, t, t + 1)))
    const members = places.map(t => rows[t]!)
    const xBar = foldApart(
      kernel,
      weights,
      members.map(({ x }) => x)
    )
    return {
      xBar,
      input: foldInputs(kernel, weights, { xBar, members }),
      etaBar: kernel.innerProduct(weights, concat(members.map(({ eta }) => eta))),
      h: concat(adapter.quantized.groups[group.index]!.modules.map(({ a }) => kernel.rowProducts(a, xBar)))
    }
  })
  return {
    xBar: parts.map(({ xBar }) => xBar),
    inputs: kernel.concat(parts.map(({ input }) => input)),
    etaBar: concat(parts.map(({ etaBar }) => etaBar)),
    h: concat(parts.map(({ h }) => h))
  }
}

/** ⟨x̄_g, G⟩, from whichever are fewer: the rows' commitments, which the contributor has checked, or the generators. */
function foldInputs(kernel: Kernel, weights: Uint8Array, { xBar, members }: { xBar: Uint8Array; members: readonly SessionRow[] }): Points {
  const width = lengthOf(xBar)
  if (members.length >= width) return kernel.msm(xBar, kernel.generators('G', 0, width))
  return kernel.msm(weights, kernel.decode(concat(members.map(({ xCommitment }) => xCommitment))))
}

/** Step 2: W = ⟨h, Q⟩ + ω H and P_g = ⟨x̄_g, G⟩ + π_g H. */
export function commitHidden({ kernel, groups, transcript, masks }: Prover, { h, inputs }: FoldedRows): HiddenRows {
  const mask = masks.at(transcript)
  const omega = mask('omega')
  const pi = mask('pi', groups.length)
  const w = kernel.encode(hide(kernel, { scalars: h, bases: kernel.generators('Q', 0, lengthOf(h)), blinding: omega }))
  const hidden = { w, p: kernel.encode(kernel.add(inputs, blindings(kernel, pi))) }
  return { hidden, omega, pi, ...absorbHidden(transcript, hidden) }
}

/** γ_gk: γ^i over all ranks of the bundle. */
export function gammas({ kernel, groups }: Pick<Prover, 'kernel' | 'groups'>, gamma: Uint8Array): Uint8Array {
  return kernel.powers(gamma, rankOf(groups))
}

/** λ_g for each rank of group g. */
export function lambdas({ kernel, groups }: Pick<Prover, 'kernel' | 'groups'>, lambda: Uint8Array): Uint8Array {
  const powers = kernel.powers(lambda, groups.length)
  return concat(groups.map(({ rank }, g) => repeat(slice(powers, g, g + 1), rank)))
}

/** Step 3: V = ⟨γ, h⟩ U + ν H. */
export function commitValue(prover: Prover, h: Uint8Array, gamma: Uint8Array): { value: Uint8Array; nu: Uint8Array } {
  const { kernel, transcript, masks } = prover
  const nu = masks.at(transcript)('nu')
  const product = kernel.innerProduct(gammas(prover, gamma), h)
  const value = kernel.encode(hide(kernel, { scalars: product, bases: kernel.generators('U', 0, 1), blinding: nu }))
  absorbValue(transcript, value)
  return { value, nu }
}

/** Step 4: the same h opens W over Q, the rows' commitments over the adapter's, and V over γ U. */
export function proveHidden(
  prover: Prover,
  { h, etaBar }: Pick<FoldedRows, 'h' | 'etaBar'>,
  { omega, pi, gamma, lambda, nu }: Omit<HiddenRows, 'hidden'> & { nu: Uint8Array }
): { first: FirstMessages; answers: Answers } {
  const { kernel, adapter, groups, transcript, masks } = prover
  const mask = masks.at(transcript)
  const m = mask('m', lengthOf(h))
  const [mOmega, mSigma, mNu] = [mask('m-omega'), mask('m-sigma'), mask('m-nu')]
  const cb = kernel.concat(groups.map(({ index }) => adapter.groups[index]!.cb))
  const encode = (scalars: Uint8Array, bases: Points, blinding: Uint8Array): Uint8Array =>
    kernel.encode(hide(kernel, { scalars, bases, blinding }))
  const first = {
    ew: encode(m, kernel.generators('Q', 0, lengthOf(h)), mOmega),
    ed: encode(kernel.mulScalars(lambdas(prover, lambda), m), cb, mSigma),
    ev: encode(kernel.innerProduct(gammas(prover, gamma), m), kernel.generators('U', 0, 1), mNu)
  }
  const c = absorbFirst(transcript, first)
  // σ = Σ_g λ_g (η̄_g − π_g)
  const sigma = kernel.innerProduct(kernel.powers(lambda, groups.length), kernel.addScalars(etaBar, kernel.negateScalars(pi)))
  const answers = {
    z: kernel.foldScalars(m, h, c),
    zOmega: kernel.foldScalars(mOmega, omega, c),
    zSigma: kernel.foldScalars(mSigma, sigma, c),
    zNu: kernel.foldScalars(mNu, nu, c)
  }
  absorbAnswers(transcript, answers)
  return { first, answers }
}
