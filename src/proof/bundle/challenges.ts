/**
 * What is absorbed and drawn, step by step (protocols/bundle, Steps). Prover and verifier both call these, so that there is one order.
 * Everything that a party sends is absorbed before the challenges that depend on it.
 */
import { concat, u16, u32 } from '../../bytes.js'
import type { Kernel } from '../../kernel/types.js'
import { pairsChallenges, type PairsChallenges } from '../argument/challenges.js'
import { LABELS } from '../labels.js'
import { encodeTail } from '../rows/tail.js'
import { Transcript } from '../transcript.js'
import type { Answers, FirstMessages, Hidden, Proof, Statement } from './layout.js'

/** All challenges of a proof. */
export interface Challenges extends PairsChallenges {
  readonly rho: Uint8Array
  readonly gamma: Uint8Array
  readonly lambda: Uint8Array
  /** Step 4. */
  readonly c: Uint8Array
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

/** The verifier's: all challenges of a proof over its statement. */
export function challengesOf(transcript: Transcript, statement: Statement, proof: Proof): Challenges {
  const rho = absorbStatement(transcript, statement)
  const { gamma, lambda } = absorbHidden(transcript, proof.hidden)
  absorbValue(transcript, proof.value)
  const c = absorbFirst(transcript, proof.first)
  absorbAnswers(transcript, proof.answers)
  return { rho, gamma, lambda, c, ...pairsChallenges(transcript, proof) }
}
