/** What a contributor sends that is not so. */
import { defaultLogger } from '@libp2p/logger'
import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { toHex } from '../../../src/bytes.js'
import { InvalidProofError, MalformedMessageError, ProtocolViolationError, RefusedError } from '../../../src/errors.js'
import { publicKeyOf, signTail } from '../../../src/proof/index.js'
import { Witness } from '../../../src/roles/witness.js'
import { encodeMessage } from '../../../src/session/index.js'
import { checkEvidence, Store } from '../../../src/store/index.js'
import { kernel, OWNER_SECRET } from '../../proof/fixture.js'
import { carryPair, makePair, type Pair, random, type Tamper } from '../pair.js'
import { batchOf, byContributor, byUser, closing, converse, failuresOf, first, resigned, type Value, type WireTail } from './tampering.js'

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

const tail = (change: (tail: WireTail) => Partial<WireTail>, key?: Uint8Array): ((pair: Pair) => Tamper) =>
  first('contributor', 'batch', (batch, _, pair) => [
    resigned(pair, { batch, change: change(batch.tail!), ...(key === undefined ? {} : { key }) })
  ])

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

test('a failure that one side tells ends the session of the other with its name', async t => {
  const { user } = await failuresOf(first('contributor', 'deltas', () => [encodeMessage({ failure: { code: 5 } })]))
  t.true(user instanceof RefusedError)
  t.regex(user!.message, /extraction budget spent/)
})
