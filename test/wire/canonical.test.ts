import test from 'ava'
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import { LimitExceededError, MalformedMessageError } from '../../src/errors.js'
import { decodeMessage, encodeMessage } from '../../src/session/index.js'
import { checkLength } from '../../src/wire/canonical.js'

const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value)
const rows = encodeMessage({ rows: { request: 1, group: 2, position: 3, count: 1, x: bytes(4) } })
/** Field 5 of the oneof, wire type 2, then the length. */
const inner = rows.subarray(2)
const wrap = (...fields: Uint8Array[]): Uint8Array => {
  const body = concat(fields)
  return concat([Uint8Array.of(0x2a, body.length), body])
}

test('a message in canonical form is taken', t => {
  t.deepEqual(decodeMessage(rows), { kind: 'rows', value: { request: 1, group: 2, position: 3, count: 1, x: bytes(4) } })
})

const refused = test.macro({
  exec(t, message: Uint8Array) {
    t.throws(() => decodeMessage(message), { instanceOf: MalformedMessageError })
  },
  title: (what = '') => `${what} is refused`
})

test('a message with an unknown field', refused, wrap(inner, Uint8Array.of(0x30, 1)))
test('a field that comes twice', refused, wrap(Uint8Array.of(0x08, 1), inner))
test('a field out of order', refused, wrap(inner.subarray(2), inner.subarray(0, 2)))
test('a default value that is written', refused, wrap(Uint8Array.of(0x08, 0), inner.subarray(2)))
test('a varint that is longer than needed', refused, wrap(Uint8Array.of(0x08, 0x81, 0x00), inner.subarray(2)))
test('a varint beyond 32 bits', refused, wrap(Uint8Array.of(0x08, 0xff, 0xff, 0xff, 0xff, 0x7f), inner.subarray(2)))
test('a second field of the oneof', refused, concat([rows, encodeMessage({ cancel: { request: 1 } })]))
test('bytes after the message', refused, concat([rows, bytes(1, 0)]))
test('a message with an unknown field behind it', refused, concat([rows, Uint8Array.of(0x78, 1)]))
test('a message cut short', refused, rows.subarray(0, rows.length - 1))
test('a message without a field', refused, bytes(0))

test('a list of numbers in packed form is refused', t => {
  const open = {
    nonce: bytes(32),
    chainSecret: bytes(32),
    sessionKey: bytes(32),
    adapter: bytes(32),
    base: bytes(32),
    groups: [1],
    activationBits: 16,
    rows: 1,
    credential: bytes(0)
  }
  const encoded = encodeMessage({ open })
  // groups = 6: tag 0x30 and the value.
  const at = encoded.findIndex((byte, i) => byte === 0x30 && encoded[i + 1] === 1 && encoded[i + 2] === 0x38)
  const packed = concat([encoded.subarray(0, at), Uint8Array.of(0x32, 1, 1), encoded.subarray(at + 2)])
  packed[1] = encoded[1]! + 1
  t.deepEqual(decodeMessage(encoded).value, open)
  t.throws(() => decodeMessage(packed), { instanceOf: MalformedMessageError })
})

test('whatever bytes come, only the errors for peers come of them', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(rows.length - 1), fc.nat(255), (noise, at, value) => {
      const flipped = rows.slice()
      flipped[at] = value
      for (const message of [noise, flipped]) {
        try {
          decodeMessage(message)
        } catch (error) {
          if (!(error instanceof MalformedMessageError) && !(error instanceof LimitExceededError)) throw error
        }
      }
    })
  )
  t.pass()
})

test('a length is one of those allowed', t => {
  checkLength('a field', bytes(64), 0, 64)
  t.throws(() => checkLength('a field', bytes(63), 0, 64), { message: 'a field has 63 bytes, not 0 or 64' })
})
