/** What an argument absorbs and draws, in order (protocols/bundle, steps 5 and 6). Prover and verifier both call these. */
import type { Transcript } from '../transcript.js'
import type { HalvingRound, MaskAnswers, MaskPoints, OddEntries, PairRound, PairsProof } from './layout.js'

export interface PairsChallenges {
  /** Step 5, one for each round. */
  readonly fold: readonly Uint8Array[]
  /** Step 6: c_m. */
  readonly mask: Uint8Array
  /** Step 6, one for each halving. */
  readonly halve: readonly Uint8Array[]
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

/** The verifier's: all challenges of an argument. */
export function pairsChallenges(transcript: Transcript, proof: PairsProof): PairsChallenges {
  const fold = proof.pairs.map(round => absorbPairs(transcript, round))
  const mask = absorbMaskPoints(transcript, proof.maskPoints)
  absorbMaskAnswers(transcript, proof.maskAnswers)
  const halve = proof.rounds.map(round => {
    if (round.odd !== undefined) absorbOdd(transcript, round.odd)
    return absorbHalving(transcript, round)
  })
  return { fold, mask, halve }
}
