/** Announcements with real signatures over statements that no bundle stands behind: for what looks at announcements alone. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { publicKeyOf, sign, signDelegation } from '../../src/proof/index.js'
import { ANNOUNCEMENT_LABEL, type FeedAnnouncement, openAnnouncement, RECEIPT_LABEL } from '../../src/store/index.js'
import {
  type AnnouncedDelegation,
  encodeAnnouncement,
  encodeStatement,
  encodeUnsigned,
  NO_PREVIOUS,
  type Statement,
  type UnsignedAnnouncement
} from '../../src/wire/announcement.js'

export const bytes32 = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
export const CONTRIBUTOR = bytes32(11)
export const USER = bytes32(12)
export const OWNER = bytes32(13)
/** Any moment: milliseconds since 1970. */
export const NOW = 1_800_000_000_000

export const HOLDER = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toMultihash().bytes

/** By the first byte of the base model, the topic is the fifth. */
export function statement(change: Partial<Statement> = {}): Statement {
  return {
    session: bytes32(1),
    adapter: bytes32(2),
    base: bytes32(0x5a),
    userKey: publicKeyOf(USER),
    contributorKey: publicKeyOf(CONTRIBUTOR),
    start: 0,
    end: 10,
    publicStart: bytes32(3),
    publicEnd: bytes32(4),
    root: bytes32(5),
    digest: bytes32(6),
    length: 2000,
    ...change
  }
}

export function delegation(change: Partial<{ expiry: bigint; adapter: Uint8Array; key: Uint8Array }> = {}): AnnouncedDelegation {
  const body = { adapter: bytes32(2), key: publicKeyOf(CONTRIBUTOR), expiry: BigInt(NOW / 1000) + 60n, share: 100n, ...change }
  return { owner: publicKeyOf(OWNER), ...signDelegation(OWNER, body) }
}

export interface MakeOptions {
  readonly statement?: Partial<Statement>
  /** Seeds of the keys; the user's null: no receipt. */
  readonly contributor?: Uint8Array
  readonly user?: Uint8Array | null
  /** Fields as they are to be signed. */
  readonly change?: Partial<UnsignedAnnouncement>
}

export function unsigned({ statement: changed, contributor = CONTRIBUTOR, user = USER, change }: MakeOptions = {}): UnsignedAnnouncement {
  const told = statement({ userKey: publicKeyOf(user ?? USER), contributorKey: publicKeyOf(contributor), ...changed })
  return {
    statement: told,
    receipt: user === null ? null : sign(user, RECEIPT_LABEL, encodeStatement(told)),
    delegation: null,
    time: BigInt(NOW),
    index: 0n,
    previous: NO_PREVIOUS,
    holder: HOLDER,
    ...change
  }
}

export function signAnnouncement(of: UnsignedAnnouncement, contributor = CONTRIBUTOR): Uint8Array {
  return encodeAnnouncement({ ...of, signature: sign(contributor, ANNOUNCEMENT_LABEL, encodeUnsigned(of)) })
}

export function make(options: MakeOptions = {}): FeedAnnouncement {
  return openAnnouncement(signAnnouncement(unsigned(options), options.contributor))
}

/** Announcements 0 … count − 1 of one feed. */
export function makeFeed(count: number, options: MakeOptions = {}): FeedAnnouncement[] {
  const feed: FeedAnnouncement[] = []
  for (let index = 0; index < count; index++) {
    const previous = index === 0 ? NO_PREVIOUS : feed[index - 1]!.hash
    const change = { ...options.change, index: BigInt(index), previous }
    feed.push(make({ ...options, statement: { digest: bytes32(100 + index), ...options.statement }, change }))
  }
  return feed
}

/** One byte changed by one bit. */
export function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const out = bytes.slice()
  out[at]! ^= 1
  return out
}
