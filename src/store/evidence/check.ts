/** Does evidence show what it says, from its own bytes alone (protocols/evidence)? */
import { compare, equal, toHex } from '../../bytes.js'
import { InvalidProofError, isPeerError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import type { Kernel } from '../../kernel/types.js'
import {
  decodeManifest,
  type Manifest,
  type Random,
  recallManifest,
  sessionId,
  type VerifiedManifest,
  verify,
  verifyDelegation,
  verifyManifest,
  verifyTail
} from '../../proof/index.js'
import { announcedOwner } from '../../wire/announcement.js'
import { type FeedAnnouncement, readAnnouncement } from '../feed.js'
import { checkStatement } from '../statement.js'
import { decodeEvidence, type EvidenceKind, type FeedFork, type InvalidBundle, type TailContradiction } from './codec.js'

/** Of a later one others may know more. */
const BUNDLE_VERSION = 1

/** That an announcement is older than its session shows a clock that erred, not a lie. */
const ANY_TIME = 2n ** 64n - 1n

declare const checkedBrand: unique symbol

/** Evidence that has been checked; only `checkEvidence` makes one. */
export interface CheckedEvidence {
  readonly [checkedBrand]: true
  readonly id: Uint8Array
  readonly bytes: Uint8Array
  readonly kind: EvidenceKind
  /** The contributor key that it convicts. */
  readonly key: Uint8Array
  /** Who delegated to that key, ascending; empty without delegation. */
  readonly owners: readonly Uint8Array[]
  readonly adapter: Uint8Array
  /** What is wrong, in a sentence. */
  readonly reason: string
}

type Shown = Pick<CheckedEvidence, 'key' | 'owners' | 'adapter' | 'reason'>

export interface CheckEvidenceInit {
  readonly kernel: Kernel
  readonly random: Random
  /** True when the manifest has been verified here: it need not be again. */
  readonly isManifestVerified?: boolean | undefined
}

/**
 * Checks evidence. Of kind 4 it verifies a bundle, and its manifest when that is not known.
 * @throws UnsupportedError for another version, LimitExceededError, MalformedMessageError; InvalidProofError step `evidence` when it
 *   shows nothing
 */
export function checkEvidence(bytes: Uint8Array, init: CheckEvidenceInit): CheckedEvidence {
  const body = decodeEvidence(bytes)
  const shown = body.kind === 'feed fork' ? feedFork(body) : body.kind === 'invalid bundle' ? invalidBundle(body, init) : tails(body)
  const owners = [...shown.owners].sort(compare)
  return { ...shown, owners, id: evidenceId(bytes), bytes, kind: body.kind } as unknown as CheckedEvidence
}

export function evidenceId(bytes: Uint8Array): Uint8Array {
  return hash('zklora/v1/evidence', bytes)
}

function nothing(reason: string, cause?: unknown): InvalidProofError {
  return new InvalidProofError('evidence', `it shows nothing: ${reason}`, { cause })
}

/** An announcement with all its signatures, or no evidence. */
function signed(bytes: Uint8Array): FeedAnnouncement {
  try {
    return readAnnouncement(bytes)
  } catch (cause) {
    if (!isPeerError(cause)) throw cause
    throw nothing((cause as Error).message, cause)
  }
}

function ownersOf(reads: readonly FeedAnnouncement[]): Uint8Array[] {
  const owners = reads
    .filter(({ announcement }) => announcement.delegation !== null)
    .map(({ announcement }) => announcedOwner(announcement))
  return owners.filter((owner, i) => owners.findIndex(other => equal(other, owner)) === i)
}

function feedFork({ announcements }: FeedFork): Shown {
  const [one, other] = announcements.map(signed) as [FeedAnnouncement, FeedAnnouncement]
  const { statement, index } = one.announcement
  if (!equal(one.feed, other.feed)) throw nothing('the two announcements are of different feeds')
  if (index !== other.announcement.index) throw nothing(`the two announcements have the indices ${index} and ${other.announcement.index}`)
  return {
    key: statement.contributorKey,
    owners: ownersOf([one, other]),
    adapter: statement.adapter,
    reason: `it signed two announcements with the index ${index} of one feed`
  }
}

function tails({ kind, context, owner, tails }: TailContradiction): Shown {
  const session = sessionId(context)
  const { contributorKey: key, adapter, delegation, started } = context
  for (const tail of tails) {
    if (!verifyTail({ publicKey: key, role: 'contributor', session, tail })) throw nothing('a tail is not signed by the contributor key')
  }
  if (delegation !== undefined) {
    if (started > delegation.expiry) throw nothing(`the delegation ended at ${delegation.expiry} s, the session began at ${started} s`)
    if (!verifyDelegation(owner!, adapter, key, delegation)) throw nothing('the delegation is not that of the owner named')
  }
  const [one, other] = tails
  if (kind === 'session fork') {
    if (one.accepted !== other.accepted) throw nothing(`the tails accept ${one.accepted} and ${other.accepted} rows`)
    if (equal(one.publicHash, other.publicHash)) throw nothing('both tails have the same public hash')
  } else if (!one.closed || other.accepted <= one.accepted) {
    throw nothing(`the second tail accepts ${other.accepted} rows, the first ${one.accepted}${one.closed ? '' : ' and is not closed'}`)
  }
  const of = `session ${toHex(session).slice(0, 12)}…`
  const reason =
    kind === 'session fork'
      ? `in ${of} it signed for ${one.accepted} rows in two ways`
      : `in ${of} it accepted ${other.accepted} rows after it had closed at ${one.accepted}`
  return { key, owners: owner === undefined ? [] : [owner], adapter, reason }
}

function invalidBundle({ announcement, manifest: manifestBytes, bundle }: InvalidBundle, init: CheckEvidenceInit): Shown {
  const { kernel, random } = init
  const read = signed(announcement)
  const { statement } = read.announcement
  const manifest = verified(manifestBytes, statement.adapter, init)
  if (!equal(hash('zklora/v1/bundle', bundle), statement.digest)) throw nothing('the bundle is not the one that is announced')
  if (bundle[0] !== BUNDLE_VERSION) throw nothing(`the bundle has version ${bundle[0]}, which is not known here`)
  const shown = { key: statement.contributorKey, owners: ownersOf([read]), adapter: statement.adapter }
  try {
    checkStatement({ ...read.announcement, time: ANY_TIME }, verify({ kernel, manifest, bundle, random }))
  } catch (error) {
    if (!isPeerError(error)) throw error
    return { ...shown, reason: `it announced a bundle that does not hold (${(error as Error).message})` }
  }
  throw nothing('the bundle verifies, and the announcement fits it')
}

function verified(
  bytes: Uint8Array,
  adapter: Uint8Array,
  { kernel, random, isManifestVerified = false }: CheckEvidenceInit
): VerifiedManifest {
  try {
    const manifest: Manifest = decodeManifest(bytes)
    if (!equal(manifest.id, adapter)) throw nothing('the manifest is of another adapter')
    return isManifestVerified ? recallManifest(manifest, adapter) : verifyManifest({ kernel, manifest, random })
  } catch (cause) {
    if (!isPeerError(cause) || (cause as InvalidProofError).step === 'evidence') throw cause
    throw nothing(`the manifest does not verify (${(cause as Error).message})`, cause)
  }
}
