/** Inputs of protocols/evidence/vectors.json: contradictions of the owner and the replica of the pages before. */
import { compare, concat, fromHex, toHex, u32, u8 } from '../../../src/bytes.js'
import { hash } from '../../../src/kernel/index.js'
import { decodeContext, encodeContext, publicKeyOf, sessionId, signDelegation, signTail, type TailBody } from '../../../src/proof/index.js'
import { hexed, ref } from '../case.js'
import type { JsonEvidence } from '../evidence.js'
import { delegation, identifier, manifest, owner, replica, replicaKey, SMALL } from './adapter.js'
import { announced, first, ofReplicaStatement, own } from './announce.js'
import { bundleContexts, bundles, replicaBundle, user } from './bundle.js'
import { drawer, type Named } from './draw.js'

const { hex, random } = drawer('evidence')
const ownerKey = toHex(publicKeyOf(fromHex(owner)))
const inOrder = (one: string, other: string): [string, string] => (compare(fromHex(one), fromHex(other)) < 0 ? [one, other] : [other, one])

// Feeds

const { bytesOf, ofReplica, told } = announced
const otherDigest = (): { statement: typeof own } => ({ statement: { ...own, digest: hex() } })
const fork = bytesOf(otherDigest())
const replicas = [bytesOf({}, ofReplica), bytesOf({ time: '1700000000001' }, ofReplica)] as const
const stranger = hex()

const feeds = (...announcements: [string, string]): JsonEvidence => ({ kind: 1, announcements })

const FEEDS: Readonly<Record<string, JsonEvidence>> = {
  'two announcements of one index': feeds(...inOrder(first.announcement, fork)),
  'one with the receipt and one without': feeds(...inOrder(first.announcement, bytesOf({ userSeed: undefined }))),
  'two announcements of a replica': feeds(...inOrder(...replicas))
}

const NO_FEEDS: Readonly<Record<string, JsonEvidence>> = {
  'one announcement twice': feeds(first.announcement, first.announcement),
  'not in order': feeds(...(inOrder(first.announcement, fork).reverse() as [string, string])),
  'two indices': feeds(...inOrder(first.announcement, bytesOf({ ...otherDigest(), index: '1', previous: first.hash }))),
  'two adapters': feeds(...inOrder(first.announcement, bytesOf({ statement: { ...own, adapter: hex() } }))),
  'two contributor keys': feeds(...inOrder(first.announcement, replicas[0])),
  'one signed by somebody else': feeds(...inOrder(first.announcement, bytesOf({ ...otherDigest(), contributorSeed: stranger }))),
  'a receipt of another key': feeds(...inOrder(first.announcement, bytesOf({ ...otherDigest(), userSeed: stranger }))),
  'a delegation that was over': feeds(...inOrder(replicas[0], bytesOf({ time: '1900000000000' }, ofReplica)))
}

// Sessions

const context = decodeContext(fromHex(bundleContexts.whole))
const ofReplicaContext = decodeContext(fromHex(bundleContexts.replica))
const session = sessionId(context)

function tail(body: Partial<TailBody>, by: { seed?: string; role?: 'user' | 'contributor'; session?: Uint8Array } = {}): string {
  const { seed = owner, role = 'contributor', session: of = session } = by
  const whole = { rows: 20, accepted: 10, closed: false, publicHash: fixed[0]!, privateHash: fixed[1]!, ...body }
  const { rows, accepted, closed, publicHash, privateHash, signature } = signTail({
    secretKey: fromHex(seed),
    role,
    session: of,
    tail: whole
  })
  return toHex(concat([u32(rows), u32(accepted), u8(Number(closed)), publicHash, privateHash, signature]))
}

const fixed = [random(32), random(32), random(32)] as const
const other = { publicHash: fixed[2] }
const ofSession = (kind: 2 | 3, tails: [string, string], change: { context?: string; owner?: string } = {}): JsonEvidence => ({
  ...{ kind, context: bundleContexts.whole, tails },
  ...change
})
const byReplica = { seed: replica, session: sessionId(ofReplicaContext) }
const replicaTails: [string, string] = [tail({ closed: true }, byReplica), tail({ accepted: 11 }, byReplica)]
const named = { context: bundleContexts.replica, owner: ownerKey }
const over = signDelegation(fromHex(owner), {
  adapter: fromHex(identifier),
  key: replicaKey,
  expiry: ofReplicaContext.started - 1n,
  share: delegation.share
})
const overContext = { ...ofReplicaContext, delegation: over }
const byOver = { seed: replica, session: sessionId(overContext) }
const longContext = { ...context, groups: Array.from({ length: 512 }, (_, g) => g) }
const ofLong = { session: sessionId(longContext) }

const SESSIONS: Readonly<Record<string, JsonEvidence>> = {
  'two public hashes of one count': ofSession(2, inOrder(tail({}), tail(other))),
  'two public hashes, closed and not': ofSession(2, inOrder(tail({ closed: true }), tail({ ...other, rows: 30 }))),
  'rows after closing': ofSession(3, [tail({ closed: true }), tail({ accepted: 11 })]),
  'rows after closing, of a replica': ofSession(3, replicaTails, named),
  'two public hashes in a session of 512 groups': ofSession(2, inOrder(tail({}, ofLong), tail(other, ofLong)), {
    context: toHex(encodeContext(longContext))
  })
}

const NO_SESSIONS: Readonly<Record<string, JsonEvidence>> = {
  'one tail twice': ofSession(2, [tail({}), tail({})]),
  'tails not in order': ofSession(2, inOrder(tail({}), tail(other)).reverse() as [string, string]),
  'two private hashes alone': ofSession(2, inOrder(tail({}), tail({ privateHash: fixed[2] }))),
  'two counts of rows answered alone': ofSession(2, inOrder(tail({}), tail({ rows: 21 }))),
  'two counts': ofSession(2, inOrder(tail({}), tail({ ...other, accepted: 11 }))),
  "a user's tails": ofSession(2, inOrder(tail({}, { seed: user, role: 'user' }), tail(other, { seed: user, role: 'user' }))),
  "the user's role": ofSession(2, inOrder(tail({}), tail(other, { role: 'user' }))),
  'a tail of another session': ofSession(2, inOrder(tail({}), tail(other, { session: fixed[0] }))),
  'a tail of another key': ofSession(2, inOrder(tail({}), tail(other, { seed: stranger }))),
  'more rows before closing': ofSession(3, [tail({}), tail({ accepted: 11 })]),
  'as many rows after closing': ofSession(3, [tail({ closed: true }), tail({})]),
  'fewer rows after closing': ofSession(3, [tail({ closed: true }), tail({ accepted: 9 })]),
  'another owner': ofSession(3, replicaTails, { ...named, owner: toHex(publicKeyOf(fromHex(stranger))) }),
  'no owner': ofSession(3, replicaTails, { context: bundleContexts.replica }),
  'an owner where none delegated': ofSession(2, inOrder(tail({}), tail(other)), { owner: ownerKey }),
  'a delegation that was over before': ofSession(3, [tail({ closed: true }, byOver), tail({ accepted: 11 }, byOver)], {
    context: toHex(encodeContext(overContext)),
    owner: ownerKey
  })
}

// Bundles

const flip = (bytes: string, at: number): string => {
  const changed = fromHex(bytes)
  changed[at < 0 ? changed.length + at : at]! ^= 1
  return toHex(changed)
}
const digestOf = (bundle: string): string => toHex(hash('zklora/v1/bundle', fromHex(bundle)))
const broken = flip(bundles.whole, -1)
const cut = bundles.whole.slice(0, -2)
const newer = `02${bundles.whole.slice(2)}`
const brokenReplica = flip(replicaBundle, -1)
const tiny = ref('manifest of three modules in two groups', 'output', 'manifest')
const ofBundle = (change: Partial<typeof own>, bundle: string, manifestOf: unknown = tiny): JsonEvidence => ({
  ...{ kind: 4, announcement: bytesOf({ statement: { ...own, ...change } }), bundle },
  manifest: manifestOf as string
})
const announcing = (bundle: string): Partial<typeof own> => ({ digest: digestOf(bundle), length: bundle.length / 2 })

const BUNDLES: Readonly<Record<string, JsonEvidence>> = {
  'a bundle with a changed scalar': ofBundle(announcing(broken), broken),
  'a bundle that lacks a byte': ofBundle(announcing(cut), cut),
  'an announcement that tells another root': ofBundle({ root: hex() }, bundles.whole),
  'an announcement that tells another length': ofBundle({ length: own.length + 1 }, bundles.whole),
  'a changed bundle of a replica': {
    ...{ kind: 4, manifest: tiny as unknown as string, bundle: brokenReplica },
    announcement: bytesOf({ statement: { ...ofReplicaStatement, ...announcing(brokenReplica) }, delegation: told }, ofReplica)
  },
  'what a key that nobody delegated to announces': {
    ...{ kind: 4, manifest: tiny as unknown as string, bundle: bundles.whole },
    announcement: bytesOf({
      statement: { ...own, contributorKey: toHex(publicKeyOf(fromHex(stranger))) },
      contributorSeed: stranger
    })
  }
}

const NO_BUNDLES: Readonly<Record<string, JsonEvidence>> = {
  'a bundle that verifies': ofBundle({}, bundles.whole),
  'an announcement ten minutes older than its session': {
    ...{ kind: 4, manifest: tiny as unknown as string, bundle: bundles.whole },
    announcement: bytesOf({ time: '1699999399999' })
  },
  'another bundle than announced': ofBundle({}, broken),
  'the manifest of another adapter': ofBundle(announcing(broken), broken, ref(SMALL!, 'output', 'manifest')),
  'a manifest that does not verify': ofBundle(announcing(broken), broken, flip(manifest, -1)),
  'a manifest that does not decode': ofBundle(announcing(broken), broken, manifest.slice(0, -2)),
  'a bundle of a later version': ofBundle(announcing(newer), newer),
  'an announcement that its key has not signed': {
    ...{ kind: 4, manifest: tiny as unknown as string, bundle: broken },
    announcement: bytesOf({ statement: { ...own, ...announcing(broken) }, contributorSeed: stranger })
  }
}

const cases = (title: string, of: Readonly<Record<string, JsonEvidence>>): Named[] =>
  Object.entries(of).map(([name, input]): Named => ['evidence', `${title}: ${name}`, hexed(input)])

const FORKED = ref('evidence: two announcements of one index', 'output', 'evidence')

export const EVIDENCE_CASES: readonly Named[] = [
  ...cases('evidence', { ...FEEDS, ...SESSIONS, ...BUNDLES }),
  ...cases('no evidence', { ...NO_FEEDS, ...NO_SESSIONS, ...NO_BUNDLES }),
  ['evidenceBytes', 'evidence read', { evidence: FORKED, change: {} }],
  ...Object.entries({
    'version 2': { xor: [0, 3] },
    'kind 5': { xor: [1, 4] },
    'kind 0': { xor: [1, 1] },
    'a byte behind it': { append: '00' },
    'cut by a byte': { cut: first.announcement.length / 2 + fork.length / 2 + 5 },
    'no byte': { cut: 0 },
    'an announcement of 641 bytes': { cut: 2, append: '8102' },
    'a length beyond its end': { cut: 2, append: '8002' }
  }).map(([name, change]): Named => ['evidenceBytes', `evidence changed: ${name}`, { evidence: FORKED, change }]),
  [
    'evidenceBytes',
    'evidence changed: a flag closed that is 2',
    {
      evidence: ref('evidence: rows after closing', 'output', 'evidence'),
      change: { xor: [2 + 2 + bundleContexts.whole.length / 2 + 8, 3] }
    }
  ],
  ['evidenceBytes', 'evidence changed: a context of 2,049 bytes', { evidence: '01020108', change: {} }],
  ['evidenceBytes', 'evidence changed: a manifest above 16 MiB', { evidence: '0104000001000001', change: {} }],
  ['evidenceBytes', 'evidence changed: a bundle above 4 MiB', { evidence: '010400000000000001004000', change: {} }]
]
