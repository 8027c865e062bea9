/** The bytes of evidence (protocols/evidence). */
import { compare, concat, Cursor, u16, u32, u8 } from '../../bytes.js'
import { LimitExceededError, MalformedMessageError, UnsupportedError } from '../../errors.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { decodeContext, encodeContext, type SessionContext, type Tail } from '../../proof/index.js'

const VERSION = 1
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
/** A context of 512 groups has 1,325 bytes. */
const CONTEXT_BYTES = 2048

/** By their number in the format. */
export const EVIDENCE_KINDS = { 1: 'feed fork', 2: 'session fork', 3: 'rows after closing', 4: 'invalid bundle' } as const
export type EvidenceKind = (typeof EVIDENCE_KINDS)[keyof typeof EVIDENCE_KINDS]

/** Two announcements of one feed and index. */
export interface FeedFork {
  readonly kind: 'feed fork'
  /** In ascending order. */
  readonly announcements: readonly [Uint8Array, Uint8Array]
}

/** Two tails of one contributor and session that contradict each other. */
export interface TailContradiction {
  readonly kind: 'session fork' | 'rows after closing'
  readonly context: SessionContext
  /** Who delegated to the contributor; undefined when the context has no delegation. */
  readonly owner: Uint8Array | undefined
  /** Of a fork in ascending order of their bytes; else the closed one first. */
  readonly tails: readonly [Tail, Tail]
}

/** An announcement of a bundle that does not verify, or says of it what is not so. */
export interface InvalidBundle {
  readonly kind: 'invalid bundle'
  readonly announcement: Uint8Array
  readonly manifest: Uint8Array
  readonly bundle: Uint8Array
}

export type EvidenceBody = FeedFork | TailContradiction | InvalidBundle

function encodeTail({ rows, accepted, closed, publicHash, privateHash, signature }: Tail): Uint8Array {
  return concat([u32(rows), u32(accepted), u8(Number(closed)), publicHash, privateHash, signature])
}

function readTail(cursor: Cursor): Tail {
  const [rows, accepted, closed] = [cursor.u32(), cursor.u32(), cursor.u8()]
  if (closed > 1) throw new MalformedMessageError(`the flag closed of a tail is ${closed}, neither 0 nor 1`)
  const hash = (): Uint8Array => cursor.bytesOf(KEY_BYTES).slice()
  return {
    rows,
    accepted,
    closed: closed === 1,
    publicHash: hash(),
    privateHash: hash(),
    signature: cursor.bytesOf(SIGNATURE_BYTES).slice()
  }
}

/** The two in the order in which they stand in evidence. */
export function inOrder<T>(one: T, other: T, bytesOf: (value: T) => Uint8Array): [T, T] {
  return compare(bytesOf(one), bytesOf(other)) <= 0 ? [one, other] : [other, one]
}

export function tailsInOrder(one: Tail, other: Tail): [Tail, Tail] {
  return inOrder(one, other, encodeTail)
}

const short = (bytes: Uint8Array): Uint8Array[] => [u16(bytes.length), bytes]
const long = (bytes: Uint8Array): Uint8Array[] => [u32(bytes.length), bytes]

export function encodeEvidence(body: EvidenceBody): Uint8Array {
  const number = Object.entries(EVIDENCE_KINDS).find(([, kind]) => kind === body.kind)![0]
  const head = [u8(VERSION), u8(Number(number))]
  switch (body.kind) {
    case 'feed fork':
      return concat([...head, ...body.announcements.flatMap(short)])
    case 'invalid bundle':
      return concat([...head, ...short(body.announcement), ...long(body.manifest), ...long(body.bundle)])
    default:
      return concat([...head, ...short(encodeContext(body.context)), ...(body.owner ? [body.owner] : []), ...body.tails.map(encodeTail)])
  }
}

interface Part {
  readonly what: string
  readonly most: number
}

const ANNOUNCEMENT: Part = { what: 'bytes of an announcement', most: FORMAT_LIMITS.announcementBytes }
const CONTEXT: Part = { what: 'bytes of a context', most: CONTEXT_BYTES }
const MANIFEST: Part = { what: 'bytes of a manifest', most: FORMAT_LIMITS.manifestBytes }
const BUNDLE: Part = { what: 'bytes of a bundle', most: FORMAT_LIMITS.bundleBytes }

/** Bytes of the longest evidence. */
export const EVIDENCE_BYTES = 2 + 2 + ANNOUNCEMENT.most + 4 + MANIFEST.most + 4 + BUNDLE.most

/**
 * Checks the layout alone. Parts are views of the bytes.
 * @throws UnsupportedError for another version, LimitExceededError, MalformedMessageError
 */
export function decodeEvidence(bytes: Uint8Array): EvidenceBody {
  const cursor = new Cursor(bytes, 'the evidence')
  const version = cursor.u8()
  if (version !== VERSION) throw new UnsupportedError(`evidence version ${version} is not known; update zklora, which knows ${VERSION}`)
  const part = (length: number, { what, most }: Part): Uint8Array => {
    if (length > most) throw new LimitExceededError(what, length, most, 'in evidence')
    return cursor.bytesOf(length)
  }
  const number = cursor.u8()
  const kind = (EVIDENCE_KINDS as Readonly<Record<number, EvidenceKind>>)[number]
  let body: EvidenceBody
  switch (kind) {
    case undefined:
      throw new MalformedMessageError(`evidence of kind ${number} came; 1 to 4 are known`)
    case 'feed fork':
      body = { kind, announcements: [part(cursor.u16(), ANNOUNCEMENT), part(cursor.u16(), ANNOUNCEMENT)] }
      ascending(...body.announcements)
      break
    case 'invalid bundle':
      body = {
        kind,
        announcement: part(cursor.u16(), ANNOUNCEMENT),
        manifest: part(cursor.u32(), MANIFEST),
        bundle: part(cursor.u32(), BUNDLE)
      }
      break
    default: {
      const context = decodeContext(part(cursor.u16(), CONTEXT))
      const owner = context.delegation === undefined ? undefined : cursor.bytesOf(KEY_BYTES)
      body = { kind, context, owner, tails: [readTail(cursor), readTail(cursor)] }
      if (kind === 'session fork') ascending(...(body.tails.map(encodeTail) as [Uint8Array, Uint8Array]))
    }
  }
  cursor.end()
  return body
}

function ascending(first: Uint8Array, second: Uint8Array): void {
  if (compare(first, second) >= 0) throw new MalformedMessageError('the two parts of the evidence are equal, or not in ascending order')
}
