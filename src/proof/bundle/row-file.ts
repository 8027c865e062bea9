/** Row files: one row of a session, opened, with the session's proof file (protocols/bundle, Row file). */
import { concat, Cursor, equal, prefixed, u8, utf8 } from '../../bytes.js'
import { InvalidProofError, MalformedMessageError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import type { RowOpening } from '../types.js'
import { decodeProofFile, type ProofFile, type VerifiedFile } from './file.js'
import { checkOpening } from './opening.js'

const MAGIC = utf8('zklora-row')
const VERSION = 1
/** Of s in an opening: behind its version and the session. */
const START_AT = 1 + 32

/** A row file, taken apart. */
export interface RowFile extends ProofFile {
  readonly opening: Uint8Array
}

/** True for bytes that begin as a row file does. */
export function isRowFile(bytes: Uint8Array): boolean {
  return equal(bytes.subarray(0, MAGIC.length), MAGIC)
}

/** @param proofFile as `encodeProofFile` makes it */
export function encodeRowFile({ opening, proofFile }: { readonly opening: Uint8Array; readonly proofFile: Uint8Array }): Uint8Array {
  return concat([MAGIC, u8(VERSION), prefixed(opening), proofFile])
}

/** @throws MalformedMessageError, LimitExceededError */
export function decodeRowFile(bytes: Uint8Array): RowFile {
  if (!isRowFile(bytes)) throw new MalformedMessageError('this is not a zklora row file (zklora open writes them)')
  const cursor = new Cursor(bytes.subarray(MAGIC.length), 'the row file')
  const version = cursor.u8()
  if (version !== VERSION) throw new MalformedMessageError(`row file version ${version} is not known`)
  const opening = cursor.bytesOf(cursor.u32())
  return { opening, ...decodeProofFile(cursor.bytesOf(cursor.remaining)) }
}

/**
 * The row of a row file, whose proof file has been verified.
 * @throws as checkOpening; InvalidProofError('opening') when no bundle of the file starts where the opening says
 */
export function openedRow(kernel: Kernel, { manifest, proofs }: VerifiedFile, opening: Uint8Array): RowOpening {
  const start = new Cursor(opening.subarray(START_AT), 'the opening').u32()
  const proof = proofs.find(each => each.start === start)
  if (proof === undefined) throw new InvalidProofError('opening', `the file has no bundle from row ${start} on`)
  return checkOpening({ kernel, manifest, proof, opening })
}
