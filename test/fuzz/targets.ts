/** Everything that takes bytes of a stranger, with a generator of such bytes and what must come of accepted ones. */
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import {
  decodeAnnouncements,
  decodeCatalogue,
  decodeHeader,
  decodeRequest,
  encodeAnnouncements,
  encodeCatalogue,
  encodeHeader,
  encodeRequest
} from '../../src/net/fetch/messages.js'
import { encodeBody, encodeManifest } from '../../src/proof/adapter/encode.js'
import { encodeBundle } from '../../src/proof/bundle/layout.js'
import { encodePattern } from '../../src/proof/bundle/pattern.js'
import {
  decodeBundle,
  decodeContext,
  decodeDelegation,
  decodeManifest,
  decodeProofFile,
  decodeRowFile,
  encodeContext,
  encodeDelegation,
  encodeProofFile,
  encodeRowFile,
  openedRow,
  openRow,
  signDelegation,
  verify,
  verifyBundles,
  verifyManifest
} from '../../src/proof/index.js'
import { encodeTail } from '../../src/proof/rows/tail.js'
import { decodeMessage, encodeMessage } from '../../src/session/index.js'
import { contradictionOf, decodeEvidence, encodeEvidence, feedForkOf, invalidBundleOf } from '../../src/store/index.js'
import { decodeAnnouncement, encodeAnnouncement } from '../../src/wire/announcement.js'
import { delegation, make } from '../net/announcements.js'
import { contextOf, honestBundle, kernel, makeAdapter, OWNER_SECRET, register, seeded } from '../proof/fixture.js'
import { messageArbitrary } from './protobuf.js'
import { mutated } from './mutations.js'
import { readSchema } from './schema.js'

export interface Target {
  readonly name: string
  /** Its part of all cases. */
  readonly share: number
  readonly cases: fc.Arbitrary<Uint8Array>
  /** Decodes, and encodes what came of it. @throws for what is refused */
  readonly again: (bytes: Uint8Array) => Uint8Array
  /** Bytes that it may take whatever the message is; default 256 KiB. */
  readonly fixed?: number
  /** Errors that are allowed beside those that any peer can cause. */
  readonly alsoAllowed?: readonly string[]
}

const schemas = { session: readSchema('protocols/session/session.proto'), fetch: readSchema('protocols/fetch/fetch.proto') }

/** Half of the cases from the schema, half made of accepted ones, which the schema's own draws provide. */
function ofSchema(schema: keyof typeof schemas, type: string, again: Target['again']): fc.Arbitrary<Uint8Array> {
  const drawn = messageArbitrary(schemas[schema], schemas[schema].get(type)!)
  const accepted = fc.sample(drawn, { numRuns: 400, seed: 6 }).filter(bytes => {
    try {
      again(bytes)
      return bytes.length > 0
    } catch {
      return false
    }
  })
  if (accepted.length < 3) throw new Error(`of 400 draws of ${type} only ${accepted.length} are accepted: look at the generator`)
  return fc.oneof(drawn, mutated(accepted))
}

function fromSchema(schema: keyof typeof schemas, type: string, share: number, again: Target['again']): Target {
  return { name: `${schema} ${type}`, share, again, cases: ofSchema(schema, type, again) }
}

// A small adapter, so that cases are many.
const SHAPES = [
  {
    dIn: 9,
    modules: [
      { dOut: 3, rank: 1 },
      { dOut: 2, rank: 2 }
    ]
  },
  { dIn: 4, modules: [{ dOut: 2, rank: 1 }] }
]
const { adapter, manifest } = register('fuzz', makeAdapter('fuzz', SHAPES))
const shown = honestBundle(adapter, 'fuzz', { groups: [0, 1] })
const bundles = [
  shown.bundle,
  honestBundle(adapter, 'fuzz later', { groups: [0, 0, 1, 0, 0, 1], first: 3, publicAtStart: new Uint8Array(32).fill(1) }).bundle,
  honestBundle(adapter, 'fuzz one', { groups: [1] }).bundle
]
const file = encodeProofFile({ manifest: manifest.bytes, bundles: bundles.slice(0, 1) })
const { session } = decodeBundle(shown.bundle, manifest).statement
const rowFiles = shown.rows.map(row => encodeRowFile({ opening: openRow({ ...row, session, rows: shown.rows }), proofFile: file }))
const signed = signDelegation(OWNER_SECRET, { adapter: manifest.id, key: new Uint8Array(32).fill(9), expiry: 2n ** 40n, share: 7n })
const announcements = [
  make(),
  make({ user: null }),
  make({ change: { delegation: delegation(), index: 7n, previous: new Uint8Array(32).fill(8) } })
]
const contexts = [contextOf(adapter), contextOf(adapter, { delegation: signed }), contextOf(adapter, { groups: [1] })].map(encodeContext)

const tails = bundles.map(bytes => decodeBundle(bytes, manifest).statement.contributorTail)
const evidence = [
  feedForkOf(announcements[0]!, make({ statement: { length: 77 } }))!,
  ...[undefined, signed].map(delegated => {
    const pair = [tails[0]!, { ...tails[0]!, publicHash: new Uint8Array(32) }]
    return contradictionOf(contextOf(adapter, { delegation: delegated }), new Uint8Array(32).fill(9), pair)!
  }),
  invalidBundleOf(announcements[0]!, new Uint8Array(100), new Uint8Array(100))
]

function manifestAgain(bytes: Uint8Array): Uint8Array {
  const { groups, activationBits, weightBits, certificates, ...given } = decodeManifest(bytes)
  const commitments = groups.flatMap(({ modules }) => modules)
  return encodeManifest(encodeBody({ ...given, shape: { activationBits, weightBits, groups }, commitments } as never), certificates)
}

function bundleAgain(bytes: Uint8Array): Uint8Array {
  const { statement, proof } = decodeBundle(bytes, manifest)
  const tails = concat([encodeTail(statement.userTail), encodeTail(statement.contributorTail)])
  const contextBytes = encodeContext(statement.context)
  return encodeBundle({ ...statement, contextBytes }, { pattern: encodePattern(statement.rows), tails }, proof)
}

/** What verification computes with: generators, tables and sums of points, bounded by the format's widths. */
const COMPUTING = 2 ** 24

/** For bytes of which only the unchanged ones are valid: that others pass shows as another encoding. */
function onlyThese(valid: readonly Uint8Array[], check: (bytes: Uint8Array) => void): Target['again'] {
  return bytes => {
    check(bytes)
    return valid.find(each => Buffer.compare(each, bytes) === 0) ?? new Uint8Array(0)
  }
}

const random = seeded('fuzz verifier')

export const TARGETS: readonly Target[] = [
  fromSchema('session', 'SessionMessage', 6500, bytes => {
    const { kind, value } = decodeMessage(bytes)
    return encodeMessage({ [kind]: value })
  }),
  fromSchema('fetch', 'FetchRequest', 2500, bytes => encodeRequest(decodeRequest(bytes))),
  fromSchema('fetch', 'FetchHeader', 500, bytes => {
    const { status, length } = decodeHeader(bytes)
    return encodeHeader(status, length)
  }),
  fromSchema('fetch', 'Announcements', 1000, bytes => encodeAnnouncements(decodeAnnouncements(bytes))),
  fromSchema('fetch', 'Catalogue', 1000, bytes => encodeCatalogue(decodeCatalogue(bytes))),
  {
    name: 'announcement',
    share: 2000,
    cases: mutated(announcements.map(({ bytes }) => bytes)),
    again: bytes => encodeAnnouncement(decodeAnnouncement(bytes)),
    // protocols/announce: another version is not known, and not malformed.
    alsoAllowed: ['UnsupportedError']
  },
  {
    name: 'evidence',
    share: 500,
    cases: mutated(evidence),
    again: bytes => encodeEvidence(decodeEvidence(bytes)),
    alsoAllowed: ['UnsupportedError']
  },
  { name: 'context', share: 1000, cases: mutated(contexts), again: bytes => encodeContext(decodeContext(bytes)) },
  {
    name: 'delegation',
    share: 300,
    cases: mutated([encodeDelegation(signed)]),
    again: bytes => encodeDelegation(decodeDelegation(bytes))
  },
  { name: 'manifest', share: 1500, cases: mutated([manifest.bytes]), again: manifestAgain },
  { name: 'bundle', share: 1500, cases: mutated(bundles), again: bundleAgain },
  { name: 'proof file', share: 700, cases: mutated([file]), again: bytes => encodeProofFile(decodeProofFile(bytes)) },
  {
    name: 'row file',
    share: 300,
    cases: mutated(rowFiles),
    again: bytes => {
      const { opening, ...proof } = decodeRowFile(bytes)
      return encodeRowFile({ opening, proofFile: encodeProofFile(proof) })
    }
  },
  {
    name: 'verification of a shown row',
    share: 200,
    fixed: COMPUTING,
    cases: mutated(rowFiles),
    again: onlyThese(rowFiles, bytes => {
      const decoded = decodeRowFile(bytes)
      const verified = verifyManifest({ kernel, manifest: decodeManifest(decoded.manifest), random })
      openedRow(kernel, verifyBundles({ kernel, manifest: verified, bundles: decoded.bundles, random }), decoded.opening)
    })
  },
  {
    name: 'verification of a bundle',
    share: 300,
    fixed: COMPUTING,
    cases: mutated(bundles),
    again: onlyThese(bundles, bundle => verify({ kernel, manifest, bundle, random }))
  },
  {
    name: 'verification of a manifest',
    share: 200,
    fixed: COMPUTING,
    cases: mutated([manifest.bytes]),
    again: onlyThese([manifest.bytes], bytes => verifyManifest({ kernel, manifest: decodeManifest(bytes), random }))
  }
]
