/** What a user sends that is not so. */
import test from 'ava'
import { InvalidProofError, LimitExceededError, MalformedMessageError, ProtocolViolationError } from '../../../src/errors.js'
import { encodeMessage } from '../../../src/session/index.js'
import type { Pair, Tamper } from '../pair.js'
import { batchOf, byContributor, closing, first, resigned, type Value } from './tampering.js'

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
