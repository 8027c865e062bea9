/** What a certificate absorbs and draws, in order (protocols/adapter, Certificate). Prover and verifier both call these. */
import { u32 } from '../../bytes.js'
import type { Kernel } from '../../kernel/types.js'
import { pairsChallenges, type PairsChallenges } from '../argument/challenges.js'
import { linearChallenges, type LinearChallenges } from '../argument/linear.js'
import { LABELS } from '../labels.js'
import { Transcript } from '../transcript.js'
import type { Certificate } from './layout.js'

/** Steps 1 and 2. */
export interface LookupChallenges {
  readonly chi: Uint8Array
  readonly sigma: Uint8Array
  readonly tau: Uint8Array
  readonly psi: Uint8Array
}

export interface CertificateChallenges extends LookupChallenges {
  readonly familyA: PairsChallenges
  readonly familyB: PairsChallenges
  readonly table: LinearChallenges
}

/** Step 0. @param module its index over all groups */
export function certificateTranscript(kernel: Kernel, bodyHash: Uint8Array, module: number): Transcript {
  const transcript = new Transcript(kernel, LABELS.certificate, 'certificate')
  transcript.append('body', bodyHash)
  transcript.append('module', u32(module))
  return transcript
}

/** Step 1. */
export function absorbMultiplicities(transcript: Transcript, m: Uint8Array): Uint8Array {
  transcript.append('M', m)
  return transcript.challenge('chi')
}

/** Step 2. */
export function absorbInverses(transcript: Transcript, cf: Uint8Array): Omit<LookupChallenges, 'chi'> {
  transcript.appendPacked('CF', cf)
  return { sigma: transcript.challenge('sigma'), tau: transcript.challenge('tau'), psi: transcript.challenge('psi') }
}

/** Step 3. */
export function absorbValues(transcript: Transcript, { va, vb }: Pick<Certificate, 'va' | 'vb'>): void {
  transcript.append('VA', va)
  transcript.append('VB', vb)
}

/** The verifier's: all challenges of a certificate. */
export function certificateChallenges(transcript: Transcript, certificate: Certificate): CertificateChallenges {
  const chi = absorbMultiplicities(transcript, certificate.m)
  const lookup = absorbInverses(transcript, certificate.cf)
  absorbValues(transcript, certificate)
  return {
    chi,
    ...lookup,
    familyA: pairsChallenges(transcript, certificate.familyA),
    familyB: pairsChallenges(transcript, certificate.familyB),
    table: linearChallenges(transcript, certificate.table)
  }
}
