/**
 * What is absorbed and drawn, step by step (protocols/bundle, Steps). Prover and verifier both call these, so that there is one order.
 * Everything that a party sends is absorbed before the challenges that depend on it.
 */
import { concat, u16, u32 } from '../../bytes.js'
import type { Kernel } from '../../kernel/types.js'
import { LABELS } from '../labels.js'
import { encodeTail } from '../rows/tail.js'
import { Transcript } from '../transcript.js'
import type {
  Answers,
  FirstMessages,
  HalvingRound,
  Hidden,
  MaskAnswers,
  MaskPoints,
  OddEntries,
  PairRound,
  Proof,
  Statement
} from './layout.js'

/** All challenges of a proof. */
export interface Challenges {
  readonly rho: Uint8Array
  readonly gamma: Uint8Array
  readonly lambda: Uint8Array
  /** Step 4. */
  readonly c: Uint8Array
  /** Step 5, one for each round. */
  readonly fold: readonly Uint8Array[]
  /** Step 6: c_m. */
  readonly mask: Uint8Array
  /** Step 6, one for each halving. */
  readonly halve: readonly Uint8Array[]
}

export function bundleTranscript(kernel: Kernel): Transcript {
  return new Transcript(kernel, LABELS.bundle)
}

/** Steps 0 and 1. */
export function absorbStatement(transcript: Transcript, statement: Statement): Uint8Array {
  transcript.append('context', statement.contextBytes)
  transcript.append('session', statement.session)
  transcript.append('range', concat([u32(statement.start), u32(statement.end)]))
  transcript.append('public-s', statement.publicStart)
  transcript.append('public-e', statement.publicEnd)
  transcript.append('user-tail', encodeTail(statement.userTail))
  transcript.append('contributor-tail', encodeTail(statement.contributorTail))
  transcript.appendList(
    'groups',
    statement.groups.map(({ index, rows }) => concat([u16(index), u32(rows)]))
  )
  return transcript.challenge('rho')
}

/** Step 2: W before γ, P before λ. */
export function absorbHidden(transcript: Transcript, { w, p }: Hidden): { gamma: Uint8Array; lambda: Uint8Array } {
  transcript.append('W', w)
  transcript.appendPacked('P', p)
  return { gamma: transcript.challenge('gamma'), lambda: transcript.challenge('lambda') }
}

/** Step 3. */
export function absorbValue(transcript: Transcript, v: Uint8Array): void {
  transcript.append('V', v)
}

/** Step 4. */
export function absorbFirst(transcript: Transcript, { ew, ed, ev }: FirstMessages): Uint8Array {
  transcript.append('EW', ew)
  transcript.append('ED', ed)
  transcript.append('EV', ev)
  return transcript.challenge('c')
}

/** Step 4. */
export function absorbAnswers(transcript: Transcript, { z, zOmega, zSigma, zNu }: Answers): void {
  transcript.appendPacked('z', z)
  transcript.append('z-omega', zOmega)
  transcript.append('z-sigma', zSigma)
  transcript.append('z-nu', zNu)
}

/** Step 5, one round. */
export function absorbPairs(transcript: Transcript, { tl, tr }: PairRound): Uint8Array {
  transcript.append('TL', tl)
  transcript.append('TR', tr)
  return transcript.challenge('fold')
}

/** Step 6. */
export function absorbMaskPoints(transcript: Transcript, { dx, da, t0, t1 }: MaskPoints): Uint8Array {
  transcript.append('DX', dx)
  transcript.append('DA', da)
  transcript.append('T0', t0)
  transcript.append('T1', t1)
  return transcript.challenge('mask')
}

/** Step 6. */
export function absorbMaskAnswers(transcript: Transcript, { zetaX, zetaA, zetaV, tau }: MaskAnswers): void {
  transcript.append('zeta-x', zetaX)
  transcript.append('zeta-a', zetaA)
  transcript.append('zeta-v', zetaV)
  transcript.append('tau', tau)
}

/** Step 6, before a halving of odd length. */
export function absorbOdd(transcript: Transcript, { x, a }: OddEntries): void {
  transcript.append('odd-x', x)
  transcript.append('odd-a', a)
}

/** Step 6, one halving. */
export function absorbHalving(transcript: Transcript, { a1, a2, a3, a4, c1, c2 }: Omit<HalvingRound, 'odd'>): Uint8Array {
  transcript.append('A1', a1)
  transcript.append('A2', a2)
  transcript.append('A3', a3)
  transcript.append('A4', a4)
  transcript.append('c1', c1)
  transcript.append('c2', c2)
  return transcript.challenge('halve')
}

/** The verifier's: all challenges of a proof over its statement. */
export function challengesOf(transcript: Transcript, statement: Statement, proof: Proof): Challenges {
  const rho = absorbStatement(transcript, statement)
  const { gamma, lambda } = absorbHidden(transcript, proof.hidden)
  absorbValue(transcript, proof.value)
  const c = absorbFirst(transcript, proof.first)
  absorbAnswers(transcript, proof.answers)
  const fold = proof.pairs.map(round => absorbPairs(transcript, round))
  const mask = absorbMaskPoints(transcript, proof.maskPoints)
  absorbMaskAnswers(transcript, proof.maskAnswers)
  const halve = proof.rounds.map(round => {
    if (round.odd !== undefined) absorbOdd(transcript, round.odd)
    return absorbHalving(transcript, round)
  })
  return { rho, gamma, lambda, c, fold, mask, halve }
}
