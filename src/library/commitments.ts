/**
 * Commitments to activations outside of a session: to show later, row for row, what a module was given. Inside of a session both sides
 * commit by themselves.
 *
 *     const { commitment, opening } = commitActivations(rows, { dIn: 768 })   // publish the commitment, keep the opening
 *     verifyCommitment(commitment, opening)                                   // throws unless it is of these integers
 *
 * Each row is ⟨x, G⟩ + ρ·H over the generators of protocols/notation, with a ρ of its own: it hides the row whatever the row is, and binds
 * to it as long as nobody computes discrete logarithms on ristretto255.
 */
import { equal } from '../bytes.js'
import { InvalidProofError, MalformedMessageError } from '../errors.js'
import { type Kernel, wasmKernel } from '../kernel/index.js'
import { PROFILES, quantizeRows, type QuantizedRows } from '../lora/index.js'
import { commitBlinded } from '../proof/hiding.js'
import type { Random } from '../proof/index.js'
import { POINT_BYTES, randomScalars, SCALAR_BYTES } from '../proof/scalars.js'

const systemRandom: Random = bytes => crypto.getRandomValues(new Uint8Array(bytes))

export interface CommitActivationsOptions {
  /** Width of a row. */
  dIn: number
  /** Of the integers that the rows become; default 16. */
  activationBits?: number | undefined
  kernel?: Kernel | undefined
  random?: Random | undefined
}

/** Public. */
export interface ActivationCommitment {
  readonly dIn: number
  /** count × 32 bytes, canonical encodings. */
  readonly points: Uint8Array
}

/** Secret until it is shown. */
export interface ActivationOpening extends QuantizedRows {
  /** ρ of each row: count × 32 bytes, canonical scalars. */
  readonly blindings: Uint8Array
}

/**
 * Quantises activation rows, as a session does, and commits to each.
 * @param rows count × dIn, row-major
 * @throws InvalidInputError for NaN or infinity, RangeError for a length that is no multiple of dIn
 */
export function commitActivations(
  rows: Float32Array,
  { dIn, activationBits = PROFILES.w12a16.activationBits, kernel = wasmKernel(), random = systemRandom }: CommitActivationsOptions
): { commitment: ActivationCommitment; opening: ActivationOpening } {
  const quantized = quantizeRows(rows, dIn, activationBits)
  const opening = { ...quantized, blindings: randomScalars(kernel, random, quantized.count) }
  return { commitment: { dIn, points: pointsOf(kernel, dIn, opening) }, opening }
}

/**
 * Checks that a commitment is of these integers. The scales of the opening are not committed to.
 * @throws InvalidProofError step `opening` for other rows, MalformedMessageError for lengths that do not fit and scalars that are not
 *   canonical
 */
export function verifyCommitment(
  { dIn, points }: ActivationCommitment,
  opening: Pick<ActivationOpening, 'x' | 'blindings'>,
  { kernel = wasmKernel() }: Pick<CommitActivationsOptions, 'kernel'> = {}
): void {
  const { x, blindings } = opening
  const count = points.length / POINT_BYTES
  if (!(Number.isInteger(count) && x.length === count * dIn && blindings.length === count * SCALAR_BYTES)) {
    throw new MalformedMessageError(
      `a commitment of ${points.length} bytes has no opening of ${x.length} integers (rows of ${dIn}) and ${blindings.length} bytes of blindings`
    )
  }
  kernel.checkScalars(blindings)
  if (!equal(pointsOf(kernel, dIn, { x, blindings, count }), points)) {
    throw new InvalidProofError('opening', 'the commitment is not of these activations')
  }
}

function pointsOf(kernel: Kernel, dIn: number, { x, blindings, count }: Pick<ActivationOpening, 'x' | 'blindings' | 'count'>): Uint8Array {
  return kernel.encode(commitBlinded(kernel, { bases: kernel.generators('G', 0, dIn), rows: x, count, blinding: blindings }))
}
