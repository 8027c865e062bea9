/**
 * The real prover of certificates, step by step, with every value in between: what vectors show, and where a dishonest prover deviates.
 * The steps are those of src/proof/certificate; only their order is written again here.
 */
import type { Transcript } from '../../src/proof/transcript.js'
import { lengthOf, repeat, slice } from '../../src/proof/scalars.js'
import { certificateTranscript, type LookupChallenges } from '../../src/proof/certificate/challenges.js'
import { encodeCertificate, type Certificate } from '../../src/proof/certificate/layout.js'
import { familiesOf, type CertifyInit } from '../../src/proof/certificate/prove.js'
import {
  commitInverses,
  commitMultiplicities,
  commitValues,
  familyPairs,
  proveFamily,
  proveTable,
  type Family,
  type InvertedFamily,
  type TableInit
} from '../../src/proof/certificate/steps.js'
import { multiplicities, partners } from '../../src/proof/certificate/table.js'
import type { ArgumentProver, PairList } from '../../src/proof/argument/pairs.js'
import type { Kernel } from '../../src/kernel/types.js'

export type Families = readonly [Family, Family]

/** What a liar knows when it chooses its inverses. */
export interface KnownAtInverses {
  readonly kernel: Kernel
  readonly chi: Uint8Array
  readonly families: Families
  /** f of row k as the real prover would make it. */
  honest(family: 0 | 1, k: number): Uint8Array
}

/** Where a dishonest prover changes what it does. */
export interface CertificateDeviation {
  /** Before anything is absorbed: other weights than the integers of the module, modulo ℓ. */
  readonly families?: (families: Families) => Families
  /** N scalars; χ is known only to one who has fixed it (below). */
  readonly mu?: (mu: Uint8Array) => Uint8Array
  /** For a verifier to which χ is known before M. */
  readonly chi?: Uint8Array
  /** f of row k of a family. */
  readonly inverses?: (family: 0 | 1, k: number, known: KnownAtInverses) => Uint8Array
  /** For a verifier that draws others. */
  readonly challenges?: (drawn: LookupChallenges) => LookupChallenges
  /** What a family's argument starts from, once V is committed to. */
  readonly list?: (family: 0 | 1, list: PairList) => PairList
  /** What the table's argument starts from. */
  readonly table?: (init: TableInit) => TableInit
  /** Before anything of the certificate is absorbed. */
  readonly listen?: (transcript: Transcript) => void
  /** After everything, before it is written. */
  readonly certificate?: (certificate: Certificate) => Certificate
}

export function certifySteps(init: CertifyInit, deviation: CertificateDeviation = {}) {
  const { kernel, masks, bodyHash, module, weightBits, place } = init
  const transcript = certificateTranscript(kernel, bodyHash, place.index)
  deviation.listen?.(transcript)
  const prover: ArgumentProver = { kernel, transcript, masks }
  const counts = multiplicities([module.a, module.b], weightBits)
  const honestMu = kernel.scalarsOf(counts)
  const mu = deviation.mu?.(honestMu) ?? honestMu
  const { m, kappa, chi: drawnChi } = commitMultiplicities(prover, mu)
  const chi = deviation.chi ?? drawnChi
  const table = partners(kernel, chi, weightBits)
  const families = deviation.families?.(familiesOf(init)) ?? familiesOf(init)
  const honest = (family: 0 | 1, k: number): Uint8Array => {
    const weights = families[family].weights(k)
    return kernel.invertScalars(kernel.addScalars(weights, repeat(chi, lengthOf(weights))))
  }
  const inverses = (family: 0 | 1) => (k: number) => deviation.inverses?.(family, k, { kernel, chi, families, honest }) ?? honest(family, k)
  const inverted: readonly [InvertedFamily, InvertedFamily] = [
    { ...families[0], inverses: inverses(0) },
    { ...families[1], inverses: inverses(1) }
  ]
  const { cf, phi, ...drawn } = commitInverses(prover, inverted)
  const challenges = deviation.challenges?.({ chi, ...drawn }) ?? { chi, ...drawn }
  const lists = inverted.map(family => {
    const own = slice(phi, family.first, family.first + family.count)
    return familyPairs(kernel, family, { ...challenges, phi: own })
  })
  const { nuA, nuB, va, vb } = commitValues(prover, [lists[0]!.value, lists[1]!.value])
  const list = (family: 0 | 1, nu: Uint8Array): PairList => {
    const own = { ...lists[family]!, nu }
    return deviation.list?.(family, own) ?? own
  }
  const familyA = proveFamily(prover, inverted[0], list(0, nuA), challenges.tau)
  const familyB = proveFamily(prover, inverted[1], list(1, nuB), challenges.tau)
  const init5 = { ...challenges, mu, kappa, partners: table, nuA, nuB }
  const made = { m, cf, va, vb, familyA, familyB, table: proveTable(prover, deviation.table?.(init5) ?? init5) }
  const certificate = deviation.certificate?.(made) ?? made
  return { counts, kappa, phi, nuA, nuB, partners: table, ...challenges, certificate, bytes: encodeCertificate(certificate) }
}
