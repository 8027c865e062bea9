/** Lists that a peer answers with, held against what was asked (protocols/fetch). Pure. */
import { equal, toHex } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import { checkChain, type FeedAnnouncement, openAnnouncement } from '../../store/feed.js'
import type { ServedAdapter } from '../../wire/generated/fetch.js'
import { topicNumber } from '../announce/topics.js'
import { decodeAnnouncements, decodeCatalogue } from './messages.js'

/**
 * The answer to `feed`: consecutive announcements of one feed, with their hash chain. Signatures are not checked yet.
 * @throws InvalidProofError step `announcement`, MalformedMessageError, LimitExceededError, UnsupportedError
 */
export function readFeed(frame: Uint8Array, { feed, from, count }: { feed: Uint8Array; from: bigint; count: number }): FeedAnnouncement[] {
  return checkChain(decodeAnnouncements(frame, count), feed, from)
}

/**
 * The answer to `heads`: one announcement of each feed, of this topic, not older than asked for. Signatures are
 * not checked yet.
 * @throws what readFeed throws
 */
export function readHeads(frame: Uint8Array, { topic, since }: { topic: number; since: bigint }): FeedAnnouncement[] {
  const feeds = new Set<string>()
  return decodeAnnouncements(frame).map(bytes => {
    const read = openAnnouncement(bytes)
    const { statement, time } = read.announcement
    if (topicNumber(statement.base) !== topic) throw new InvalidProofError('announcement', `a head of topic ${topic} is of another topic`)
    if (time < since) throw new InvalidProofError('announcement', `a head is older than asked for: ${time} instead of ${since}`)
    if (feeds.has(toHex(read.feed))) throw new InvalidProofError('announcement', 'two heads are of one feed')
    feeds.add(toHex(read.feed))
    return read
  })
}

/**
 * The answer to `adapters`: what a contributor serves, for the base model that was asked for.
 * @throws InvalidProofError step `announcement`, MalformedMessageError
 */
export function readCatalogue(frame: Uint8Array, base: Uint8Array | null): ServedAdapter[] {
  const adapters = decodeCatalogue(frame)
  const wrong = adapters.find(adapter => base !== null && !equal(adapter.base, base))
  if (wrong !== undefined) throw new InvalidProofError('announcement', `a catalogue for one base model names another: ${toHex(wrong.base)}`)
  return adapters
}
