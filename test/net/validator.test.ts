import test, { type ExecutionContext } from 'ava'
import { concat, toHex, utf8 } from '../../src/bytes.js'
import { NET_LIMITS } from '../../src/limits.js'
import { TOPICS, topicOf } from '../../src/net/announce/topics.js'
import {
  AnnouncementValidator,
  type AnnouncementView,
  type IgnoreReason,
  type Outcome,
  peersOfHolder,
  type RejectReason
} from '../../src/net/announce/validator.js'
import { publicKeyOf } from '../../src/proof/index.js'
import { openAnnouncement } from '../../src/store/index.js'
import { encodeAnnouncement } from '../../src/wire/announcement.js'
import {
  bytes32,
  CONTRIBUTOR,
  delegation,
  flipped,
  HOLDER,
  make,
  type MakeOptions,
  NOW,
  OWNER,
  signAnnouncement,
  unsigned
} from './announcements.js'

const TOPIC = topicOf(bytes32(0x5a))

/** No bound on adapters whose manifest is not here: row 8 has its own test. */
const STRANGERS_WELCOME = { unknownAdapterAnnouncements: Infinity, unknownAdapterFeedInterval: 0 }

/** A validator over a store that knows what is told, with a clock that stands still. */
function validator(view: Partial<AnnouncementView> = {}, limits = {}) {
  const clock = { now: NOW }
  const of: AnnouncementView = { hasAnnouncement: async () => false, ownerOf: async () => undefined, ...view }
  return { clock, validator: new AnnouncementValidator(of, () => clock.now, { ...STRANGERS_WELCOME, ...limits }) }
}

async function result(
  bytes: Uint8Array,
  { topic = TOPIC, view = {} }: { topic?: string; view?: Partial<AnnouncementView> } = {}
): Promise<Outcome> {
  return validator(view).validator.validate('peer', topic, bytes)
}

interface Options {
  readonly topic?: string
  readonly view?: Partial<AnnouncementView>
}

const rejects = test.macro(async (t: ExecutionContext, reason: RejectReason, bytes: () => Uint8Array, options: Options = {}) => {
  const outcome = await result(bytes(), options)
  t.is(outcome.result, 'reject')
  t.is(outcome.result === 'reject' && outcome.reason, reason)
})

const ignores = test.macro(async (t: ExecutionContext, reason: IgnoreReason, bytes: () => Uint8Array, options: Options = {}) => {
  t.deepEqual(await result(bytes(), options), { result: 'ignore', reason })
})

const accepts = test.macro(async (t: ExecutionContext, bytes: () => Uint8Array) => {
  t.is((await result(bytes())).result, 'accept')
})

test('an announcement signed by both passes', accepts, () => make().bytes)
test('an announcement without the user passes', accepts, () => make({ user: null }).bytes)
test('an announcement of a delegate passes', accepts, () => make({ change: { delegation: delegation() } }).bytes)

// Row 5
const ownedBy = (seed: Uint8Array): Options => ({ view: { ownerOf: async () => toHex(publicKeyOf(seed)) } })
test(
  "a stranger's announcement of a known adapter is ignored before its signatures cost anything",
  ignores,
  'owner',
  () => flipped(make().bytes, 180),
  ownedBy(OWNER)
)
test("the owner's announcement of a known adapter passes", async t => {
  t.is((await result(make().bytes, ownedBy(CONTRIBUTOR))).result, 'accept')
  t.is((await result(make({ change: { delegation: delegation() } }).bytes, ownedBy(OWNER))).result, 'accept')
})

// Row 1
test('more than 640 bytes are rejected', rejects, 'layout', () => concat([make().bytes, new Uint8Array(640)]))
test('a truncated announcement is rejected', rejects, 'layout', () => make().bytes.subarray(0, 300))
test('a trailing byte is rejected', rejects, 'layout', () => concat([make().bytes, Uint8Array.of(0)]))
test('an unknown version is ignored', ignores, 'version', () => concat([Uint8Array.of(2), make().bytes.subarray(1)]))
test('an unknown version is ignored, however long it is', ignores, 'version', () => new Uint8Array(2000).fill(2))
test('an empty message is rejected', rejects, 'layout', () => new Uint8Array(0))
test('a bundle of 0 bytes is rejected', rejects, 'layout', () => make0({ statement: { length: 0 } }))
test('no previous hash above index 0 is rejected', rejects, 'layout', () => make0({ change: { index: 1n } }))
test('a delegation of the owner to its own key is rejected', rejects, 'layout', () =>
  make0({ change: { delegation: { ...delegation(), owner: unsigned().statement.contributorKey } } })
)
test('a statement without rows is rejected', rejects, 'layout', () => make0({ statement: { start: 4, end: 4 } }))
test('a statement of too many rows is rejected', rejects, 'layout', () => make0({ statement: { end: 65_537 } }))
test('a bundle above 4 MiB is rejected', rejects, 'layout', () => make0({ statement: { length: 4 * 1024 * 1024 + 1 } }))
test('a previous hash at index 0 is rejected', rejects, 'layout', () => make0({ change: { previous: bytes32(1) } }))
test('a contributor key above the prime is rejected', rejects, 'form', () => make0({ statement: { contributorKey: bytes32(0xff) } }))
test('a user key above the prime is rejected', rejects, 'form', () => make0({ statement: { userKey: bytes32(0xff) } }))
test('an owner key above the prime is rejected', rejects, 'form', () =>
  make0({ change: { delegation: { ...delegation(), owner: bytes32(0xff) } } })
)
test('a receipt with S above the order is rejected', rejects, 'form', () => make0({ change: { receipt: new Uint8Array(64).fill(0x7f) } }))
for (const [what, holder] of [
  ['of another hash', [0x13, 0x01, 0x00]],
  ['of 31 bytes of SHA2-256', [0x12, 31, ...bytes32(1).subarray(1)]],
  ['longer than it says', [0x00, 2, 1, 2, 3]],
  ['without a byte of key', [0x00, 0]],
  ['of one byte', [0x00]]
] as const) {
  test(`a holder ${what} is rejected`, rejects, 'layout', () => make0({ change: { holder: Uint8Array.from(holder) } }))
}
test('a holder whose inlined bytes are no key passes, and is nobody to ask', async t => {
  const holder = Uint8Array.of(0, 3, 1, 2, 3)
  t.is((await result(make0({ change: { holder } }))).result, 'accept')
  t.deepEqual(peersOfHolder(holder), [])
  t.deepEqual(peersOfHolder(Uint8Array.of(0, 8, ...utf8('http://a'))), [])
  t.is(peersOfHolder(HOLDER).length, 1)
})
// Row 2
test('another topic than the base model’s is rejected', rejects, 'topic', () => make().bytes, { topic: TOPICS[6]! })
// Row 3
test('eleven minutes ago is ignored', ignores, 'clock', () => make({ change: { time: BigInt(NOW - 660_000) } }).bytes)
test('eleven minutes ahead is ignored', ignores, 'clock', () => make({ change: { time: BigInt(NOW + 660_000) } }).bytes)
test('ten minutes ago passes', accepts, () => make({ change: { time: BigInt(NOW - 600_000) } }).bytes)
test('ten minutes and a millisecond ago is ignored', ignores, 'clock', () => make({ change: { time: BigInt(NOW - 600_001) } }).bytes)
// Row 4
test('what is kept already is ignored', ignores, 'seen', () => make().bytes, { view: { hasAnnouncement: async () => true } })
// Row 7
test('a changed root is rejected', rejects, 'signature', () => flipped(make().bytes, 180))
test('the receipt of another statement is rejected', rejects, 'signature', () => {
  const { receipt } = unsigned({ statement: { root: bytes32(9) } })
  return make0({ change: { receipt } })
})
test('a delegation for another key is rejected', rejects, 'signature', () =>
  make0({ change: { delegation: delegation({ key: bytes32(1) }) } })
)
test(
  'a delegation in its last second passes',
  accepts,
  () => make({ change: { time: BigInt(NOW + 999), delegation: delegation({ expiry: BigInt(NOW / 1000) }) } }).bytes
)
test('a delegation that never ends passes', accepts, () => make({ change: { delegation: delegation({ expiry: 2n ** 64n - 1n }) } }).bytes)
test('a delegation that is over is rejected', rejects, 'signature', () =>
  make0({ change: { delegation: delegation({ expiry: BigInt(NOW / 1000) - 1n }) } })
)
test('an announcement without the user’s receipt that had one is rejected', rejects, 'signature', () => {
  return encodeAnnouncement({ ...make().announcement, receipt: null })
})

/** Signed by the contributor as it stands, whatever is wrong in it. */
function make0(options: MakeOptions): Uint8Array {
  return signAnnouncement(unsigned(options))
}

test('two copies that arrive at once pass once', async t => {
  const { validator: it } = validator()
  const { bytes } = make()
  const outcomes = await Promise.all([it.validate('a', TOPIC, bytes), it.validate('b', TOPIC, bytes)])
  t.deepEqual(outcomes.map(({ result }) => result).sort(), ['accept', 'ignore'])
})

/** Of one feed, each another announcement. */
const nth = (n: number, options: MakeOptions = {}): Uint8Array =>
  make({ ...options, user: null, statement: { end: n + 1, ...options.statement } }).bytes

test('the 31st announcement of a feed within a minute is ignored, and the next minute is another', async t => {
  const { validator: it, clock } = validator({}, { gossipSignatures: 1000 })
  for (let n = 0; n < NET_LIMITS.announcementsPerFeed; n++) t.is((await it.validate('peer', TOPIC, nth(n))).result, 'accept')
  t.deepEqual(await it.validate('peer', TOPIC, nth(30)), { result: 'ignore', reason: 'feed rate' })
  clock.now += 60_001
  t.is((await it.validate('peer', TOPIC, nth(30))).result, 'accept')
})

test('the 61st announcement of an owner within a minute is ignored, whatever the feed and whichever replica', async t => {
  const { validator: it, clock } = validator({}, { gossipSignatures: 1000 })
  const of = (n: number, { byOwner = n % 2 === 0, time = NOW } = {}): Promise<Outcome> => {
    const adapter = bytes32(n)
    const signed = byOwner ? { contributor: OWNER } : { change: { delegation: delegation({ adapter }), time: BigInt(time) } }
    return it.validate('peer', TOPIC, nth(0, { ...signed, statement: { adapter } }))
  }
  for (let n = 0; n < NET_LIMITS.announcementsPerOwner; n++) t.is((await of(n)).result, 'accept')
  t.deepEqual(await of(60), { result: 'ignore', reason: 'owner rate' })
  t.deepEqual(await of(61), { result: 'ignore', reason: 'owner rate' })
  // The replica in its own name is another owner.
  t.is((await it.validate('peer', TOPIC, nth(0, { statement: { adapter: bytes32(61) } }))).result, 'accept')
  clock.now += 60_001
  t.is((await of(61, { time: clock.now })).result, 'accept')
})

test('what is rejected does not use up the feed’s rate, but the checks of the peer that brought it', async t => {
  const { validator: it, clock } = validator()
  for (let n = 0; n < NET_LIMITS.gossipSignaturesPerPeer; n++)
    t.is((await it.validate('liar', TOPIC, flipped(nth(n), 180))).result, 'reject')
  t.deepEqual(await it.validate('liar', TOPIC, nth(0)), { result: 'ignore', reason: 'signature checks of the peer' })
  t.is((await it.validate('honest', TOPIC, nth(0))).result, 'accept')
  clock.now += 1000
  t.is((await it.validate('liar', TOPIC, nth(1))).result, 'accept')
})

test('what is accepted is not held against the peer that brought it', async t => {
  const { validator: it } = validator({}, { gossipSignaturesPerPeer: 1 })
  for (let n = 0; n < 5; n++) t.is((await it.validate('peer', TOPIC, nth(n))).result, 'accept')
})

test('the 51st signature check of a second is not made', async t => {
  const { validator: it, clock } = validator()
  // Two signatures each, of as many peers and feeds: nothing else is at its bound.
  const of = (n: number): Promise<Outcome> =>
    it.validate(`peer ${n}`, TOPIC, make({ statement: { end: n + 1, adapter: bytes32(n) } }).bytes)
  for (let n = 0; n < NET_LIMITS.gossipSignatures / 2; n++) t.is((await of(n)).result, 'accept')
  t.deepEqual(await of(50), { result: 'ignore', reason: 'signature checks' })
  clock.now += 1000
  t.is((await of(50)).result, 'accept')
})

// Row 8
test('of adapters without a verified manifest two a second pass, and one in ten seconds of a feed', async t => {
  const { validator: it, clock } = validator({}, NET_LIMITS)
  const of = (adapter: number, n = 0): Promise<Outcome> => it.validate('peer', TOPIC, nth(n, { statement: { adapter: bytes32(adapter) } }))
  t.is((await of(1)).result, 'accept')
  t.deepEqual(await of(1, 1), { result: 'ignore', reason: 'unknown adapter of the feed' })
  t.is((await of(2)).result, 'accept')
  t.deepEqual(await of(3), { result: 'ignore', reason: 'unknown adapters' })
  clock.now += 1001
  t.is((await of(3)).result, 'accept')
  t.deepEqual(await of(1, 1), { result: 'ignore', reason: 'unknown adapter of the feed' })
  clock.now += 9000
  t.is((await of(1, 1)).result, 'accept')
})

test('the publisher’s own check refuses what others would', t => {
  const { validator: it, clock } = validator()
  t.notThrows(() => it.checkOwn(make()))
  t.throws(() => it.checkOwn(openAnnouncement(make0({ statement: { userKey: bytes32(0xff) } }))), {
    name: 'InvalidProofError',
    message: /not an Ed25519 key/
  })
  t.throws(() => it.checkOwn(openAnnouncement(flipped(make().bytes, 180))), { name: 'InvalidProofError', message: /signature/ })
  clock.now += 660_000
  t.throws(() => it.checkOwn(make()), { name: 'InvalidProofError', message: /clock/ })
})

test('hashes of accepted announcements are forgotten after the seen time', async t => {
  const { validator: it, clock } = validator({}, { gossipSeenTtl: 1000 })
  t.is((await it.validate('peer', TOPIC, nth(0))).result, 'accept')
  t.deepEqual(await it.validate('peer', TOPIC, nth(0)), { result: 'ignore', reason: 'seen' })
  clock.now += 1001
  t.is((await it.validate('peer', TOPIC, nth(1))).result, 'accept')
  // The store would know the first by now; the validator's memory does not.
  t.is((await it.validate('peer', TOPIC, nth(0))).result, 'accept')
})
