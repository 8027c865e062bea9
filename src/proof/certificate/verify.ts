/** The verifier: all modules' certificates in one multi-scalar multiplication (protocols/adapter, Certificate, Verification). */
import { concat } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import type { GeneratorFamily, Kernel } from '../../kernel/types.js'
import type { PairsChallenges } from '../argument/challenges.js'
import { addPairs, termsOf } from '../argument/equations.js'
import { checkInnerProduct } from '../argument/inner.js'
import { pairsPoints, type PairsProof } from '../argument/layout.js'
import { addLinear, checkLinearProduct, linearCoefficients } from '../argument/linear.js'
import { foldCoefficients } from '../argument/pairs.js'
import { Combination, type Basis, type Term } from '../combination.js'
import { lengthOf, ONE, repeat, SCALAR_BYTES, slice } from '../scalars.js'
import type { Manifest, Random } from '../types.js'
import { certificateChallenges, certificateTranscript, type CertificateChallenges } from './challenges.js'
import { certificateItems, certificatePoints, certificateScalars, splitCertificate, type Certificate, type ModuleShape } from './layout.js'
import { partners, total } from './table.js'

/** A module with its commitments and its certificate. */
export interface CertifiedModule extends ModuleShape {
  readonly index: number
  /** First index of its block of K. */
  readonly offset: number
  /** 2r points: CA, then CB. */
  readonly commitments: Uint8Array
  readonly certificate: Certificate
}

/** Modules with the parts of the certificates' bytes that are theirs. */
export function certifiedModules(manifest: Manifest): CertifiedModule[] {
  let at = 0
  return manifest.groups.flatMap(({ dIn, modules }) =>
    modules.map(({ dOut, rank, index, offset, ca, cb }) => {
      const shape = { dIn, dOut, rank, weightBits: manifest.weightBits }
      const from = at
      at += certificateItems(shape) * SCALAR_BYTES
      const certificate = splitCertificate(manifest.certificates.subarray(from, at), shape)
      return { ...shape, index, offset, commitments: concat([ca, cb]), certificate }
    })
  )
}

/**
 * Checks all modules' certificates in one multi-scalar multiplication.
 * @throws MalformedMessageError for encodings that are not canonical; InvalidProofError('manifest') for an identity point,
 * InvalidProofError('certificate') when a challenge is zero or the negative of a table value, or an equation does not hold
 */
export function verifyCertificates(kernel: Kernel, manifest: Manifest, random: Random): void {
  const modules = certifiedModules(manifest)
  kernel.checkScalars(concat(modules.flatMap(({ certificate }) => certificateScalars(certificate))))
  const encodings = modules.map(module => concat([module.commitments, ...pointParts(module.certificate)]))
  const points = kernel.decode(concat(encodings))
  const identity = kernel.indexOfIdentity(points)
  if (identity !== -1) throw new InvalidProofError('manifest', `point ${identity} is the identity`)
  const combination = new Combination(kernel, random)
  const basis = combination.basis(points)
  let from = 0
  modules.forEach((module, m) => {
    const challenges = certificateChallenges(certificateTranscript(kernel, manifest.bodyHash, module.index), module.certificate)
    addCertificate(combination, { kernel, module, challenges, basis, from })
    from += lengthOf(encodings[m]!)
  })
  if (!combination.holds()) throw new InvalidProofError('certificate', 'the sum of the equations is not the identity')
}

function pointParts(certificate: Certificate): Uint8Array[] {
  return Object.values(certificatePoints(certificate)).flatMap(part => Object.values<Uint8Array>(part))
}

export interface CertificateEquations {
  readonly kernel: Kernel
  readonly module: CertifiedModule
  readonly challenges: CertificateChallenges
  /** Commitments and points of the certificate stand in it from `from` on. */
  readonly basis: Basis
  readonly from: number
}

/**
 * Adds a certificate's equations, each with a weight of its own, after checking its products in clear.
 * @throws InvalidProofError('certificate')
 */
export function addCertificate(combination: Combination, { kernel, module, challenges, basis, from }: CertificateEquations): void {
  const { dIn, dOut, rank, offset, weightBits, certificate } = module
  const { chi, sigma, tau, psi } = challenges
  const points = certificatePoints(certificate)
  const ownAt = from + 2 * rank
  const atA = ownAt + 2 * rank + 3
  const atB = atA + countOf(points.familyA)
  const of = termsOf(basis, points.own, ownAt)
  const table = partners(kernel, chi, weightBits)
  const sigmas = kernel.powers(sigma, 2 * rank)
  const shares = kernel.mulScalars(kernel.invertScalars(sigmas), psi)
  const inverses = kernel.powers(kernel.invertScalars(tau), Math.max(dIn, dOut))

  const family = (
    init: { name: GeneratorFamily; offset: number; width: number; first: number } & Pick<FamilyInit, 'proof' | 'at' | 'v'> & {
        drawn: PairsChallenges
      }
  ): Uint8Array => {
    const { width, first, drawn } = init
    const rows = (scalars: Uint8Array): Uint8Array => slice(scalars, first, first + rank)
    addFamily(combination, {
      ...{ kernel, basis, challenges: drawn, chi, ...init },
      ...{ inverses: slice(inverses, 0, width), sigmas: rows(sigmas), shares: rows(shares) },
      commitments: from + first,
      inverted: ownAt + 1 + first
    })
    // Σ_j σ^j Σ_i τ^i over the family, with Σ_i τ^i = τ^(n−1) Σ_i τ^−i
    const last = kernel.invertScalars(slice(inverses, width - 1, width))
    return kernel.mulScalars(kernel.mulScalars(total(kernel, slice(inverses, 0, width)), last), total(kernel, rows(sigmas)))
  }
  const sumA = family({
    ...{ name: 'G', offset: 0, width: dIn, first: 0, at: atA },
    ...{ proof: certificate.familyA, drawn: challenges.familyA, v: of('va', ONE) }
  })
  const sumB = family({
    ...{ name: 'K', offset, width: dOut, first: rank, at: atB },
    ...{ proof: certificate.familyB, drawn: challenges.familyB, v: of('vb', ONE) }
  })

  const s = linearCoefficients(kernel, certificate.table, challenges.table)
  const linear = { kernel, proof: certificate.table, challenges: challenges.table, s }
  checkLinearProduct(kernel, { ...linear, a: table }, 'certificate')
  const minusOne = kernel.negateScalars(ONE)
  addLinear(combination, {
    ...linear,
    of: termsOf(basis, points.table, atB + countOf(points.familyB)),
    bases: coefficients => combination.generators('G', coefficients),
    x: [of('m', kernel.negateScalars(psi))],
    v: [combination.generators('U', kernel.addScalars(sumA, sumB)), of('va', minusOne), of('vb', minusOne)]
  })
}

function countOf(points: Record<string, Uint8Array>): number {
  return Object.values(points).reduce((count, part) => count + lengthOf(part), 0)
}

interface FamilyInit {
  readonly kernel: Kernel
  readonly basis: Basis
  readonly proof: PairsProof
  readonly challenges: PairsChallenges
  readonly chi: Uint8Array
  /** Its generators. */
  readonly name: GeneratorFamily
  readonly offset: number
  /** τ^−i, σ^j and ψ σ^−j of its rows. */
  readonly inverses: Uint8Array
  readonly sigmas: Uint8Array
  readonly shares: Uint8Array
  /** Where in the basis its commitments, its CF and the points of its proof begin. */
  readonly commitments: number
  readonly inverted: number
  readonly at: number
  readonly v: Term
}

/** Equations 1 to 4 of a family. */
function addFamily(combination: Combination, init: FamilyInit): void {
  const { kernel, basis, proof, challenges, chi, name, offset, inverses, sigmas, shares } = init
  checkInnerProduct(kernel, proof, challenges, 'certificate')
  const count = lengthOf(sigmas)
  const e = foldCoefficients(kernel, challenges.fold, count)
  const eInverse = foldCoefficients(
    kernel,
    challenges.fold.map(c => kernel.invertScalars(c)),
    count
  )
  // Y has, on each generator, χ Σ_j e'_j + ψ Σ_j e'_j σ^−j τ^−i
  const minus = kernel.negateScalars(challenges.mask)
  const constant = kernel.mulScalars(kernel.mulScalars(chi, total(kernel, eInverse)), minus)
  const share = kernel.mulScalars(kernel.innerProduct(eInverse, shares), minus)
  const known = kernel.foldScalars(repeat(constant, lengthOf(inverses)), inverses, share)
  addPairs(combination, {
    ...{ kernel, proof, challenges, of: termsOf(basis, pairsPoints(proof), init.at) },
    bases: {
      x: coefficients => combination.generators(name, kernel.mulScalars(coefficients, inverses), offset),
      a: coefficients => combination.generators(name, kernel.addScalars(coefficients, known), offset)
    },
    x: [{ basis, from: init.inverted, scalars: kernel.mulScalars(e, sigmas) }],
    y: [{ basis, from: init.commitments, scalars: eInverse }],
    v: [init.v]
  })
}
