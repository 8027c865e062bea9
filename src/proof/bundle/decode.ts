/**
 * Reading a bundle's bytes: layout, limits and canonical form, in the order of protocols/bundle, Order of the checks. Nothing is
 * proved here.
 */
import { Cursor, equal, toHex } from '../../bytes.js'
import { InvalidProofError, LimitExceededError, MalformedMessageError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { readPairsProof } from '../argument/layout.js'
import { LABELS } from '../labels.js'
import { encodeContext, readContext, readFlag, sessionOf } from '../rows/context.js'
import { publicNext, publicStart } from '../rows/tail.js'
import { POINT_BYTES, SCALAR_BYTES } from '../scalars.js'
import type { Manifest, PublicRow, SessionContext, Tail } from '../types.js'
import { BUNDLE_VERSION, groupsOf, rankOf, widthOf, type BundleGroup, type Proof, type Statement } from './layout.js'
import { readPattern } from './pattern.js'

const HASH_BYTES = 32
const SIGNATURE_BYTES = 64

/** What stands before the rows. */
interface Head {
  readonly context: SessionContext
  readonly start: number
  readonly end: number
  /** Only when start > 0. */
  readonly publicAtStart: Uint8Array | undefined
}

/** A bundle whose layout holds. */
export interface Bundle {
  readonly statement: Statement
  readonly proof: Proof
  readonly digest: Uint8Array
  readonly length: number
}

/**
 * Decodes a bundle. Parts are views of its bytes.
 * @throws MalformedMessageError, LimitExceededError; InvalidProofError('context') when it is for another manifest, whose widths would
 * give its parts other lengths
 */
export function decodeBundle(bytes: Uint8Array, manifest: Manifest): Bundle {
  if (bytes.length > FORMAT_LIMITS.bundleBytes) throw new LimitExceededError('bytes of a bundle', bytes.length, FORMAT_LIMITS.bundleBytes)
  const cursor = new Cursor(bytes, 'the bundle')
  const version = cursor.u8()
  if (version !== BUNDLE_VERSION) throw new MalformedMessageError(`bundle version ${version} is not known`)
  const context = readContext(cursor)
  const range = readRange(cursor, context)
  const publicAtStart = range.start > 0 ? cursor.bytesOf(HASH_BYTES).slice() : undefined
  checkContext(context, manifest)
  const statement = readStatement(cursor, { context, ...range, publicAtStart }, manifest)
  const proof = readProof(cursor, statement.groups)
  cursor.end()
  return { statement, proof, digest: hash(LABELS.bundle, bytes), length: bytes.length }
}

/** @throws InvalidProofError('context') */
function checkContext(context: SessionContext, manifest: Manifest): void {
  if (!equal(context.adapter, manifest.id)) {
    throw new InvalidProofError('context', `it is for adapter ${toHex(context.adapter)}, the manifest is ${toHex(manifest.id)}`)
  }
  if (!equal(context.base, manifest.base)) throw new InvalidProofError('context', 'its base model is not that of the manifest')
  if (context.activationBits !== manifest.activationBits || context.weightBits !== manifest.weightBits) {
    throw new InvalidProofError('context', 'its bits of activations and weights are not those of the manifest')
  }
  const last = context.groups.at(-1)!
  if (last >= manifest.groups.length) {
    throw new InvalidProofError('context', `it names group ${last}; the manifest has ${manifest.groups.length}`)
  }
}

/** s and e. */
function readRange(cursor: Cursor, context: SessionContext): { start: number; end: number } {
  const start = cursor.u32()
  const end = cursor.u32()
  if (start >= end) throw new MalformedMessageError(`the bundle covers rows ${start} to ${end}`)
  if (end - start > FORMAT_LIMITS.bundleRows) throw new LimitExceededError('rows of a bundle', end - start, FORMAT_LIMITS.bundleRows)
  if (end > context.rows) throw new LimitExceededError('rows of the session', end, context.rows, 'by its context')
  return { start, end }
}

function readStatement(cursor: Cursor, head: Head, manifest: Manifest): Statement {
  const { context, start, end } = head
  const contextBytes = encodeContext(context)
  const session = sessionOf(contextBytes)
  if ((end - start) * POINT_BYTES > cursor.remaining) {
    throw new MalformedMessageError(`the bundle has ${cursor.remaining} bytes left for ${end - start} rows`)
  }
  const before = head.publicAtStart ?? publicStart(session)
  const places = readPattern(cursor, end - start, context.groups)
  const rows: PublicRow[] = places.map((place, t) => ({ number: start + t, ...place, s: cursor.bytesOf(POINT_BYTES) }))
  const publicEnd = rows.reduce(publicNext, before)
  const tail = (): Tail => readTail(cursor, { accepted: end, publicHash: publicEnd })
  return {
    context,
    contextBytes,
    session,
    start,
    end,
    publicStart: before,
    publicEnd,
    rows,
    userTail: tail(),
    contributorTail: tail(),
    groups: groupsOf(rows, manifest.groups)
  }
}

function readTail(cursor: Cursor, { accepted, publicHash }: { accepted: number; publicHash: Uint8Array }): Tail {
  return {
    rows: cursor.u32(),
    accepted,
    closed: readFlag(cursor, 'closed'),
    publicHash,
    privateHash: cursor.bytesOf(HASH_BYTES).slice(),
    signature: cursor.bytesOf(SIGNATURE_BYTES).slice()
  }
}

function readProof(cursor: Cursor, groups: readonly BundleGroup[]): Proof {
  const point = (count = 1): Uint8Array => cursor.bytesOf(count * POINT_BYTES)
  const scalar = (count = 1): Uint8Array => cursor.bytesOf(count * SCALAR_BYTES)
  return {
    hidden: { w: point(), p: point(groups.length) },
    value: point(),
    first: { ew: point(), ed: point(), ev: point() },
    answers: { z: scalar(rankOf(groups)), zOmega: scalar(), zSigma: scalar(), zNu: scalar() },
    ...readPairsProof(scalar, { count: groups.length, length: widthOf(groups) })
  }
}
