/** Inputs of protocols/announce/vectors.json: announcements of bundles of protocols/bundle/vectors.json. */
import { fromHex, toHex, u32 } from '../../../src/bytes.js'
import { decodeManifest, publicKeyOf, signDelegation, verify, verifyManifest } from '../../../src/proof/index.js'
import { statementOf } from '../../network/bundles.js'
import { kernel, seeded } from '../../proof/fixture.js'
import { ANNOUNCE, announcementOf, type JsonAnnouncement, type JsonStatement } from '../announce.js'
import { evaluate, hexed, ref } from '../case.js'
import { delegation, identifier, manifest, owner, replica, replicaKey } from './adapter.js'
import { bundles, replicaBundle, user, WHOLE } from './bundle.js'
import { drawer, type Named } from './draw.js'

const { hex } = drawer('announce')
const ownerKey = publicKeyOf(fromHex(owner))
const verified = verifyManifest({ kernel, manifest: decodeManifest(fromHex(manifest)), random: seeded('vectors') })
const statement = (bundle: string): JsonStatement =>
  hexed(statementOf(verify({ kernel, manifest: verified, bundle: fromHex(bundle), random: seeded('vectors') }))) as JsonStatement
export const [own, ofReplicaStatement] = [statement(bundles.whole), statement(replicaBundle)]
const zeros = '00'.repeat(32)
const holder = `1220${hex()}`
const inlined = `002408011220${hex()}`
const time = '1700000000000'

const announcement: JsonAnnouncement = { statement: own, userSeed: user, contributorSeed: owner, time, index: '0', previous: zeros, holder }
const told = hexed({ owner: ownerKey, ...delegation }) as JsonAnnouncement['delegation']
const ofReplica: JsonAnnouncement = {
  ...announcement,
  statement: ofReplicaStatement,
  contributorSeed: replica,
  delegation: told!,
  holder: inlined
}
const made = (input: JsonAnnouncement) =>
  evaluate(ANNOUNCE, { kind: 'announcement', input }).output as { announcement: string; hash: string }
/** Signed as it stands, whatever is wrong in it. */
const bytesOf = (change: Partial<JsonAnnouncement>, of = announcement): string => toHex(announcementOf({ ...of, ...change }))
export const first = made(announcement)
/** An announcement of a replica: of another feed. */
export const replicated = made(ofReplica).announcement
/** For protocols/evidence. */
export const announced = { bytesOf, ofReplica, told: told! }
const next = (change: Partial<JsonAnnouncement> = {}): string =>
  bytesOf({ statement: { ...own, digest: hex() }, index: '1', previous: first.hash, time: '1700000000001', ...change })
const short = signDelegation(fromHex(owner), { adapter: fromHex(identifier), key: replicaKey, expiry: 1_700_000_000n, share: 4096n })
const shortDelegation = hexed({ owner: ownerKey, ...short }) as NonNullable<JsonAnnouncement['delegation']>
const toItself = signDelegation(fromHex(owner), { adapter: fromHex(identifier), key: ownerKey, expiry: 1_800_000_000n, share: 1n })
const stranger = hex()

const REFUSED: Readonly<Record<string, string>> = {
  's and e are equal': bytesOf({ statement: { ...own, start: own.end } }),
  'more than 65,536 rows': bytesOf({ statement: { ...own, end: 65_537 } }),
  'a bundle of 0 bytes': bytesOf({ statement: { ...own, length: 0 } }),
  'a bundle above 4 MiB': bytesOf({ statement: { ...own, length: 4 * 1024 * 1024 + 1 } }),
  'index 0 with one before it': bytesOf({ previous: hex() }),
  'index 1 with none before it': bytesOf({ index: '1' }),
  'a holder of 0 bytes': bytesOf({ holder: '' }),
  'a holder of 43 bytes': bytesOf({ holder: `0029${'01'.repeat(41)}` }),
  'a holder with another hash': bytesOf({ holder: `1320${hex()}` }),
  'a holder whose length is not its own': bytesOf({ holder: `1220${hex(31)}` }),
  'a delegation of the owner to its own key': bytesOf({ delegation: hexed({ owner: ownerKey, ...toItself }) as typeof told }),
  'the signature of another key': bytesOf({ contributorSeed: stranger }),
  'the receipt of another key': bytesOf({ userSeed: stranger }),
  'a delegation of another owner': bytesOf({ delegation: { ...told!, owner: toHex(publicKeyOf(fromHex(stranger))) } }, ofReplica),
  'a delegation that ended a second before': bytesOf({ delegation: shortDelegation, time: '1700000001000' }, ofReplica)
}

const RIGHT: Readonly<Record<string, string>> = {
  'a delegation in its last millisecond': bytesOf({ delegation: shortDelegation, time: '1700000000999' }, ofReplica),
  'a holder whose inlined bytes are no key': bytesOf({ holder: '0003010203' }),
  'a holder of 42 bytes': bytesOf({ holder: `0028${'01'.repeat(40)}` })
}

const MISFITS: Readonly<Record<string, string>> = {
  'another session': bytesOf({ statement: { ...own, session: hex() } }),
  'another user key': bytesOf({ statement: { ...own, userKey: toHex(publicKeyOf(fromHex(stranger))) }, userSeed: stranger }),
  'another s': bytesOf({ statement: { ...own, start: 1 } }),
  'another e': bytesOf({ statement: { ...own, end: own.end + 1 } }),
  'another public_s': bytesOf({ statement: { ...own, publicStart: hex() } }),
  'another public_e': bytesOf({ statement: { ...own, publicEnd: hex() } }),
  'another root': bytesOf({ statement: { ...own, root: hex() } }),
  'another digest': bytesOf({ statement: { ...own, digest: hex() } }),
  'another length': bytesOf({ statement: { ...own, length: own.length + 1 } }),
  'another adapter': bytesOf({ statement: { ...own, adapter: hex() } }),
  'another base model': bytesOf({ statement: { ...own, base: hex() } }),
  'a replica’s key and delegation for what the owner served': bytesOf({
    statement: { ...own, contributorKey: toHex(replicaKey) },
    ...{ contributorSeed: replica, delegation: told! }
  }),
  'a session that starts more than ten minutes later': bytesOf({ time: '1699999399999' })
}

export const FEEDS: Readonly<Record<string, readonly string[]>> = {
  'of two announcements': [first.announcement, next()],
  'with a time that falls': [first.announcement, next({ time: '1699999999999' })],
  'with another hash before': [first.announcement, next({ previous: hex() })],
  'with a gap': [first.announcement, next({ index: '2' })],
  'with another adapter in it': [first.announcement, next({ statement: { ...own, adapter: hex() } })]
}

const manifestOfTiny = ref('manifest of three modules in two groups', 'output', 'manifest')
const wholeBundle = ref(WHOLE, 'output', 'bundle')

export const ANNOUNCE_CASES: readonly Named[] = [
  ['statement', 'statement of a whole session', own],
  ['receipt', 'receipt', { userSeed: user, statement: ref('statement of a whole session', 'output') }],
  ['announcement', 'announcement with the user’s receipt', announcement],
  ['announcement', 'announcement without receipt', { ...announcement, userSeed: undefined }],
  ['announcement', 'announcement of a replica with delegation and receipt', ofReplica],
  ['announcement', 'announcement of a replica without receipt', { ...ofReplica, userSeed: undefined }],
  [
    'announcementBytes',
    'announcement read',
    { announcement: ref('announcement with the user’s receipt', 'output', 'announcement'), change: {} }
  ],
  ...Object.entries(RIGHT).map(([name, bytes]): Named => [
    'announcementBytes',
    `announcement: ${name}`,
    { announcement: bytes, change: {} }
  ]),
  ...Object.entries(REFUSED).map(([name, bytes]): Named => [
    'announcementBytes',
    `announcement refused: ${name}`,
    { announcement: bytes, change: {} }
  ]),
  ...Object.entries({
    'version 2': { xor: [0, 3] },
    'version 2, longer than 640 bytes': { append: '00'.repeat(640), xor: [0, 3] },
    'longer than 640 bytes': { append: '00'.repeat(640) },
    'a byte behind it': { append: '00' },
    'cut by a byte': { cut: first.announcement.length / 2 - 1 },
    'no byte': { cut: 0 },
    'flag receipt 3': { xor: [301, 2] },
    'a changed root': { xor: [240, 1] }
  }).map(([name, change]): Named => [
    'announcementBytes',
    `announcement changed: ${name}`,
    { announcement: ref('announcement with the user’s receipt', 'output', 'announcement'), change }
  ]),
  [
    'fits',
    'announcement that fits',
    { announcement: ref('announcement with the user’s receipt', 'output', 'announcement'), manifest: manifestOfTiny, bundle: wholeBundle }
  ],
  [
    'fits',
    'announcement of a replica that fits',
    {
      announcement: ref('announcement of a replica without receipt', 'output', 'announcement'),
      manifest: manifestOfTiny,
      bundle: ref('bundle of one zero row of one group, by a replica', 'output', 'bundle')
    }
  ],
  [
    'fits',
    'announcement of a replica with another delegation than the context’s',
    {
      announcement: bytesOf({ delegation: shortDelegation }, ofReplica),
      manifest: manifestOfTiny,
      bundle: ref('bundle of one zero row of one group, by a replica', 'output', 'bundle')
    }
  ],
  [
    'fits',
    'announcement ten minutes before its session',
    { announcement: bytesOf({ time: '1699999400000' }), manifest: manifestOfTiny, bundle: wholeBundle }
  ],
  ...Object.entries(MISFITS).map(([name, bytes]): Named => [
    'fits',
    `announcement that does not fit: ${name}`,
    { announcement: bytes, manifest: manifestOfTiny, bundle: wholeBundle }
  ]),
  ['feed', 'feed', { contributorKey: ownerKey, adapter: identifier }],
  ...Object.entries(FEEDS).map(([name, announcements]): Named => ['feedRange', `feed ${name}`, { announcements, from: '0' }]),
  ['topic', 'topic of a base model', { base: own.base }],
  ['topic', 'topic f', { base: 'f0'.padEnd(64, '0') }],
  ['gossipMessage', 'gossip message identifier', { topic: '/zklora/announce/1/5', data: toHex(u32(7)) }],
  ['dhtKey', 'DHT key of contributors', { for: 'contributor', value: own.base }],
  ['dhtKey', 'DHT key of users', { for: 'user', value: own.base }],
  ['dhtKey', 'DHT key of an adapter', { for: 'adapter', value: identifier }],
  ['dhtKey', 'DHT key of a topic', { for: 'topic', value: '/zklora/announce/1/5' }]
]
