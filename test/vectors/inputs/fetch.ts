/** Inputs of protocols/fetch/vectors.json: manifests, bundles and announcements of the pages before it, asked for and answered. */
import { toHex } from '../../../src/bytes.js'
import { encodeAnnouncements, encodeCatalogue, encodeHeader, encodeRequest } from '../../../src/net/fetch/messages.js'
import { ref } from '../case.js'
import type { JsonPiece, JsonRequest, JsonServed, JsonTransfer } from '../fetch.js'
import { base, identifier, manifest, manifestOf, TINY } from './adapter.js'
import { FEEDS, first, own, replicated } from './announce.js'
import { WHOLE } from './bundle.js'
import { drawer, type Named } from './draw.js'

const { random, hex } = drawer('fetch')
const digest = ref(WHOLE, 'output', 'digest') as unknown as string
const adapter = identifier
const topic = parseInt(own.base[0]!, 16)
const feed = ref('announcement with the user’s receipt', 'output', 'feed') as unknown as string

const REQUESTS: Readonly<Record<string, JsonRequest>> = {
  'a manifest': { kind: 'manifest', digest: adapter, offset: 0 },
  'a bundle': { kind: 'bundle', digest, offset: 0 },
  'a bundle from a piece on': { kind: 'bundle', digest, offset: 262_144 },
  'a feed from its first announcement': { kind: 'feed', feed, from: '0', count: 256 },
  'one announcement of a feed': { kind: 'feed', feed, from: '4294967296', count: 1 },
  'heads of a topic since the beginning': { kind: 'heads', topic: 0, since: '0' },
  'heads of the last topic': { kind: 'heads', topic: 15, since: '1700000000000' },
  'adapters of a base model': { kind: 'adapters', base },
  'all adapters': { kind: 'adapters', base: null }
}

const bundleRequest = toHex(encodeRequest({ kind: 'bundle', digest: random(32), offset: 7 }))
const headsRequest = toHex(encodeRequest({ kind: 'heads', topic: 3, since: 5n }))
const bad = (request: Parameters<typeof encodeRequest>[0]): string => toHex(encodeRequest(request))

const BAD_REQUESTS: Readonly<Record<string, string>> = {
  'asks for nothing': '',
  'a digest of 31 bytes': bad({ kind: 'manifest', digest: random(31), offset: 0 }),
  'a digest of 33 bytes': bad({ kind: 'bundle', digest: random(33), offset: 0 }),
  'no digest': '0a00',
  'a feed of 16 bytes': bad({ kind: 'feed', feed: random(16), from: 0n, count: 1 }),
  'no announcements of a feed': bad({ kind: 'feed', feed: random(32), from: 0n, count: 0 }),
  '257 announcements of a feed': bad({ kind: 'feed', feed: random(32), from: 0n, count: 257 }),
  'topic 16': bad({ kind: 'heads', topic: 16, since: 0n }),
  'adapters of a base model of 16 bytes': bad({ kind: 'adapters', base: random(16) }),
  'two requests in one': `${bundleRequest}${headsRequest}`,
  'the same request twice': `${headsRequest}${headsRequest}`,
  'a field that is not known': '3200',
  'a field within that is not known': '220418031801',
  'an offset of 0 written': '0a240a20' + hex() + '1000',
  'an offset before the digest': '0a2410070a20' + hex(),
  'a varint longer than needed': '2203088300',
  'cut by a byte': bundleRequest.slice(0, -2),
  'a byte behind it': `${bundleRequest}00`
}

const HEADERS: Readonly<Record<string, { status: number; length: number }>> = {
  'found, a bundle': { status: 0, length: 6000 },
  'found, a list': { status: 0, length: 0 },
  'not here': { status: 1, length: 0 },
  'malformed request': { status: 2, length: 0 },
  'offset beyond the end': { status: 3, length: 0 },
  busy: { status: 4, length: 0 },
  'not supported': { status: 5, length: 0 }
}

const BAD_HEADERS: Readonly<Record<string, string>> = {
  'a status of 0 written': '080010f02e',
  'the length before the status': '10f02e0801',
  'a length twice': '10f02e10f02e',
  'a field that is not known': '10f02e1801',
  'a length that is no varint': '10ff',
  'raw bytes in its place': toHex(encodeHeader(0, 6000)) + 'ff'
}

const served = (change: Partial<JsonServed> = {}): JsonServed => ({
  adapter,
  base,
  rowsLeft: 252,
  listedOnly: false,
  maxRows: 4096,
  ...change
})
const otherBase = hex()
const CATALOGUES: Readonly<Record<string, JsonServed[]>> = {
  'one adapter': [served()],
  'an adapter for listed users and one whose budget is spent': [served({ listedOnly: true }), served({ adapter: hex(), rowsLeft: 0 })]
}
const entry = (length: number) => ({ adapter: random(length) as Uint8Array<ArrayBuffer>, base: random(32) as Uint8Array<ArrayBuffer>, rowsLeft: 1, listedOnly: false, maxRows: 1 }) // prettier-ignore
const oneServed = toHex(encodeCatalogue([entry(32)]))
const BAD_CATALOGUES: Readonly<Record<string, string>> = {
  'an adapter identifier of 31 bytes': toHex(encodeCatalogue([entry(31)])),
  'an empty entry': '0a00',
  'a flag of 2': toHex(encodeCatalogue([{ ...entry(32), listedOnly: true }])).replace('20012801', '20022801'),
  'cut by a byte': oneServed.slice(0, -2)
}

const oneAnnouncement = toHex(encodeAnnouncements([random(5)]))
const BAD_LISTS: Readonly<Record<string, { message: string; most: number }>> = {
  'more announcements than asked for': { message: `${oneAnnouncement}${oneAnnouncement}`, most: 1 },
  'an announcement of 641 bytes': { message: toHex(encodeAnnouncements([random(641)])), most: 256 },
  'cut by a byte': { message: oneAnnouncement.slice(0, -2), most: 256 },
  'a field that is not known': { message: `${oneAnnouncement}1001`, most: 256 }
}

const length = manifest.length / 2
const [head, tail]: JsonPiece[] = [{ from: 0, to: 1000 }, { from: 1000, to: length }] // prettier-ignore
const pieces = [head!, tail!]
const MOST = 16 * 1024 * 1024
const whole: JsonTransfer = {
  kind: 'manifest',
  digest: adapter,
  most: MOST,
  bytes: manifestOf(TINY!) as unknown as string,
  streams: [{ length, pieces }]
}
const stream = (change: Partial<JsonTransfer['streams'][number]>): JsonTransfer => ({
  ...whole,
  streams: [{ length, pieces, ...change }]
})
const TRANSFERS: Readonly<Record<string, JsonTransfer>> = {
  'a manifest in two pieces': whole,
  'a manifest that breaks off and goes on with the same holder': {
    ...whole,
    streams: [
      { length, pieces: [head!], broken: true },
      { length, pieces: [tail!] }
    ]
  },
  'refused: a length above the greatest': { ...whole, most: length - 1 },
  'refused: a length above 16 MiB': stream({ length: MOST + 1 }),
  'refused: another length when it goes on': {
    ...whole,
    streams: [
      { length, pieces: [head!], broken: true },
      { length: length + 1, pieces: [tail!] }
    ]
  },
  'refused: an end before the last byte': stream({ pieces: [head!] }),
  'refused: a piece without bytes': stream({ pieces: [head!, ''] }),
  'refused: a piece of 262,145 bytes': stream({ length: MOST, pieces: [{ byte: '00', times: 262_145 }] }),
  'refused: a byte more than the length': stream({ pieces: [head!, tail!, '00'] }),
  'refused: a piece that goes beyond the length': stream({ length: length - 1 }),
  'refused: a byte changed': stream({ pieces: [{ from: 0, to: length - 1 }, `0${manifest.at(-1) === '0' ? 1 : 0}`] }),
  'refused: another manifest than asked for': { ...whole, digest: hex() },
  'refused: a manifest in the place of a bundle': { ...whole, kind: 'bundle' },
  'refused: pieces in another order': stream({ pieces: [tail!, head!] }),
  'refused: nothing, for a length of 0': stream({ length: 0, pieces: [] })
}

const stretch = FEEDS['of two announcements']!
const heads = { topic, since: '1700000000000' }
const HEADS: Readonly<Record<string, { announcements: string[]; topic: number; since: string }>> = {
  'heads of two feeds': { announcements: [stretch[1]!, replicated], ...heads },
  'heads refused: one of another topic': { announcements: [stretch[1]!], ...heads, topic: (topic + 1) % 16 },
  'heads refused: one older than asked for': { announcements: [first.announcement], ...heads, since: '1700000000001' },
  'heads refused: two of one feed': { announcements: [...stretch], ...heads },
  'heads refused: a changed signature': { announcements: [`${replicated.slice(0, -2)}00`], ...heads }
}
const asked = { feed, from: '0', count: 2 }

export const FETCH_CASES: readonly Named[] = [
  ...Object.entries(REQUESTS).map(([name, input]): Named => ['request', `request: ${name}`, input]),
  ...Object.entries(BAD_REQUESTS).map(([name, message]): Named => ['requestBytes', `request refused: ${name}`, { message }]),
  ...Object.entries(HEADERS).map(([name, input]): Named => ['header', `header: ${name}`, input]),
  ...Object.entries(BAD_HEADERS).map(([name, message]): Named => ['headerBytes', `header refused: ${name}`, { message }]),
  ['announcements', 'list of two announcements', { announcements: stretch }],
  ...Object.entries(BAD_LISTS).map(([name, input]): Named => ['announcementsBytes', `list refused: ${name}`, input]),
  ...Object.entries(CATALOGUES).map(([name, adapters]): Named => ['catalogue', `catalogue: ${name}`, { adapters }]),
  ...Object.entries(BAD_CATALOGUES).map(([name, message]): Named => ['catalogueBytes', `catalogue refused: ${name}`, { message }]),
  ...Object.entries(TRANSFERS).map(([name, input]): Named => ['transfer', `transfer: ${name}`, input]),
  ['feedAnswer', 'feed answer: two announcements', { announcements: stretch, ...asked }],
  ['feedAnswer', 'feed answer refused: more than asked for', { announcements: stretch, ...asked, count: 1 }],
  ['feedAnswer', 'feed answer refused: from another index', { announcements: stretch, ...asked, from: '1' }],
  ['feedAnswer', 'feed answer refused: another feed', { announcements: [replicated], ...asked }],
  ['feedAnswer', 'feed answer refused: another order', { announcements: [...stretch].reverse(), ...asked }],
  ...Object.entries(HEADS).map(([name, input]): Named => ['headsAnswer', name, input]),
  ['catalogueAnswer', 'catalogue answer for a base model', { adapters: [served()], base }],
  ['catalogueAnswer', 'catalogue answer refused: another base model', { adapters: [served(), served({ base: otherBase })], base }],
  ['catalogueAnswer', 'catalogue answer for all', { adapters: [served(), served({ base: otherBase })], base: null }]
]
