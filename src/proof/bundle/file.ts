/** Proof files: a manifest and all bundles of one session (protocols/bundle, Proof file). */
import { concat, Cursor, equal, prefixed, u16, u8, utf8 } from '../../bytes.js'
import { InvalidProofError, LimitExceededError, MalformedMessageError } from '../../errors.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { decodeManifest } from '../adapter/decode.js'
import { verifyManifest } from '../adapter/verify.js'
import type { Kernel } from '../../kernel/types.js'
import type { Random, Tail, TailRole, VerifiedManifest, VerifiedProof } from '../types.js'
import type { Statement } from './layout.js'
import { verifyTogether } from './verify.js'

const MAGIC = utf8('zklora-proof')
const VERSION = 1

/** A proof file, taken apart. */
export interface ProofFile {
  readonly manifest: Uint8Array
  /** In ascending order of their rows, at least one. */
  readonly bundles: readonly Uint8Array[]
}

/** @throws LimitExceededError for more than a reader takes */
export function encodeProofFile({ manifest, bundles }: ProofFile): Uint8Array {
  const bytes = bundles.reduce((sum, bundle) => sum + bundle.length, manifest.length)
  checkSize(bytes)
  return concat([MAGIC, u8(VERSION), prefixed(manifest), u16(bundles.length), ...bundles.map(prefixed)])
}

function checkSize(bytes: number): void {
  if (bytes > FORMAT_LIMITS.proofFileBytes) throw new LimitExceededError('bytes of a proof file', bytes, FORMAT_LIMITS.proofFileBytes)
}

/** @throws MalformedMessageError, LimitExceededError */
export function decodeProofFile(bytes: Uint8Array): ProofFile {
  checkSize(bytes.length)
  const cursor = new Cursor(bytes, 'the proof file')
  if (!equal(bytes.subarray(0, MAGIC.length), MAGIC))
    throw new MalformedMessageError('this is not a zklora proof file (zklora export writes them)')
  cursor.bytesOf(MAGIC.length)
  const version = cursor.u8()
  if (version !== VERSION) throw new MalformedMessageError(`proof file version ${version} is not known`)
  const manifest = readPrefixed(cursor, 'bytes of a manifest', FORMAT_LIMITS.manifestBytes)
  const count = cursor.u16()
  if (count === 0) throw new MalformedMessageError('the proof file has no bundle')
  const bundles: Uint8Array[] = []
  for (let i = 0; i < count; i++) bundles.push(readPrefixed(cursor, 'bytes of a bundle', FORMAT_LIMITS.bundleBytes))
  cursor.end()
  return { manifest, bundles }
}

function readPrefixed(cursor: Cursor, what: string, most: number): Uint8Array {
  const length = cursor.u32()
  if (length > most) throw new LimitExceededError(what, length, most, 'in a proof file')
  return cursor.bytesOf(length)
}

/** What a proof file shows. */
export interface VerifiedFile {
  readonly manifest: VerifiedManifest
  readonly proofs: readonly VerifiedProof[]
  /** Rows 0 … e without a gap, closed by both, and none missing after them. */
  readonly whole: boolean
}

/**
 * Verifies a proof file.
 * @throws what decodeProofFile, verifyManifest and verify throw, and InvalidProofError('chain') for bundles that do not follow one another
 */
export function verifyProofFile({ kernel, file, random }: { kernel: Kernel; file: Uint8Array; random: Random }): VerifiedFile {
  const { manifest, bundles } = decodeProofFile(file)
  return verifyBundles({ kernel, manifest: verifyManifest({ kernel, manifest: decodeManifest(manifest), random }), bundles, random })
}

export interface VerifyBundlesInit {
  readonly kernel: Kernel
  readonly manifest: VerifiedManifest
  /** Of one session, in ascending order of their rows, at least one. */
  readonly bundles: readonly Uint8Array[]
  readonly random: Random
}

/**
 * The part of it that comes after the manifest: each bundle's layout, the chain, and then what costs.
 * @throws what verify throws, and InvalidProofError('chain')
 */
export function verifyBundles({ kernel, manifest, bundles, random }: VerifyBundlesInit): VerifiedFile {
  const proofs = verifyTogether({ kernel, items: bundles.map(bundle => ({ manifest, bundle })), random }, checkChain)
  return { manifest, proofs, whole: proofs[0]!.start === 0 && proofs.at(-1)!.complete }
}

function checkChain(statements: readonly Statement[]): void {
  statements.slice(1).forEach((statement, i) => checkNext(statements[i]!, statement))
}

/** @throws InvalidProofError('chain') */
function checkNext(before: Statement, next: Statement): void {
  if (!equal(next.session, before.session)) throw new InvalidProofError('chain', 'the bundles are of two sessions')
  if (next.start !== before.end)
    throw new InvalidProofError('chain', `a bundle starts at row ${next.start}, the one before ends at ${before.end}`)
  if (!equal(next.publicStart, before.publicEnd)) throw new InvalidProofError('chain', `the running hash breaks at row ${next.start}`)
  checkTails('user', before.userTail, next.userTail)
  checkTails('contributor', before.contributorTail, next.contributorTail)
}

/** What a side says later does not take back what it said before. */
function checkTails(role: TailRole, before: Tail, next: Tail): void {
  if (before.closed) throw new InvalidProofError('chain', `the ${role} closed the session at row ${before.accepted}, and rows follow`)
  if (next.rows < before.rows) {
    throw new InvalidProofError('chain', `the ${role} counts ${next.rows} rows in a later bundle, ${before.rows} in an earlier one`)
  }
}
