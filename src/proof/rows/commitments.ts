/**
 * Row commitments in batches (protocols/session, Commitments). X = ⟨x, G⟩ is the user's; CY = Σ_k h_k CB_k + η H is the contributor's,
 * made through its own committed rows and so a commitment to y over K with blinding υ = Σ_k h_k β_k + η. Each side opens the other's
 * batch by a random combination of all of it, with weights drawn here, after the batch has arrived, and never sent.
 */
import { concat } from '../../bytes.js'
import { InvalidProofError, MalformedMessageError } from '../../errors.js'
import type { Kernel, Points } from '../../kernel/types.js'
import { commitBlinded } from '../hiding.js'
import { foldPadded, lengthOf, ONE, randomScalars, randomWeights, slice } from '../scalars.js'
import type { CommittedAdapter, Random } from '../types.js'

/** Rows of one group that follow one another in a batch. */
export interface InputRows {
  readonly group: { readonly dIn: number }
  /** count × dIn integers. */
  readonly x: Int16Array
}

/** Rows of one group that follow one another in a batch. */
export interface OutputRows {
  readonly group: { readonly outputs: number }
  /** count × outputs integers of at most 53 bits. */
  readonly y: Float64Array
  /** count scalars. */
  readonly upsilon: Uint8Array
}

/** The user's commitments to count = x.length / dIn rows: count × 32 bytes. */
export function commitInputs(kernel: Kernel, group: { readonly dIn: number }, x: Int16Array): Uint8Array {
  return kernel.encode(kernel.commitRows(kernel.generators('G', 0, group.dIn), x, x.length / group.dIn))
}

export interface CommitOutputsInit {
  readonly kernel: Kernel
  readonly adapter: CommittedAdapter
  /** Index in the manifest. */
  readonly group: number
  /** count × Σ rank integers of at most 53 bits: x · A. */
  readonly h: Float64Array
  readonly random: Random
}

export interface OutputCommitments {
  /** count points, for the user. */
  readonly cy: Uint8Array
  /** count scalars, for the user. */
  readonly upsilon: Uint8Array
  /** count scalars, kept until the proof is made; new for every answer. */
  readonly eta: Uint8Array
}

/** The contributor's commitments to count rows. */
export function commitOutputs({ kernel, adapter, group, h, random }: CommitOutputsInit): OutputCommitments {
  const { cb, beta } = adapter.groups[group]!
  const count = h.length / cb.length
  const eta = randomScalars(kernel, random, count)
  const cy = kernel.encode(commitBlinded(kernel, { bases: cb, rows: h, count, blinding: eta }))
  return { cy, upsilon: kernel.addScalars(kernel.rowProducts(h, beta), eta), eta }
}

export interface CheckInputsInit {
  readonly kernel: Kernel
  readonly random: Random
  /** Number of the batch's first row. */
  readonly firstRow: number
  /** In the order of the commitments; several entries may be of one group. */
  readonly rows: readonly InputRows[]
  /** X of every row. */
  readonly commitments: Uint8Array
}

/**
 * The contributor's check of a batch: every X is ⟨x, G⟩.
 * @throws MalformedMessageError for points that are not canonical, InvalidProofError('opening') when a commitment does not open;
 * both name the range of rows
 */
export function checkInputs({ kernel, random, firstRow, rows, commitments }: CheckInputsInit): void {
  const batch = decodeBatch(kernel, firstRow, commitments)
  const weights = randomWeights(random, batch.points.length)
  const folded = foldBatch(
    kernel,
    weights,
    rows.map(({ group, x }) => ({ values: x, width: group.dIn }))
  )
  // Σ c_t X_t = ⟨Σ c_t x_t, G⟩
  const scalars = concat([weights, kernel.negateScalars(folded)])
  const difference = kernel.msm(scalars, kernel.concat([batch.points, kernel.generators('G', 0, lengthOf(folded))]))
  if (kernel.indexOfIdentity(difference) !== 0) throw new InvalidProofError('opening', `an input commitment of ${batch.name} does not open`)
}

export interface CheckOutputsInit extends Omit<CheckInputsInit, 'rows'> {
  readonly rows: readonly OutputRows[]
}

/**
 * The user's check of a batch: every CY opens to y with υ.
 * @throws MalformedMessageError for points or scalars that are not canonical, InvalidProofError('opening') for the identity and when a
 * commitment does not open; both name the range of rows
 */
export function checkOutputs({ kernel, random, firstRow, rows, commitments }: CheckOutputsInit): void {
  const batch = decodeBatch(kernel, firstRow, commitments)
  const identity = kernel.indexOfIdentity(batch.points)
  if (identity !== -1) throw new InvalidProofError('opening', `the output commitment of row ${firstRow + identity} is the identity`)
  const upsilon = concat(rows.map(part => part.upsilon))
  kernel.checkScalars(upsilon)
  const weights = randomWeights(random, batch.points.length)
  const folded = foldBatch(
    kernel,
    weights,
    rows.map(({ group, y }) => ({ values: y, width: group.outputs }))
  )
  // Σ c_t CY_t = ⟨Σ c_t y_t, K⟩ + (Σ c_t υ_t) H
  const scalars = concat([weights, kernel.negateScalars(concat([folded, kernel.innerProduct(weights, upsilon)]))])
  const generators = [kernel.generators('K', 0, lengthOf(folded)), kernel.generators('H', 0, 1)]
  const difference = kernel.msm(scalars, kernel.concat([batch.points, ...generators]))
  if (kernel.indexOfIdentity(difference) !== 0)
    throw new InvalidProofError('opening', `an output commitment of ${batch.name} does not open`)
}

/**
 * S = X + CY of accepted rows: count × 32 bytes.
 * @throws MalformedMessageError for points that are not canonical
 */
export function sumCommitments(kernel: Kernel, x: Uint8Array, cy: Uint8Array): Uint8Array {
  return kernel.encode(kernel.add(kernel.decode(x), kernel.decode(cy)))
}

function decodeBatch(kernel: Kernel, firstRow: number, commitments: Uint8Array): { points: Points; name: string } {
  const name = `rows ${firstRow} to ${firstRow + lengthOf(commitments) - 1}`
  try {
    return { points: kernel.decode(commitments), name }
  } catch (cause) {
    if (!(cause instanceof MalformedMessageError)) throw cause
    throw new MalformedMessageError(`commitments of ${name}: ${cause.message}`, { cause })
  }
}

/** Σ c_t v_t over rows of several widths, padded to the largest. */
function foldBatch(kernel: Kernel, weights: Uint8Array, rows: readonly { values: Int16Array | Float64Array; width: number }[]): Uint8Array {
  let from = 0
  let total: Uint8Array = new Uint8Array()
  for (const { values, width } of rows) {
    const to = from + values.length / width
    total = foldPadded(kernel, { low: total, high: kernel.foldRows(slice(weights, from, to), values, width), c: ONE })
    from = to
  }
  if (from !== lengthOf(weights)) throw new RangeError(`${lengthOf(weights)} commitments for ${from} rows`)
  return total
}
