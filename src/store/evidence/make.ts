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

/** What one tail says that another can contradict. */
export type TailStory = Pick<Tail, 'accepted' | 'closed' | 'publicHash'>

/** What two tails of one contributor and session show. */
export function contradiction(one: TailStory, other: TailStory): 'session fork' | 'rows after closing' | undefined {
  if (one.accepted === other.accepted) return equal(one.publicHash, other.publicHash) ? undefined : 'session fork'
  return (one.accepted < other.accepted ? one : other).closed ? 'rows after closing' : undefined
}

/**
 * The first contradiction among a contributor's tails of one session.
 * @param owner of the adapter, by its manifest
 */
export function contradictionOf(context: SessionContext, owner: Uint8Array, tails: readonly Tail[]): Uint8Array | undefined {
  const by = { context, owner: context.delegation === undefined ? undefined : owner }
  for (const [i, one] of tails.entries()) {
    for (const other of tails.slice(i + 1)) {
      const kind = contradiction(one, other)
      if (kind === 'session fork') return encodeEvidence({ kind, ...by, tails: tailsInOrder(one, other) })
      if (kind !== undefined) return encodeEvidence({ kind, ...by, tails: one.accepted < other.accepted ? [one, other] : [other, one] })
    }
  }
  return undefined
}

export function invalidBundleOf(read: FeedAnnouncement, manifest: Uint8Array, bundle: Uint8Array): Uint8Array {
  return encodeEvidence({ kind: 'invalid bundle', announcement: read.bytes, manifest, bundle })
}
