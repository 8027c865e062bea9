/** From an honest session, one message is changed: who is lied to ends the session with the error that names the lie. */
import test from 'ava'
import { InvalidProofError, LimitExceededError, MalformedMessageError, ProtocolViolationError, RefusedError } from '../../src/errors.js'
import { defaultLogger } from '@libp2p/logger'
import { MemoryDatastore } from 'datastore-core'
import { toHex } from '../../src/bytes.js'
import { publicKeyOf, signTail } from '../../src/proof/index.js'
import { Witness } from '../../src/roles/witness.js'
import { checkEvidence, Store } from '../../src/store/index.js'
import { encodeMessage, inlineUserJobs, type Message } from '../../src/session/index.js'
import { integers, kernel, OWNER_SECRET, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, type Pair, type PairOptions, random, serve, type Tamper } from './pair.js'

type Value<K extends Message['kind']> = (Message & { kind: K })['value']
type Failure = Error & { step?: string }

/** Two requests of each group, a batch on the way, and the end. */
async function converse({ user, contributor, registered }: Pair): Promise<void> {
  const served = serve(contributor)
  // Its error is the session's failure, which is looked at.
  served.catch(() => {})
  const inputs = seeded('attack')
  for (const position of [0, 2]) {
    await Promise.all(registered.manifest.groups.map(({ dIn }, g) => user.request(g, position, integers(inputs, 2 * dIn, 32767))))
  }
  await finish(user, inlineUserJobs({ kernel, manifest: registered.manifest, random }))
  await served
}

async function failuresOf(
  tamper: (pair: Pair) => Tamper,
  options: PairOptions = {}
): Promise<{ user: Failure | undefined; contributor: Failure | undefined }> {
  const pair = makePair({ ...options, user: { commitRows: 4, ...options.user } })
  await Promise.all([carryPair(pair, tamper(pair)), converse(pair).catch(() => {})])
  return { user: pair.user.failure, contributor: pair.contributor.failure }
}

/** Changes the first message of a kind that a side sends. */
function first<K extends Message['kind']>(
  from: 'user' | 'contributor',
  kind: K,
  change: (value: Value<K>, bytes: Uint8Array, pair: Pair) => readonly Uint8Array[]
): (pair: Pair) => Tamper {
  return pair => {
    let changed = false
    return (message, sender, bytes) => {
      if (changed || sender !== from || message.kind !== kind) return [bytes]
      changed = true
      return change(message.value as Value<K>, bytes, pair)
    }
  }
}

interface Attack {
  readonly tamper: (pair: Pair) => Tamper
  readonly error: new (...given: never[]) => Error
  readonly step?: string
  readonly message?: RegExp
  readonly options?: PairOptions
}

const caught = (by: 'user' | 'contributor') =>
  test.macro({
    async exec(t, { tamper, error, step, message, options }: Attack) {
      const failures = await failuresOf(tamper, options)
      const failure = failures[by]!
      t.true(failure instanceof error, `${failure?.name}: ${failure?.message}`)
      if (step !== undefined) t.is(failure.step, step)
      if (message !== undefined) t.regex(failure.message, message)
      t.truthy(failures[by === 'user' ? 'contributor' : 'user'], 'the other side learns of it')
    },
    title: (what = '') => `${what} is caught by the ${by}`
  })

const byUser = caught('user')
const byContributor = caught('contributor')

test('the same session without a change ends well', async t => {
  t.deepEqual(await failuresOf(() => (_message, _from, bytes) => [bytes]), { user: undefined, contributor: undefined })
})

// Deltas

const deltas = (change: (value: Value<'deltas'>) => Partial<Value<'deltas'>>): ((pair: Pair) => Tamper) =>
  first('contributor', 'deltas', value => [encodeMessage({ deltas: { ...value, ...change(value) } })])

test('an answer to another request', byUser, {
  tamper: deltas(({ request }) => ({ request: request + 1 })),
  error: ProtocolViolationError,
  message: /out of turn/
})
test('an answer with another row number', byUser, {
  tamper: deltas(({ firstRow }) => ({ firstRow: firstRow + 1 })),
  error: ProtocolViolationError
})
test('an answer of more rows than were asked for', byUser, {
  tamper: deltas(({ count }) => ({ count: count + 1 })),
  error: ProtocolViolationError,
  message: /rows came for request 0, which has 2 left/
})
test('an answer that is too short', byUser, { tamper: deltas(({ y }) => ({ y: y.subarray(1) })), error: MalformedMessageError })
test('an answer with widths of too few modules', byUser, {
  tamper: deltas(({ widths }) => ({ widths: widths.subarray(1) })),
  error: MalformedMessageError
})
test('an answer beyond the bound', byUser, {
  tamper: deltas(({ widths, count }) => ({
    widths: widths.map(() => 8),
    y: new Uint8Array(count * 19 * 8).fill(0x7f)
  })),
  error: InvalidProofError,
  step: 'bound'
})
test('an answer that comes twice', byUser, {
  tamper: first('contributor', 'deltas', (_, bytes) => [bytes, bytes]),
  error: ProtocolViolationError
})
test('an answer that was changed on the way, by what the user signs that it saw,', byContributor, {
  tamper: deltas(({ y }) => ({ y: y.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) })),
  error: InvalidProofError,
  step: 'private hash'
})

// The contributor's batches and tails

type WireTail = NonNullable<Value<'batch'>['tail']>

interface Resigned {
  readonly batch: Value<'batch'>
  readonly change: Partial<WireTail>
  readonly role?: 'user' | 'contributor'
  readonly key?: Uint8Array
}

/** A batch with something changed, its tail signed again by its sender, or by the given key. */
function resigned(
  { user, userSeed }: Pair,
  { batch, change, role = 'contributor', key = role === 'user' ? userSeed : OWNER_SECRET }: Resigned
): Uint8Array {
  const tail = { ...batch.tail!, ...change }
  const { signature } = signTail({ secretKey: key, role, session: user.id, tail })
  return encodeMessage({ batch: { ...batch, tail: { ...tail, signature } } })
}

const tail = (change: (tail: WireTail) => Partial<WireTail>, key?: Uint8Array): ((pair: Pair) => Tamper) =>
  first('contributor', 'batch', (batch, _, pair) => [
    resigned(pair, { batch, change: change(batch.tail!), ...(key === undefined ? {} : { key }) })
  ])
const batchOf = (from: 'user' | 'contributor', change: (batch: Value<'batch'>) => Partial<Value<'batch'>>): ((pair: Pair) => Tamper) =>
  first(from, 'batch', batch => [encodeMessage({ batch: { ...batch, ...change(batch) } })])

test('a batch of other rows than the user committed to', byUser, {
  tamper: batchOf('contributor', ({ firstRow }) => ({ firstRow: firstRow + 1 })),
  error: ProtocolViolationError
})
test('a batch of fewer rows', byUser, {
  tamper: batchOf('contributor', ({ commitments, blindings }) => ({
    commitments: commitments.subarray(32),
    blindings: blindings.subarray(32)
  })),
  error: ProtocolViolationError
})
test('a batch without blindings', byUser, {
  tamper: batchOf('contributor', () => ({ blindings: new Uint8Array(0) })),
  error: ProtocolViolationError,
  message: /no blindings/
})
test('a batch with other commitments than signed', byUser, {
  tamper: batchOf('contributor', ({ commitments }) => ({ commitments: commitments.map((byte, i) => (i === 1 ? byte ^ 1 : byte)) })),
  error: InvalidProofError,
  step: 'private hash'
})
test('a batch that comes before the user has committed', byUser, {
  tamper: first('contributor', 'deltas', (_value, bytes) => [
    bytes,
    encodeMessage({
      batch: {
        firstRow: 0,
        commitments: new Uint8Array(32),
        blindings: new Uint8Array(32),
        tail: {
          rows: 1,
          accepted: 1,
          closed: false,
          seen: 1,
          publicHash: new Uint8Array(32),
          privateHash: new Uint8Array(32),
          signature: new Uint8Array(64)
        }
      }
    })
  ]),
  error: ProtocolViolationError
})
test('a tail signed by another key', byUser, {
  tamper: tail(() => ({}), new Uint8Array(32).fill(9)),
  error: InvalidProofError,
  step: 'signature'
})
test('a tail about other messages', byUser, {
  tamper: tail(() => ({ privateHash: new Uint8Array(32) })),
  error: InvalidProofError,
  step: 'private hash'
})
test('a tail about other rows', byUser, {
  tamper: tail(() => ({ publicHash: new Uint8Array(32) })),
  error: InvalidProofError,
  step: 'public hash'
})
test('a contributor that signs for the rows in another way as it closes leaves evidence with the user', async t => {
  const pair = makePair({ user: { commitRows: 4 } })
  const tamper: Tamper = (message, from, bytes) => {
    if (from !== 'contributor' || message.kind !== 'batch' || !message.value.tail!.closed) return [bytes]
    const { seen, signature: _signature, ...body } = message.value.tail!
    const signed = signTail({
      secretKey: OWNER_SECRET,
      role: 'contributor',
      session: pair.user.id,
      tail: { ...body, publicHash: new Uint8Array(32) }
    })
    return [encodeMessage({ batch: { ...message.value, tail: { ...signed, seen } } })]
  }
  await Promise.all([carryPair(pair, tamper), converse(pair).catch(() => {})])
  t.like(pair.user.failure, { name: 'InvalidProofError', step: 'public hash' })
  const store = await Store.open({ datastore: new MemoryDatastore() })
  const witness = new Witness({
    store,
    check: async ({ bytes }) => checkEvidence(bytes, { kernel, random }),
    log: () => defaultLogger().forComponent('test')
  })
  witness.session(pair.user.evidenceOf(pair.user.failure!), pair.registered.manifest)
  await witness.idle()
  t.like(store.evidence.list()[0], { kind: 'session fork', key: toHex(publicKeyOf(OWNER_SECRET)) })
  // What shows no contradiction is kept by nobody.
  const other = makePair({ user: { commitRows: 4 } })
  witness.session(other.user.evidenceOf(new Error('gone')), other.registered.manifest)
  await witness.idle()
  t.is(store.evidence.list().length, 1)
})
test('a tail that has seen messages that were never sent', byUser, {
  tamper: tail(({ seen }) => ({ seen: seen + 100 })),
  error: ProtocolViolationError
})
test('a tail that has accepted rows nobody committed to', byUser, {
  tamper: tail(({ accepted, rows }) => ({ accepted: accepted + 1, rows: Math.max(rows, accepted + 1) })),
  error: ProtocolViolationError
})
test('a tail of more rows than the session has', byUser, { tamper: tail(() => ({ rows: 1001 })), error: ProtocolViolationError })
test('a tail that closes before the user', byUser, { tamper: tail(() => ({ closed: true })), error: ProtocolViolationError })

/** Changes the batch by which a side closes. */
const closing =
  (from: 'user' | 'contributor', change: (batch: Value<'batch'>, bytes: Uint8Array, pair: Pair) => readonly Uint8Array[]) =>
  (pair: Pair): Tamper => {
    return (message, sender, bytes) =>
      message.kind === 'batch' && sender === from && message.value.tail!.closed ? change(message.value, bytes, pair) : [bytes]
  }

test('an answer to the end that does not close', byUser, {
  tamper: closing('contributor', (batch, _, pair) => [resigned(pair, { batch, change: { closed: false } })]),
  error: ProtocolViolationError
})
test('an end with more rows than were answered', byUser, {
  tamper: closing('contributor', (batch, _, pair) => [resigned(pair, { batch, change: { rows: batch.tail!.rows + 1 } })]),
  error: ProtocolViolationError
})
test('fewer rows accepted than signed before', byUser, {
  tamper: closing('contributor', (batch, _, pair) => [resigned(pair, { batch, change: { accepted: 1 } })]),
  error: ProtocolViolationError
})

// Proof and end

test('a proof before the end', byUser, {
  tamper: first('contributor', 'deltas', (_value, bytes) => [
    bytes,
    encodeMessage({ proof: { start: 0, end: 1, root: new Uint8Array(32), digest: new Uint8Array(32), length: 1 } })
  ]),
  error: ProtocolViolationError
})
const proof = (change: Partial<Value<'proof'>>): ((pair: Pair) => Tamper) =>
  first('contributor', 'proof', value => [encodeMessage({ proof: { ...value, ...change } })])
test('a proof of fewer rows', byUser, { tamper: proof({ end: 7 }), error: ProtocolViolationError })
test('a proof of later rows', byUser, { tamper: proof({ start: 1 }), error: ProtocolViolationError })
test('a proof that comes twice', byUser, {
  tamper: first('contributor', 'proof', (_, bytes) => [bytes, bytes]),
  error: ProtocolViolationError
})
test('an announcement before the receipt', byUser, {
  tamper: first('contributor', 'proof', (_, bytes) => [bytes, encodeMessage({ announced: { announcement: new Uint8Array(1) } })]),
  error: ProtocolViolationError
})
test('another acceptance in the middle', byUser, {
  tamper: first('contributor', 'deltas', (_value, bytes, { user }) => [encodeMessage({ accept: user.terms.accept }), bytes]),
  error: ProtocolViolationError
})

// What the user sends

const before = (message: Parameters<typeof encodeMessage>[0]): ((pair: Pair) => Tamper) =>
  first('user', 'begin', (_, bytes) => [encodeMessage(message), bytes])
const rows = (change: (value: Value<'rows'>) => Partial<Value<'rows'>>): ((pair: Pair) => Tamper) =>
  first('user', 'rows', value => [encodeMessage({ rows: { ...value, ...change(value) } })])

test('a request before the terms are signed', byContributor, {
  tamper: before({ rows: { request: 0, group: 0, position: 0, count: 1, x: new Uint8Array(40) } }),
  error: ProtocolViolationError,
  message: /did not expect rows now/
})
test("terms that are not signed by the session's key", byContributor, {
  tamper: first('user', 'begin', ({ signature }) => [
    encodeMessage({ begin: { signature: signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) } })
  ]),
  error: InvalidProofError,
  step: 'signature'
})
test('terms that are signed twice', byContributor, {
  tamper: first('user', 'begin', (_, bytes) => [bytes, bytes]),
  error: ProtocolViolationError
})
test('a request out of turn', byContributor, { tamper: rows(({ request }) => ({ request: request + 1 })), error: ProtocolViolationError })
test('a request for a group that the session does not have', byContributor, {
  tamper: rows(() => ({ group: 1 })),
  options: { groups: [0] },
  error: ProtocolViolationError
})
test('a request with too little x', byContributor, { tamper: rows(({ x }) => ({ x: x.subarray(2) })), error: MalformedMessageError })
test('an activation beyond its bits', byContributor, {
  tamper: rows(({ x }) => ({ x: x.map((_, i) => (i === 1 ? 0x80 : 0)) })),
  error: ProtocolViolationError
})
test('more rows than accepted', byContributor, {
  tamper: rows(({ x }) => ({ count: 200, x: new Uint8Array((x.length / 2) * 200) })),
  options: { rows: 100 },
  error: LimitExceededError
})
test('more bytes of x than may be in flight', byContributor, {
  tamper: rows(() => ({ x: new Uint8Array(17 * 2 ** 20) })),
  error: LimitExceededError,
  message: /bytes of x/
})
test('a batch that leaves rows out', byContributor, { tamper: batchOf('user', () => ({ firstRow: 1 })), error: ProtocolViolationError })
test('a batch of rows that are not answered', byContributor, {
  tamper: batchOf('user', () => ({ commitments: new Uint8Array(32 * 9) })),
  error: ProtocolViolationError
})
test('a batch with blindings of the user', byContributor, {
  tamper: batchOf('user', ({ commitments }) => ({ blindings: commitments })),
  error: ProtocolViolationError
})
test('an end with rows that the user did not see answered', byContributor, {
  tamper: closing('user', (batch, _, pair) => [
    resigned(pair, { batch, role: 'user', change: { rows: batch.tail!.rows - 1, accepted: batch.tail!.accepted - 1 } })
  ]),
  error: ProtocolViolationError
})
test('an end before all rows are accepted', byContributor, {
  tamper: first('user', 'batch', (batch, _, pair) => [resigned(pair, { batch, role: 'user', change: { closed: true } })]),
  error: ProtocolViolationError,
  message: /closes at row/
})
test('another tail after the end, that is not closed,', byContributor, {
  tamper: closing('user', (batch, bytes, pair) => [bytes, resigned(pair, { batch, role: 'user', change: { closed: false } })]),
  error: ProtocolViolationError,
  message: /goes on after it closed/
})
test('an end with rows that are not accepted', byContributor, {
  tamper: closing('user', batch => [encodeMessage({ batch: { ...batch, tail: { ...batch.tail!, accepted: batch.tail!.accepted - 1 } } })]),
  error: InvalidProofError,
  step: 'signature'
})
test('rows after the end', byContributor, {
  tamper: closing('user', (_batch, bytes) => [
    bytes,
    encodeMessage({ rows: { request: 4, group: 0, position: 9, count: 1, x: new Uint8Array(40) } })
  ]),
  error: ProtocolViolationError,
  message: /closed/
})
test('a receipt before the proof', byContributor, {
  tamper: first('user', 'rows', (_, bytes) => [bytes, encodeMessage({ receipt: { signature: new Uint8Array(64), code: 0 } })]),
  error: ProtocolViolationError
})
test('a receipt that is not signed', byContributor, {
  tamper: first('user', 'receipt', ({ signature }) => [
    encodeMessage({ receipt: { signature: signature.map(byte => byte ^ 1), code: 0 } })
  ]),
  error: InvalidProofError,
  step: 'signature'
})
test('deltas from the user', byContributor, {
  tamper: first('user', 'rows', () => [
    encodeMessage({ deltas: { request: 0, firstRow: 0, count: 1, widths: new Uint8Array(1).fill(1), y: new Uint8Array(1) } })
  ]),
  error: ProtocolViolationError
})
test('a settlement in the middle of a session', byContributor, {
  tamper: first('user', 'rows', () => [
    encodeMessage({ settle: { session: new Uint8Array(32), userRows: 0, contributorRows: 0, rows: 0, signature: new Uint8Array(64) } })
  ]),
  error: ProtocolViolationError,
  message: /did not expect settle/
})
test('a message that is not one', byContributor, { tamper: first('user', 'rows', () => [new Uint8Array(3)]), error: MalformedMessageError })

test('a failure that one side tells ends the session of the other with its name', async t => {
  const { user } = await failuresOf(first('contributor', 'deltas', () => [encodeMessage({ failure: { code: 5 } })]))
  t.true(user instanceof RefusedError)
  t.regex(user!.message, /extraction budget spent/)
})
