/**
 * Statement and announcement: canonical bytes of protocols/announce. A decoder of what a stranger sends; every length is
 * fixed or bounded before it is read, and what it returns encodes to the same bytes.
 */
import { concat, Cursor, equal, u8, u32, u64 } from '../bytes.js'
import { LimitExceededError, MalformedMessageError, UnsupportedError } from '../errors.js'
import { FORMAT_LIMITS } from '../limits.js'

const VERSION = 1
/** Length of an encoded statement. */
export const STATEMENT_BYTES = 301
/** Longest peer identifier; of an Ed25519 key it has 38 bytes, of one that is hashed 34. */
export const HOLDER_BYTES = 42
/** The two multihashes of peer identifiers: a key itself, or its SHA2-256. */
const IDENTITY = 0x00
const SHA256 = 0x12
const SHA256_BYTES = 32
/** Previous hash at index 0. */
export const NO_PREVIOUS = new Uint8Array(32)

/** What the user signs in its receipt: the bundle, told from outside. All byte fields have 32 bytes. */
export interface Statement {
  readonly session: Uint8Array
  readonly adapter: Uint8Array
  readonly base: Uint8Array
  /** Ed25519 public keys of the session: its user's, and that of who answered. */
  readonly userKey: Uint8Array
  readonly contributorKey: Uint8Array
  /** Rows start ≤ number < end of the session. */
  readonly start: number
  readonly end: number
  /** Public running hash before and after these rows. */
  readonly publicStart: Uint8Array
  readonly publicEnd: Uint8Array
  /** Merkle root of the rows. */
  readonly root: Uint8Array
  /** Digest and length in bytes of the bundle. */
  readonly digest: Uint8Array
  readonly length: number
}

/** The adapter's owner lets the contributor key answer (protocols/adapter, Delegation). */
export interface AnnouncedDelegation {
  /** Ed25519 public key in the manifest. */
  readonly owner: Uint8Array
  /** Seconds since 1970. */
  readonly expiry: bigint
  /** Rows of each group that the contributor key may answer. */
  readonly share: bigint
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** An announcement without its signature. */
export interface UnsignedAnnouncement {
  readonly statement: Statement
  /** The user's signature over the statement (64 bytes), or null: announced by one side alone. */
  readonly receipt: Uint8Array | null
  readonly delegation: AnnouncedDelegation | null
  /** Milliseconds since 1970. */
  readonly time: bigint
  /** Place in the feed. */
  readonly index: bigint
  /** Hash of the feed's announcement before; zeros at index 0. */
  readonly previous: Uint8Array
  /** Peer identifier (multihash bytes) of who holds manifest and bundle. */
  readonly holder: Uint8Array
}

export interface Announcement extends UnsignedAnnouncement {
  /** 64 bytes, of the contributor key over everything before it. */
  readonly signature: Uint8Array
}

/** The statement's 301 bytes. */
export function encodeStatement(statement: Statement): Uint8Array {
  return concat([
    u8(VERSION),
    statement.session,
    statement.adapter,
    statement.base,
    statement.userKey,
    statement.contributorKey,
    u32(statement.start),
    u32(statement.end),
    statement.publicStart,
    statement.publicEnd,
    statement.root,
    statement.digest,
    u32(statement.length)
  ])
}

function checkVersion(version: number): void {
  if (version !== VERSION) throw new UnsupportedError(`statement version ${version} is not known, only ${VERSION}`)
}

function readStatement(cursor: Cursor): Statement {
  checkVersion(cursor.u8())
  const statement = {
    session: cursor.bytesOf(32),
    adapter: cursor.bytesOf(32),
    base: cursor.bytesOf(32),
    userKey: cursor.bytesOf(32),
    contributorKey: cursor.bytesOf(32),
    start: cursor.u32(),
    end: cursor.u32(),
    publicStart: cursor.bytesOf(32),
    publicEnd: cursor.bytesOf(32),
    root: cursor.bytesOf(32),
    digest: cursor.bytesOf(32),
    length: cursor.u32()
  }
  const { start, end, length } = statement
  if (start >= end) throw new MalformedMessageError(`a statement covers rows ${start} to ${end}: the first must be below the second`)
  if (end - start > FORMAT_LIMITS.bundleRows) throw new LimitExceededError('rows of a statement', end - start, FORMAT_LIMITS.bundleRows)
  if (length < 1) throw new MalformedMessageError('a statement is about a bundle of 0 bytes')
  if (length > FORMAT_LIMITS.bundleBytes) throw new LimitExceededError('bundle length of a statement', length, FORMAT_LIMITS.bundleBytes)
  return statement
}

/**
 * @throws MalformedMessageError for the layout, LimitExceededError for rows or length, UnsupportedError for another version.
 */
export function decodeStatement(bytes: Uint8Array): Statement {
  const cursor = new Cursor(bytes, 'statement')
  const statement = readStatement(cursor)
  cursor.end()
  return statement
}

/** Everything before the signature: what the contributor signs. */
export function encodeUnsigned(announcement: UnsignedAnnouncement): Uint8Array {
  const { receipt, delegation, holder } = announcement
  return concat([
    encodeStatement(announcement.statement),
    ...(receipt === null ? [u8(0)] : [u8(1), receipt]),
    ...(delegation === null ? [u8(0)] : [u8(1), delegation.owner, encodeDelegation(delegation)]),
    u64(announcement.time),
    u64(announcement.index),
    announcement.previous,
    u8(holder.length),
    holder
  ])
}

/** The 80 bytes of a delegation as they stand in contexts and accept messages. */
export function encodeDelegation(delegation: Omit<AnnouncedDelegation, 'owner'>): Uint8Array {
  return concat([u64(delegation.expiry), u64(delegation.share), delegation.signature])
}

export function encodeAnnouncement(announcement: Announcement): Uint8Array {
  return concat([encodeUnsigned(announcement), announcement.signature])
}

function flag(cursor: Cursor, what: string): boolean {
  const value = cursor.u8()
  if (value > 1) throw new MalformedMessageError(`flag ${what} is ${value}, only 0 and 1 are allowed`)
  return value === 1
}

function readDelegation(cursor: Cursor, contributorKey: Uint8Array): AnnouncedDelegation | null {
  if (!flag(cursor, 'delegated')) return null
  const delegation = { owner: cursor.bytesOf(32), expiry: cursor.u64(), share: cursor.u64(), signature: cursor.bytesOf(64) }
  if (equal(delegation.owner, contributorKey)) throw new MalformedMessageError('the owner has a delegation to its own key')
  return delegation
}

function readPrevious(cursor: Cursor, index: bigint): Uint8Array {
  const previous = cursor.bytesOf(32)
  const isFirst = equal(previous, NO_PREVIOUS)
  if (index === 0n && !isFirst) {
    throw new MalformedMessageError('the announcement at index 0 names one before it; its previous hash must be zero')
  }
  if (index > 0n && isFirst) throw new MalformedMessageError(`announcement ${index} names none before it; its previous hash is zero`)
  return previous
}

/** A multihash: code, length, and so many bytes; what an inlined key says is not looked at. */
function readHolder(cursor: Cursor): Uint8Array {
  const length = cursor.u8()
  if (length < 1 || length > HOLDER_BYTES) {
    throw new MalformedMessageError(`the holder's peer identifier has ${length} bytes, 1 to ${HOLDER_BYTES} are allowed`)
  }
  const holder = cursor.bytesOf(length)
  const [code, size] = holder
  const isMultihash = size === length - 2 && ((code === IDENTITY && size > 0) || (code === SHA256 && size === SHA256_BYTES))
  if (!isMultihash) throw new MalformedMessageError("the holder's peer identifier is not a multihash of a key or of its SHA2-256")
  return holder
}

/**
 * Decodes an announcement; the result's byte fields are copies. The version is looked at before anything else, so that a later one,
 * of whatever length, is told apart from a broken one.
 * @throws MalformedMessageError for the layout, LimitExceededError for its size, rows or length, UnsupportedError for another version.
 */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  checkVersion(new Cursor(bytes, 'announcement').u8())
  if (bytes.length > FORMAT_LIMITS.announcementBytes) {
    throw new LimitExceededError('bytes of an announcement', bytes.length, FORMAT_LIMITS.announcementBytes)
  }
  const cursor = new Cursor(new Uint8Array(bytes), 'announcement')
  const statement = readStatement(cursor)
  const receipt = flag(cursor, 'receipt') ? cursor.bytesOf(64) : null
  const delegation = readDelegation(cursor, statement.contributorKey)
  const time = cursor.u64()
  const index = cursor.u64()
  const previous = readPrevious(cursor, index)
  const holder = readHolder(cursor)
  const signature = cursor.bytesOf(64)
  cursor.end()
  return { statement, receipt, delegation, time, index, previous, holder, signature }
}

/** The bytes of the announcement that its signature covers. */
export function signedPart(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length - 64)
}

/** Owner of the adapter as the announcement tells it. */
export function announcedOwner(announcement: UnsignedAnnouncement): Uint8Array {
  return announcement.delegation?.owner ?? announcement.statement.contributorKey
}
