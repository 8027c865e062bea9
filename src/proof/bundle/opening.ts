/** One row shown to a chosen party (protocols/bundle, Merkle root and opened rows). */
import { concat, Cursor, equal, u16, u32, u8 } from '../../bytes.js'
import { InvalidProofError, MalformedMessageError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import { groupOutputBounds, largest } from '../../lora/exact.js'
import { commitBlinded } from '../hiding.js'
import { SCALAR_BYTES } from '../scalars.js'
import type { Manifest, PublicRow, RowOpening, VerifiedProof } from '../types.js'
import { merklePath, pathLength, rootFromPath } from './merkle.js'

const VERSION = 1
const HASH_BYTES = 32
const I16_BYTES = 2
const F64_BYTES = 8

export interface OpenRowInit {
  readonly session: Uint8Array
  /** All rows of the bundle, in order. */
  readonly rows: readonly PublicRow[]
  /** Number of the row to show. */
  readonly number: number
  readonly x: Int16Array
  readonly y: Float64Array
  readonly upsilon: Uint8Array
}

/** An opening's bytes. @throws RangeError for a row that the bundle does not have */
export function openRow({ session, rows, number, x, y, upsilon }: OpenRowInit): Uint8Array {
  const start = rows[0]!.number
  const row = rows[number - start]
  if (row === undefined) throw new RangeError(`row ${number} is not among rows ${start} to ${start + rows.length - 1}`)
  const path = merklePath(rows, number - start)
  return concat([
    u8(VERSION),
    session,
    u32(start),
    u32(rows.length),
    u32(number),
    u16(row.group),
    u32(row.position),
    u32(x.length),
    new Uint8Array(Int16Array.from(x).buffer),
    u32(y.length),
    new Uint8Array(Float64Array.from(y).buffer),
    upsilon,
    u8(path.length),
    ...path
  ])
}

export interface CheckOpeningInit {
  readonly kernel: Kernel
  /** That of the proof's adapter. */
  readonly manifest: Manifest
  /** The verified bundle that the row is said to be of. */
  readonly proof: VerifiedProof
  readonly opening: Uint8Array
}

/**
 * What a row of a verified bundle contains.
 * @throws MalformedMessageError for its layout; InvalidProofError('opening') when it does not belong to the bundle, or its integers
 * leave their range
 */
export function checkOpening({ kernel, manifest, proof, opening }: CheckOpeningInit): RowOpening {
  if (!equal(manifest.id, proof.adapter)) throw new InvalidProofError('opening', "the manifest is not that of the proof's adapter")
  const { row, path } = decodeOpening(opening, manifest, proof)
  kernel.checkScalars(row.upsilon)
  checkRanges(row, manifest)
  // S = ⟨x, G⟩ + ⟨y, K⟩ + υ H
  const input = kernel.commitRows(kernel.generators('G', 0, row.x.length), row.x, 1)
  const bases = kernel.generators('K', 0, row.y.length)
  const s = kernel.encode(kernel.add(input, commitBlinded(kernel, { bases, rows: row.y, count: 1, blinding: row.upsilon })))
  const { session, start, rows, number, group, position } = row
  if (!equal(rootFromPath(session, { start, rows, row: { number, group, position, s } }, path), proof.root)) {
    throw new InvalidProofError('opening', `row ${number} is not the one in the bundle`)
  }
  return row
}

function decodeOpening(
  bytes: Uint8Array,
  manifest: Manifest,
  proof: Pick<VerifiedProof, 'session' | 'start' | 'end'>
): { row: RowOpening; path: Uint8Array[] } {
  const cursor = new Cursor(bytes, 'the opening')
  const version = cursor.u8()
  if (version !== VERSION) throw new MalformedMessageError(`opening version ${version} is not known`)
  const session = cursor.bytesOf(HASH_BYTES).slice()
  const place = { start: cursor.u32(), rows: cursor.u32(), number: cursor.u32(), group: cursor.u16(), position: cursor.u32() }
  const { start, end } = proof
  if (!equal(session, proof.session) || place.start !== start || place.rows !== end - start) {
    throw new InvalidProofError('opening', 'it is of another session, or of other rows than the bundle has')
  }
  if (place.number < start || place.number >= end) {
    throw new InvalidProofError('opening', `row ${place.number} is not in the bundle's range`)
  }
  const shape = manifest.groups[place.group]
  if (shape === undefined) throw new InvalidProofError('opening', `the manifest has no group ${place.group}`)
  const x = readValues(cursor, { width: shape.dIn, what: 'inputs', bytes: I16_BYTES })
  const y = readValues(cursor, { width: shape.outputs, what: 'outputs', bytes: F64_BYTES })
  const upsilon = cursor.bytesOf(SCALAR_BYTES).slice()
  const length = pathLength(place.number - place.start, place.rows)
  const claimed = cursor.u8()
  if (claimed !== length) throw new InvalidProofError('opening', `the path has ${claimed} nodes; a row at its place has ${length}`)
  const path = Array.from({ length }, () => cursor.bytesOf(HASH_BYTES))
  cursor.end()
  // Copied, and not by slice: a Buffer's is a view.
  const row = { session, ...place, x: new Int16Array(new Uint8Array(x).buffer), y: new Float64Array(new Uint8Array(y).buffer), upsilon }
  return { row, path }
}

/** Bytes of `width` values after their count, which must be the group's. */
function readValues(cursor: Cursor, { width, what, bytes }: { width: number; what: string; bytes: number }): Uint8Array {
  const count = cursor.u32()
  if (count !== width) throw new InvalidProofError('opening', `it has ${count} ${what}; the group has ${width}`)
  return cursor.bytesOf(width * bytes)
}

/** One value has one form: −0 is refused, as NaN and infinities are. */
function isOutput(value: number, most: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= most && !Object.is(value, -0)
}

function checkRanges({ x, y, group }: RowOpening, manifest: Manifest): void {
  const most = Number(largest(manifest.activationBits))
  const input = x.findIndex(value => Math.abs(value) > most)
  if (input !== -1) throw new InvalidProofError('opening', `input ${input} is beyond ${manifest.activationBits} bits`)
  const shape = manifest.groups[group]!
  const bounds = groupOutputBounds(shape, manifest)
  shape.modules.forEach(({ name, offset, dOut }, m) => {
    const wrong = y.subarray(offset, offset + dOut).findIndex(value => !isOutput(value, bounds[m]!))
    if (wrong !== -1) throw new InvalidProofError('opening', `output ${wrong} of ${name} is not an integer within its bound`)
  })
}
