/** The messages of a fetch stream: canonical bytes in, checked values out. */
import { atLimit } from '../../counters.js'
import { MalformedMessageError } from '../../errors.js'
import { FORMAT_LIMITS, NET_LIMITS } from '../../limits.js'
import { decodeCanonical } from '../../wire/canonical.js'
import { Announcements, Catalogue, FetchHeader, FetchRequest, type ServedAdapter } from '../../wire/generated/fetch.js'
import { CATALOGUE, HEADS } from './constants.js'

/** Generated types ask for byte arrays over an ArrayBuffer of their own; encoding takes any. */
type Owned = Uint8Array<ArrayBuffer>

/** What is asked of a holder. Digests, feeds and bases have 32 bytes. */
export type Request =
  | { readonly kind: 'manifest' | 'bundle'; readonly digest: Uint8Array; readonly offset: number }
  | { readonly kind: 'feed'; readonly feed: Uint8Array; readonly from: bigint; readonly count: number }
  | { readonly kind: 'heads'; readonly topic: number; readonly since: bigint }
  | { readonly kind: 'adapters'; readonly base: Uint8Array | null }

function check(condition: boolean, what: string): void {
  if (!condition) throw new MalformedMessageError(what)
}

function checkCount(condition: boolean, what: string): void {
  if (!condition) throw atLimit('feedAnnouncements', new MalformedMessageError(what))
}

export function encodeRequest(request: Request): Uint8Array {
  switch (request.kind) {
    case 'manifest':
      return FetchRequest.encode({ manifest: { digest: request.digest as Owned, offset: request.offset } })
    case 'bundle':
      return FetchRequest.encode({ bundle: { digest: request.digest as Owned, offset: request.offset } })
    case 'feed':
      return FetchRequest.encode({ feed: { feed: request.feed as Owned, from: request.from, count: request.count } })
    case 'heads':
      return FetchRequest.encode({ heads: { topic: request.topic, since: request.since } })
    case 'adapters':
      return FetchRequest.encode({ adapters: { base: (request.base ?? new Uint8Array(0)) as Owned } })
  }
}

/** @throws MalformedMessageError */
export function decodeRequest(bytes: Uint8Array): Request {
  const { manifest, bundle, feed, heads, adapters } = decodeCanonical(FetchRequest, bytes, 'a fetch request')
  const byDigest = manifest ?? bundle
  if (byDigest !== undefined) {
    check(byDigest.digest.length === 32, `the digest asked for has ${byDigest.digest.length} bytes instead of 32`)
    return { kind: manifest !== undefined ? 'manifest' : 'bundle', ...byDigest }
  }
  if (feed !== undefined) {
    check(feed.feed.length === 32, `the feed asked for has ${feed.feed.length} bytes instead of 32`)
    checkCount(
      feed.count >= 1 && feed.count <= NET_LIMITS.feedAnnouncements,
      `${feed.count} announcements are asked for instead of 1 to 256`
    )
    return { kind: 'feed', ...feed }
  }
  if (heads !== undefined) {
    check(heads.topic <= 15, `topic ${heads.topic} is asked for, topics are 0 to 15`)
    return { kind: 'heads', ...heads }
  }
  check(adapters !== undefined, 'a fetch request asks for nothing')
  const { base } = adapters!
  check(base.length === 0 || base.length === 32, `the base model asked for has ${base.length} bytes instead of 0 or 32`)
  return { kind: 'adapters', base: base.length === 0 ? null : base }
}

export function encodeHeader(status: number, length = 0): Uint8Array {
  return FetchHeader.encode({ status, length })
}

/** @throws MalformedMessageError */
export function decodeHeader(bytes: Uint8Array): FetchHeader {
  return decodeCanonical(FetchHeader, bytes, 'a fetch header')
}

export function encodeAnnouncements(announcements: Uint8Array[]): Uint8Array {
  return Announcements.encode({ announcements: announcements as Owned[] })
}

/** @throws MalformedMessageError for the layout, the number of announcements or the size of one. */
export function decodeAnnouncements(bytes: Uint8Array, most: number = HEADS): Uint8Array[] {
  const { announcements } = decodeCanonical(Announcements, bytes, 'a list of announcements')
  checkCount(announcements.length <= most, `${announcements.length} announcements came, at most ${most} were asked for`)
  for (const announcement of announcements) {
    check(announcement.length <= FORMAT_LIMITS.announcementBytes, `an announcement of ${announcement.length} bytes came`)
  }
  return announcements
}

export function encodeCatalogue(adapters: ServedAdapter[]): Uint8Array {
  return Catalogue.encode({ adapters })
}

/** @throws MalformedMessageError for the layout, the number of adapters or the length of an identifier. */
export function decodeCatalogue(bytes: Uint8Array): ServedAdapter[] {
  const { adapters } = decodeCanonical(Catalogue, bytes, 'a catalogue')
  check(adapters.length <= CATALOGUE, `${adapters.length} adapters came, at most ${CATALOGUE} are allowed`)
  for (const { adapter, base } of adapters)
    check(adapter.length === 32 && base.length === 32, 'an identifier in a catalogue has not 32 bytes')
  return adapters
}
