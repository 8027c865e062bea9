/** Numbers of protocols/fetch. */
import { FORMAT_LIMITS, NET_LIMITS, TIMEOUTS } from '../../limits.js'

export const FETCH_PROTOCOL = '/zklora/fetch/1.0.0'

/** Status of an answer. */
export const STATUS = { found: 0, notHere: 1, malformed: 2, beyondEnd: 3, busy: 4, notSupported: 5 } as const

/** Words for a status, for people. */
export const STATUS_WORDS: Record<number, string> = {
  [STATUS.notHere]: 'does not have it',
  [STATUS.malformed]: 'calls the request malformed',
  [STATUS.beyondEnd]: 'says the offset is beyond the end',
  [STATUS.busy]: 'is busy',
  [STATUS.notSupported]: 'does not support the request'
}

/** Bytes of a request: its longest is a digest with an offset. */
export const REQUEST_BYTES = 256
/** Entries of an answer to `heads` or `adapters`. */
export const HEADS = 256
export const CATALOGUE = 256

/** What a node may set; defaults are the protocol's. */
export interface FetchLimits {
  /** Streams answered at a time, to one peer and to all. */
  readonly perPeer: number
  readonly all: number
  /** Holders tried for one digest. */
  readonly holders: number
  /** Times a broken transfer is resumed with its holder. */
  readonly resumes: number
  /** Least bytes a second, taken over windows of `rateWindow` milliseconds. */
  readonly bytesPerSecond: number
  readonly rateWindow: number
  /** Milliseconds: until the header, and of a whole transfer. */
  readonly answerTime: number
  readonly transferTime: number
  /** Greatest length of a manifest, and of a bundle that nobody announced. */
  readonly manifestBytes: number
  readonly bundleBytes: number
}

export const FETCH_LIMITS: FetchLimits = {
  perPeer: NET_LIMITS.fetchesPerPeer,
  all: NET_LIMITS.fetches,
  holders: NET_LIMITS.fetchHolders,
  resumes: 3,
  bytesPerSecond: NET_LIMITS.fetchBytesPerSecond,
  rateWindow: 10_000,
  answerTime: TIMEOUTS.open,
  transferTime: TIMEOUTS.fetch,
  manifestBytes: FORMAT_LIMITS.manifestBytes,
  bundleBytes: FORMAT_LIMITS.bundleBytes
}
