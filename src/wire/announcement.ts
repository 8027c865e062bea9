/**
 * Statement and announcement: canonical bytes of protocols/announce. A decoder of what a stranger sends; every length is
 * fixed or bounded before it is read, and what it returns encodes to the same bytes.
 */
import { concat, Cursor, u8, u32, u64 } from '../bytes.js'
import { LimitExceededError, MalformedMessageError, UnsupportedError } from '../errors.js'
import { FORMAT_LIMITS } from '../limits.js'

const VERSION = 1
/** Length of an encoded statement. */
export const STATEMENT_BYTES = 237
/** Longest peer identifier: a multihash of an inlined Ed25519 key has 38 bytes, of SHA-256 34. */
export const HOLDER_BYTES = 42
/** Previous hash at index 0. */
export const NO_PREVIOUS = new Uint8Array(32)

/** What the user signs in its receipt: the bundle, told from outside. All byte fields have 32 bytes. */
export interface Statement {
  readonly session: Uint8Array
  readonly adapter: Uint8Array
  readonly base: Uint8Array
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
  /** Ed25519 public key of the session's user. */
  readonly userKey: Uint8Array
  /** The user's signature over the statement (64 bytes), or null: announced by one side alone. */
  readonly receipt: Uint8Array | null
  readonly contributorKey: Uint8Array
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

/** The statement's 237 bytes. */
export function encodeStatement(statement: Statement): Uint8Array {
  return concat([
    u8(VERSION),
    statement.session,
    statement.adapter,
    statement.base,
    u32(statement.start),
    u32(statement.end),
    statement.publicStart,
    statement.publicEnd,
    statement.root,
    statement.digest,
    u32(statement.length)
  ])
}

function readStatement(cursor: Cursor): Statement {
  const version = cursor.u8()
  if (version !== VERSION) throw new UnsupportedError(`statement version ${version} is not known, only ${VERSION}`)
  const statement = {
    session: cursor.bytesOf(32),
    adapter: cursor.bytesOf(32),
    base: cursor.bytesOf(32),
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
    announcement.userKey,
    ...(receipt === null ? [u8(0)] : [u8(1), receipt]),
    announcement.contributorKey,
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

/**
 * Decodes an announcement; the result's byte fields are copies.
 * @throws MalformedMessageError for the layout, LimitExceededError for its size, rows or length, UnsupportedError for another version.
 */
export function decodeAnnouncement(bytes: Uint8Array): Announcement {
  if (bytes.length > FORMAT_LIMITS.announcementBytes) {
    throw new LimitExceededError('bytes of an announcement', bytes.length, FORMAT_LIMITS.announcementBytes)
  }
  const cursor = new Cursor(new Uint8Array(bytes), 'announcement')
  const statement = readStatement(cursor)
  const userKey = cursor.bytesOf(32)
  const receipt = flag(cursor, 'receipt') ? cursor.bytesOf(64) : null
  const contributorKey = cursor.bytesOf(32)
  const delegation = flag(cursor, 'delegated')
    ? { owner: cursor.bytesOf(32), expiry: cursor.u64(), share: cursor.u64(), signature: cursor.bytesOf(64) }
    : null
  const time = cursor.u64()
  const index = cursor.u64()
  const previous = cursor.bytesOf(32)
  if (index === 0n && previous.some(byte => byte !== 0)) {
    throw new MalformedMessageError('the announcement at index 0 names one before it; its previous hash must be zero')
  }
  const holderLength = cursor.u8()
  if (holderLength < 1 || holderLength > HOLDER_BYTES) {
    throw new MalformedMessageError(`the holder's peer identifier has ${holderLength} bytes, 1 to ${HOLDER_BYTES} are allowed`)
  }
  const holder = cursor.bytesOf(holderLength)
  const signature = cursor.bytesOf(64)
  cursor.end()
  return { statement, userKey, receipt, contributorKey, delegation, time, index, previous, holder, signature }
}

/** The bytes of the announcement that its signature covers. */
export function signedPart(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length - 64)
}

/** Owner of the adapter as the announcement tells it. */
export function announcedOwner(announcement: UnsignedAnnouncement): Uint8Array {
  return announcement.delegation?.owner ?? announcement.contributorKey
}
