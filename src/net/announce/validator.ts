/**
 * The validator of gossip: the table of protocols/announce, row by row. Only what passes all of it is counted, remembered or
 * fetched; reject is for what is wrong by the bytes alone, ignore for what depends on clock, store, load or history. It asks the
 * store, never the network.
 */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { toHex } from '../../bytes.js'
import { InvalidProofError, UnsupportedError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import { checkSignatures, type FeedAnnouncement, openAnnouncement, signaturesOf } from '../../store/feed.js'
import { type Announcement, announcedOwner } from '../../wire/announcement.js'
import { isPointForm, isSignatureForm } from './form.js'
import { SignatureChecks } from './checks.js'
import { Budgets, Window } from '../rates.js'
import { ClockSkew } from './skew.js'
import { topicOf } from './topics.js'

/** What the validator asks of what this node keeps. */
export interface AnnouncementView {
  /** True when exactly this announcement is kept. */
  hasAnnouncement(feed: Uint8Array, index: bigint, hash: Uint8Array): Promise<boolean>
  /** Owner key, in hexadecimal, of the adapter's manifest when one is kept and verified. */
  ownerOf(adapter: Uint8Array): Promise<string | undefined>
}

/** Why an announcement does not pass; the order is that of the table. */
export const IGNORE_REASONS = [
  'version',
  'clock',
  'seen',
  'owner',
  'feed rate',
  'owner rate',
  'signature checks',
  'signature checks of the peer',
  'unknown adapters',
  'unknown adapter of the feed'
] as const
export const REJECT_REASONS = ['layout', 'form', 'topic', 'signature'] as const
export type IgnoreReason = (typeof IGNORE_REASONS)[number]
export type RejectReason = (typeof REJECT_REASONS)[number]

export type Outcome =
  | { readonly result: 'accept'; readonly read: FeedAnnouncement }
  | { readonly result: 'ignore'; readonly reason: IgnoreReason }
  | { readonly result: 'reject'; readonly reason: RejectReason; readonly error: string }

export interface ValidatorLimits {
  readonly clockSkew: number
  readonly announcementsPerFeed: number
  readonly announcementsPerOwner: number
  readonly gossipSignatures: number
  readonly gossipSignaturesPerPeer: number
  readonly unknownAdapterAnnouncements: number
  readonly unknownAdapterFeedInterval: number
  readonly gossipSeenTtl: number
}

const MINUTE = 60_000
/** Hashes of accepted announcements that are remembered before the store has them. */
const RECENT = 65_536

const ignore = (reason: IgnoreReason): Outcome => ({ result: 'ignore', reason })
const reject = (reason: RejectReason, error: string): Outcome => ({ result: 'reject', reason, error })

/** Keys and signatures have their form. */
function formError(announcement: Announcement): string | undefined {
  const { statement, receipt, delegation, signature } = announcement
  const { userKey, contributorKey } = statement
  if (!isPointForm(userKey)) return 'the user key is not an Ed25519 key'
  if (!isPointForm(contributorKey)) return 'the contributor key is not an Ed25519 key'
  if (delegation !== null && !isPointForm(delegation.owner)) return 'the owner key is not an Ed25519 key'
  for (const bytes of [signature, receipt, delegation?.signature]) {
    if (bytes != null && !isSignatureForm(bytes)) return 'a signature is not in canonical form'
  }
  return undefined
}

/** The peer that an announcement names; none for inlined bytes that are not a key, of which a decoder knows nothing. */
export function peersOfHolder(holder: Uint8Array): PeerId[] {
  try {
    const peer = peerIdFromMultihash(decodeMultihash(holder) as Parameters<typeof peerIdFromMultihash>[0])
    return peer.type === 'url' ? [] : [peer]
  } catch {
    return []
  }
}

export class AnnouncementValidator {
  readonly skew = new ClockSkew()
  private readonly limits: ValidatorLimits
  private readonly feeds: Window
  private readonly owners: Window
  private readonly unknown: Window
  private readonly unknownFeeds: Window
  private readonly checks: SignatureChecks
  private readonly checksOfPeers: Budgets
  /** Accepted lately, by hash: between two copies that arrive at once the store does not know it yet. */
  private readonly recent = new Map<string, number>()

  /**
   * @param now milliseconds since 1970
   * @param checks shared with who else checks signatures; default: its own
   */
  constructor(
    private readonly view: AnnouncementView,
    private readonly now: () => number = Date.now,
    limits: Partial<ValidatorLimits> = {},
    checks?: SignatureChecks
  ) {
    this.limits = { ...NET_LIMITS, ...limits }
    this.feeds = new Window(this.limits.announcementsPerFeed, MINUTE)
    this.owners = new Window(this.limits.announcementsPerOwner, MINUTE)
    this.unknown = new Window(this.limits.unknownAdapterAnnouncements, 1000)
    this.unknownFeeds = new Window(1, this.limits.unknownAdapterFeedInterval)
    this.checks = checks ?? new SignatureChecks(this.limits.gossipSignatures, now)
    this.checksOfPeers = new Budgets(this.limits.gossipSignaturesPerPeer)
  }

  /**
   * The publisher's own check: the rows of the table that do not depend on what others sent.
   * @throws InvalidProofError step `announcement`
   */
  checkOwn(read: FeedAnnouncement): void {
    const wrong = formError(read.announcement)
    if (wrong !== undefined) throw new InvalidProofError('announcement', wrong)
    if (!this.isTimely(read.announcement)) {
      throw new InvalidProofError('announcement', `its time is ${read.announcement.time}, this node's clock says ${this.now()}`)
    }
    checkSignatures(read)
  }

  /** @param peer who forwarded it */
  async validate(peer: string, topic: string, data: Uint8Array): Promise<Outcome> {
    // 1. Size, layout, version, form.
    let read: FeedAnnouncement
    try {
      read = openAnnouncement(data)
    } catch (error) {
      return error instanceof UnsupportedError ? ignore('version') : reject('layout', (error as Error).message)
    }
    const { announcement } = read
    const wrong = formError(announcement)
    if (wrong !== undefined) return reject('form', wrong)
    // 2. Topic.
    const own = topicOf(announcement.statement.base)
    if (topic !== own) return reject('topic', `the announcement belongs to ${own}, it came on ${topic}`)
    this.skew.note(peer, Number(announcement.time) - this.now())
    // 3. Time.
    if (!this.isTimely(announcement)) return ignore('clock')
    // 4. Not seen before.
    if (await this.view.hasAnnouncement(read.feed, announcement.index, read.hash)) return ignore('seen')
    // 5. A known adapter's owner: whoever makes keys by the hundred costs no signature checks.
    const owner = await this.view.ownerOf(announcement.statement.adapter)
    if (owner !== undefined && owner !== toHex(announcedOwner(announcement))) return ignore('owner')
    return this.decide(peer, read, owner !== undefined)
  }

  private isTimely({ time }: Announcement): boolean {
    const age = BigInt(this.now()) - time
    return age <= this.limits.clockSkew && age >= -this.limits.clockSkew
  }

  /** The rest in one go, without waiting, so that messages handled at once share the rates. */
  private decide(peer: string, read: FeedAnnouncement, known: boolean): Outcome {
    const now = this.now()
    const { announcement } = read
    const hash = toHex(read.hash)
    const feed = toHex(read.feed)
    const owner = toHex(announcedOwner(announcement))
    if (this.recent.has(hash)) return ignore('seen')
    // 6. Rates.
    if (!this.feeds.isOpen(feed, now)) return ignore('feed rate')
    if (!this.owners.isOpen(owner, now)) return ignore('owner rate')
    const cost = signaturesOf(announcement)
    const ofPeer = this.checksOfPeers.of(peer, now)
    if (!this.checks.has(cost)) return ignore('signature checks')
    if (!ofPeer.has(cost, now)) return ignore('signature checks of the peer')
    this.checks.take(cost)
    ofPeer.take(cost)
    // 7. Signatures.
    try {
      checkSignatures(read)
    } catch (error) {
      return reject('signature', (error as Error).message)
    }
    // 8. Adapters without a verified manifest.
    if (!known) {
      if (!this.unknown.isOpen('all', now)) return ignore('unknown adapters')
      if (!this.unknownFeeds.isOpen(feed, now)) return ignore('unknown adapter of the feed')
      this.unknown.add('all', now)
      this.unknownFeeds.add(feed, now)
    }
    // Accepted: what the peer brought is not held against it.
    ofPeer.take(-cost)
    this.feeds.add(feed, now)
    this.owners.add(owner, now)
    this.remember(hash, now)
    return { result: 'accept', read }
  }

  private remember(hash: string, now: number): void {
    for (const [old, time] of this.recent) {
      if (this.recent.size < RECENT && now - time < this.limits.gossipSeenTtl) break
      this.recent.delete(old)
    }
    this.recent.set(hash, now)
  }
}
