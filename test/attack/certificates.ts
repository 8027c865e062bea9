/** A dishonest owner of a small adapter: it commits to whatever it likes and runs the real certificate prover with one deviation. */
import { concat } from '../../src/bytes.js'
import { InvalidProofError } from '../../src/errors.js'
import { decodeManifest, verifyManifest, type Manifest } from '../../src/proof/index.js'
import { encodeBody, encodeManifest, hashBody } from '../../src/proof/adapter/encode.js'
import { certificateChallenges, certificateTranscript, type LookupChallenges } from '../../src/proof/certificate/challenges.js'
import { certificatePoints } from '../../src/proof/certificate/layout.js'
import { addCertificate, certifiedModules } from '../../src/proof/certificate/verify.js'
import { Combination } from '../../src/proof/combination.js'
import { hide } from '../../src/proof/hiding.js'
import { lengthOf, slice } from '../../src/proof/scalars.js'
import { Masks } from '../../src/proof/transcript.js'
import { certifySteps, type CertificateDeviation, type Families } from '../proof/certificate-steps.js'
import { kernel, makeAdapter, register, seeded } from '../proof/fixture.js'
import { outcome } from './claims.js'

/** One module, 10 inputs, 9 outputs, rank 2, 4 bits: weights from −7 to 7. */
export const WIDTHS = { dIn: 10, dOut: 9, rank: 2, weightBits: 4 }
const { dIn, dOut, rank, weightBits } = WIDTHS
const random = seeded('certificate attack')
export const owner = register(
  'certificate attack',
  makeAdapter('certificate attack', [{ dIn, modules: [{ dOut, rank }] }], weightBits)
).adapter
const module = owner.quantized.groups[0]!.modules[0]!
const { alpha, beta } = owner.groups[0]!

/** A place in the module: family, row in it, entry in that. */
export type Place = readonly [family: 0 | 1, k: number, i: number]

export function integer(value: number): Uint8Array {
  return kernel.scalarsOf(Float64Array.of(value))
}

/** The weight that the adapter has there. */
export function weightAt([family, k, i]: Place): number {
  return family === 0 ? module.a[k * dIn + i]! : module.b[k * dOut + i]!
}

function replaced(row: Uint8Array, i: number, scalar: Uint8Array): Uint8Array {
  const out = row.slice()
  out.set(scalar, 32 * i)
  return out
}

/** Other weights in some places, whatever they are modulo ℓ. */
export function withWeights(families: Families, changes: readonly (readonly [Place, Uint8Array])[]): Families {
  const changed = (of: 0 | 1) => ({
    ...families[of],
    weights: (k: number) =>
      changes.reduce(
        (row, [[family, at, i], scalar]) => (family === of && at === k ? replaced(row, i, scalar) : row),
        families[of].weights(k)
      )
  })
  return [changed(0), changed(1)]
}

export interface Lie extends Omit<CertificateDeviation, 'families'> {
  /** The owner commits to these in the place of its adapter's. */
  readonly weights?: readonly (readonly [Place, Uint8Array])[]
  /** Before commitments are made and before the argument: other generators, say. */
  readonly families?: (families: Families) => Families
}

/** A manifest over the commitments to what the liar has, with its certificate. */
export function forged({ weights = [], families = same => same, ...deviation }: Lie = {}): Manifest {
  const changed = (honest: Families): Families => families(withWeights(honest, weights))
  const init = {
    kernel,
    masks: new Masks(kernel, random, owner.secret),
    module,
    weightBits,
    place: { index: 0, dIn, offset: 0 },
    alpha,
    beta
  }
  const honest = [
    { generators: kernel.generators('G', 0, dIn), first: 0, count: rank, gamma: alpha, weights: rowOf(module.a, dIn) },
    { generators: kernel.generators('K', 0, dOut), first: rank, count: rank, gamma: beta, weights: rowOf(module.b, dOut) }
  ] as const
  const [ca, cb] = changed(honest).map(({ generators, count, gamma, weights: rows }) =>
    concat(
      Array.from({ length: count }, (_, k) => {
        const scalars = rows(k)
        return kernel.encode(
          hide(kernel, { scalars, bases: kernel.slice(generators, 0, lengthOf(scalars)), blinding: slice(gamma, k, k + 1) })
        )
      })
    )
  ) as [Uint8Array, Uint8Array]
  const body = encodeBody({ ...owner.manifest, shape: owner.manifest, commitments: [{ ca, cb }] })
  const { bytes } = certifySteps({ ...init, bodyHash: hashBody(body) }, { ...deviation, families: changed })
  return decodeManifest(encodeManifest(body, bytes))
}

function rowOf(matrix: Int16Array, width: number): (k: number) => Uint8Array {
  return k => kernel.scalarsOf(matrix.subarray(k * width, (k + 1) * width))
}

export function verdictOf(manifest: Manifest): string {
  return outcome(() => verifyManifest({ kernel, manifest, random: seeded('certificate verifier') }))
}

/** What a verifier says that draws some of its challenges otherwise: this weakness is nowhere but here. */
export function weakVerdict(manifest: Manifest, change: Partial<LookupChallenges>): string {
  return outcome(() => {
    const combination = new Combination(kernel, seeded('weak verifier'))
    for (const certified of certifiedModules(manifest)) {
      const { certificate, commitments } = certified
      const points = kernel.decode(
        concat([commitments, ...Object.values(certificatePoints(certificate)).flatMap(part => Object.values<Uint8Array>(part))])
      )
      const drawn = certificateChallenges(certificateTranscript(kernel, manifest.bodyHash, 0), certificate)
      addCertificate(combination, {
        kernel,
        module: certified,
        challenges: { ...drawn, ...change },
        basis: combination.basis(points),
        from: 0
      })
    }
    if (!combination.holds()) throw new InvalidProofError('certificate', '')
  })
}
