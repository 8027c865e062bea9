/**
 * A feed: all announcements of one contributor key and adapter, each naming the hash of the one before (protocols/announce). What
 * an announcement's signatures must be, and how a stretch of a feed hangs together.
 */
import { equal, toHex } from '../bytes.js'
import { InvalidProofError } from '../errors.js'
import { hash } from '../kernel/hash.js'
import { verifyDelegation, verifySignature } from '../proof/index.js'
import { type Announcement, announcedOwner, decodeAnnouncement, encodeStatement, signedPart } from '../wire/announcement.js'

export const RECEIPT_LABEL = 'zklora/v1/sign/receipt'
export const ANNOUNCEMENT_LABEL = 'zklora/v1/sign/announcement'
const SECOND = 1000n

/** An announcement with its bytes and the hashes made from them. */
export interface FeedAnnouncement {
  readonly bytes: Uint8Array
  readonly announcement: Announcement
  /** feedId of contributor key and adapter. */
  readonly feed: Uint8Array
  /** What the next announcement of the feed names. */
  readonly hash: Uint8Array
}

export function feedId(contributorKey: Uint8Array, adapter: Uint8Array): Uint8Array {
  return hash('zklora/v1/feed', contributorKey, adapter)
}

export function announcementHash(bytes: Uint8Array): Uint8Array {
  return hash('zklora/v1/announcement', bytes)
}

/** Decodes, without any signature checked. @throws MalformedMessageError, LimitExceededError, UnsupportedError */
export function openAnnouncement(bytes: Uint8Array): FeedAnnouncement {
  const announcement = decodeAnnouncement(bytes)
  return {
    bytes: new Uint8Array(bytes),
    announcement,
    feed: feedId(announcement.statement.contributorKey, announcement.statement.adapter),
    hash: announcementHash(bytes)
  }
}

/** Signatures that checkSignatures looks at: what a check costs. */
export function signaturesOf({ receipt, delegation }: Announcement): number {
  return 1 + (receipt === null ? 0 : 1) + (delegation === null ? 0 : 1)
}

/** @throws InvalidProofError step `announcement` unless all signatures hold and the delegation was not over. */
export function checkSignatures({ bytes, announcement }: FeedAnnouncement): void {
  const { statement, receipt, delegation, time, signature } = announcement
  const { contributorKey, userKey } = statement
  if (delegation !== null && time / SECOND > delegation.expiry) {
    throw new InvalidProofError('announcement', `the delegation ended at ${delegation.expiry} s, the announcement is of ${time} ms`)
  }
  if (!verifySignature(contributorKey, signature, ANNOUNCEMENT_LABEL, signedPart(bytes))) {
    throw new InvalidProofError('announcement', `the signature is not that of the contributor key ${toHex(contributorKey)}`)
  }
  if (receipt !== null && !verifySignature(userKey, receipt, RECEIPT_LABEL, encodeStatement(statement))) {
    throw new InvalidProofError('announcement', `the receipt is not that of the user key ${toHex(userKey)}`)
  }
  if (delegation !== null && !verifyDelegation(delegation.owner, statement.adapter, contributorKey, delegation)) {
    throw new InvalidProofError('announcement', `the delegation is not that of the owner ${toHex(announcedOwner(announcement))}`)
  }
}

/** Decodes and checks all signatures. @throws InvalidProofError, MalformedMessageError, LimitExceededError, UnsupportedError */
export function readAnnouncement(bytes: Uint8Array): FeedAnnouncement {
  const read = openAnnouncement(bytes)
  checkSignatures(read)
  return read
}

/**
 * Reads a stretch of one feed: consecutive indices from `from`, each naming the hash of the one before, with times that do not fall.
 * Without any signature checked.
 * @throws InvalidProofError step `announcement`, and what openAnnouncement throws
 */
export function checkChain(list: readonly Uint8Array[], feed: Uint8Array, from: bigint): FeedAnnouncement[] {
  const range = list.map(openAnnouncement)
  for (const [place, { announcement, feed: of }] of range.entries()) {
    const index = from + BigInt(place)
    if (!equal(of, feed)) throw new InvalidProofError('announcement', `an announcement of feed ${toHex(of)} came for feed ${toHex(feed)}`)
    if (announcement.index !== index)
      throw new InvalidProofError('announcement', `announcement ${announcement.index} came in the place of ${index}`)
    if (place > 0) checkNext(range[place - 1]!, announcement)
  }
  return range
}

/**
 * What must hold between neighbours of a feed.
 * @throws InvalidProofError step `announcement`
 */
export function checkNext(before: FeedAnnouncement, { index, previous, time }: Announcement): void {
  if (!equal(previous, before.hash)) {
    throw new InvalidProofError('announcement', `announcement ${index} does not name the hash of the one before it`)
  }
  if (time < before.announcement.time) {
    throw new InvalidProofError('announcement', `the time of announcement ${index} is before that of the one before it`)
  }
}
