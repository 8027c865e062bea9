/** The prover: a module's certificate from its weights (protocols/adapter, Certificate). */
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedModule } from '../../lora/types.js'
import type { ArgumentProver } from '../argument/pairs.js'
import type { Masks } from '../transcript.js'
import { certificateTranscript } from './challenges.js'
import { encodeCertificate } from './layout.js'
import { argue, commitInverses, commitMultiplicities, type Family, type InvertedFamily } from './steps.js'
import { lookUp, multiplicities, partners } from './table.js'

export interface CertifyInit {
  readonly kernel: Kernel
  readonly masks: Masks
  readonly bodyHash: Uint8Array
  readonly module: QuantizedModule
  readonly weightBits: number
  /** Its index over all groups, its group's width, and the first index of its block of K. */
  readonly place: { readonly index: number; readonly dIn: number; readonly offset: number }
  readonly alpha: Uint8Array
  readonly beta: Uint8Array
}

/** The two families of a module's rows. */
export function familiesOf(init: Pick<CertifyInit, 'kernel' | 'module' | 'place' | 'alpha' | 'beta'>): readonly [Family, Family] {
  const { kernel, module, place, alpha, beta } = init
  const { a, b, rank, dOut } = module
  return [
    {
      generators: kernel.generators('G', 0, place.dIn),
      ...{ first: 0, count: rank, gamma: alpha },
      weights: k => kernel.scalarsOf(rowOf(a, k, place.dIn))
    },
    {
      generators: kernel.generators('K', place.offset, dOut),
      ...{ first: rank, count: rank, gamma: beta },
      weights: k => kernel.scalarsOf(rowOf(b, k, dOut))
    }
  ]
}

function rowOf(matrix: Int16Array, k: number, width: number): Int16Array {
  return matrix.subarray(k * width, (k + 1) * width)
}

/**
 * One module's certificate.
 * @throws InvalidInputError for a weight outside its range
 */
export function certifyModule(init: CertifyInit): Uint8Array {
  const { kernel, masks, bodyHash, module, weightBits, place } = init
  const { a, b, dOut } = module
  const transcript = certificateTranscript(kernel, bodyHash, place.index)
  const prover: ArgumentProver = { kernel, transcript, masks }
  // Step 1
  const mu = kernel.scalarsOf(multiplicities([a, b], weightBits))
  const { m, kappa, chi } = commitMultiplicities(prover, mu)
  const table = partners(kernel, chi, weightBits)
  const [familyA, familyB] = familiesOf(init)
  const families: readonly [InvertedFamily, InvertedFamily] = [
    { ...familyA, inverses: k => lookUp(table, rowOf(a, k, place.dIn), weightBits) },
    { ...familyB, inverses: k => lookUp(table, rowOf(b, k, dOut), weightBits) }
  ]
  // Step 2
  const { cf, ...committed } = commitInverses(prover, families)
  // Steps 3 to 5
  return encodeCertificate({ m, cf, ...argue(prover, families, { chi, mu, kappa, partners: table, ...committed }) })
}
