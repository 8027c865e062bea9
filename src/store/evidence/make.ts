/** Evidence from what a node has seen: the bytes, to be checked like anybody's. */
import { equal } from '../../bytes.js'
import type { SessionContext, Tail } from '../../proof/index.js'
import type { FeedAnnouncement } from '../feed.js'
import { encodeEvidence, inOrder, tailsInOrder } from './codec.js'

/** Two announcements that differ; undefined unless they have one place in one feed. */
export function feedForkOf(one: FeedAnnouncement, other: FeedAnnouncement): Uint8Array | undefined {
  const sameIndex = equal(one.feed, other.feed) && one.announcement.index === other.announcement.index
  if (!sameIndex || equal(one.bytes, other.bytes)) return undefined
  return encodeEvidence({ kind: 'feed fork', announcements: inOrder(one.bytes, other.bytes, bytes => bytes) })
}

/**
 * The first contradiction among a contributor's tails of one session.
 * @param owner of the adapter, by its manifest
 */
export function contradictionOf(context: SessionContext, owner: Uint8Array, tails: readonly Tail[]): Uint8Array | undefined {
  const by = { context, owner: context.delegation === undefined ? undefined : owner }
  for (const [i, one] of tails.entries()) {
    for (const other of tails.slice(i + 1)) {
      if (one.accepted === other.accepted && !equal(one.publicHash, other.publicHash)) {
        return encodeEvidence({ kind: 'session fork', ...by, tails: tailsInOrder(one, other) })
      }
      const [less, more] = one.accepted < other.accepted ? [one, other] : [other, one]
      if (less.closed && more.accepted > less.accepted) {
        return encodeEvidence({ kind: 'rows after closing', ...by, tails: [less, more] })
      }
    }
  }
  return undefined
}

export function invalidBundleOf(read: FeedAnnouncement, manifest: Uint8Array, bundle: Uint8Array): Uint8Array {
  return encodeEvidence({ kind: 'invalid bundle', announcement: read.bytes, manifest, bundle })
}
