/** Cases of protocols/fetch. */
import { concat, fromHex } from '../../src/bytes.js'
import { Incoming } from '../../src/net/fetch/incoming.js'
import { readCatalogue, readFeed, readHeads } from '../../src/net/fetch/lists.js'
import {
  decodeAnnouncements,
  decodeCatalogue,
  decodeHeader,
  decodeRequest,
  encodeAnnouncements,
  encodeCatalogue,
  encodeHeader,
  encodeRequest,
  type Request
} from '../../src/net/fetch/messages.js'
import { checkSignatures, type FeedAnnouncement } from '../../src/store/index.js'
import { encodeVarint } from '../../src/proof/bundle/pattern.js'

type Hex = string

/** Checks the signatures of a list. */
function signed(list: FeedAnnouncement[]): FeedAnnouncement[] {
  for (const read of list) checkSignatures(read)
  return list
}

/** A request in JSON; numbers of 64 bits are text. */
export interface JsonRequest {
  kind: Request['kind']
  digest?: Hex
  offset?: number
  feed?: Hex
  from?: string
  count?: number
  topic?: number
  since?: string
  base?: Hex | null
}

/** Bytes of a piece, a part of what was asked for, or one byte many times. */
export type JsonPiece = Hex | { from: number; to: number } | { byte: Hex; times: number }

export interface JsonTransfer {
  kind: 'manifest' | 'bundle'
  digest: Hex
  /** Greatest length accepted. */
  most: number
  /** What pieces are parts of. */
  bytes: Hex
  /** Streams of one holder, each resumed where the one before broke off: header's length, pieces, and whether the stream then ends. */
  streams: { length: number; pieces: JsonPiece[]; broken?: boolean }[]
}

export interface JsonServed {
  adapter: Hex
  base: Hex
  rowsLeft: number
  listedOnly: boolean
  maxRows: number
}

/** As on the wire: length before the message. */
const framed = (message: Uint8Array): Uint8Array => concat([encodeVarint(message.length), message])

function requestOf({ kind, ...json }: JsonRequest): Request {
  const fields = Object.entries(json).map(([name, value]) => {
    if (name === 'from' || name === 'since') return [name, BigInt(value as string)]
    return [name, typeof value === 'string' ? fromHex(value) : value]
  })
  return { kind, ...Object.fromEntries(fields) } as Request
}

const servedOf = ({ adapter, base, ...rest }: JsonServed) => ({
  adapter: Uint8Array.from(fromHex(adapter)),
  base: Uint8Array.from(fromHex(base)),
  ...rest
})

function pieceOf(piece: JsonPiece, whole: Uint8Array): Uint8Array {
  if (typeof piece === 'string') return fromHex(piece)
  return 'from' in piece ? whole.subarray(piece.from, piece.to) : new Uint8Array(piece.times).fill(fromHex(piece.byte)[0]!)
}

export const FETCH = {
  request: (input: JsonRequest) => {
    const message = encodeRequest(requestOf(input))
    decodeRequest(message)
    return { message, frame: framed(message) }
  },
  requestBytes: ({ message }: { message: Hex }) => decodeRequest(fromHex(message)),
  header: ({ status, length }: { status: number; length: number }) => {
    const message = encodeHeader(status, length)
    decodeHeader(message)
    return { message, frame: framed(message) }
  },
  headerBytes: ({ message }: { message: Hex }) => decodeHeader(fromHex(message)),
  announcements: ({ announcements }: { announcements: Hex[] }) => encodeAnnouncements(announcements.map(fromHex)),
  announcementsBytes: ({ message, most }: { message: Hex; most: number }) => decodeAnnouncements(fromHex(message), most),
  catalogue: ({ adapters }: { adapters: JsonServed[] }) => encodeCatalogue(adapters.map(servedOf)),
  catalogueBytes: ({ message }: { message: Hex }) => decodeCatalogue(fromHex(message)),
  transfer: ({ kind, digest, most, bytes, streams }: JsonTransfer) => {
    const whole = fromHex(bytes)
    const incoming = new Incoming(kind, fromHex(digest), 'the holder')
    const requests = streams.map(({ length, pieces, broken = false }) => {
      const request = encodeRequest({ kind, digest: fromHex(digest), offset: incoming.received })
      incoming.begin(length, most)
      for (const piece of pieces) incoming.take(pieceOf(piece, whole))
      if (!broken && !incoming.whole) incoming.take(undefined)
      return request
    })
    return { requests, length: incoming.checked().length }
  },
  feedAnswer: ({ announcements, feed, from, count }: { announcements: Hex[]; feed: Hex; from: string; count: number }) => {
    const frame = encodeAnnouncements(announcements.map(fromHex))
    return signed(readFeed(frame, { feed: fromHex(feed), from: BigInt(from), count })).map(({ hash }) => hash)
  },
  headsAnswer: ({ announcements, topic, since }: { announcements: Hex[]; topic: number; since: string }) => {
    const frame = encodeAnnouncements(announcements.map(fromHex))
    return signed(readHeads(frame, { topic, since: BigInt(since) })).map(({ feed, hash }) => ({ feed, hash }))
  },
  catalogueAnswer: ({ adapters, base }: { adapters: JsonServed[]; base: Hex | null }) =>
    readCatalogue(encodeCatalogue(adapters.map(servedOf)), base === null ? null : fromHex(base))
}
