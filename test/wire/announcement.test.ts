import test from 'ava'
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import {
  decodeAnnouncement,
  decodeStatement,
  encodeAnnouncement,
  encodeStatement,
  signedPart,
  encodeUnsigned,
  STATEMENT_BYTES
} from '../../src/wire/announcement.js'
import { delegation, make, statement } from '../net/announcements.js'

const holder = Uint8Array.of(0, 40, ...new Uint8Array(40).fill(7))
const longest = make({ change: { delegation: delegation(), index: 7n, previous: new Uint8Array(32).fill(8), holder } })

test('a statement has 301 bytes and an announcement at most 640', t => {
  t.is(encodeStatement(statement()).length, STATEMENT_BYTES)
  t.true(longest.bytes.length <= 640)
})

test('decoding gives what was encoded', t => {
  t.deepEqual(decodeStatement(encodeStatement(statement())), statement())
  for (const { bytes, announcement } of [make(), make({ user: null }), longest]) {
    t.deepEqual(encodeAnnouncement(decodeAnnouncement(bytes)), bytes)
    t.deepEqual(signedPart(bytes), encodeUnsigned(announcement))
  }
})

test('what decodes has no second encoding: any changed byte is refused or decodes to what encodes to itself', t => {
  fc.assert(
    fc.property(fc.constantFrom(make().bytes, longest.bytes), fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, by) => {
      const changed = bytes.slice()
      changed[at % bytes.length]! ^= by
      let decoded
      try {
        decoded = decodeAnnouncement(changed)
      } catch (error) {
        return ['MalformedMessageError', 'LimitExceededError', 'UnsupportedError'].includes((error as Error).name)
      }
      t.deepEqual(encodeAnnouncement(decoded), changed)
      return true
    })
  )
})

test('a truncated announcement is refused at every byte', t => {
  for (let length = 0; length < longest.bytes.length; length++) {
    t.throws(() => decodeAnnouncement(longest.bytes.subarray(0, length)), { name: 'MalformedMessageError' })
  }
})

test('flags other than 0 and 1 and holders without bytes are refused', t => {
  const { bytes } = make({ user: null })
  const withReceipt = bytes.slice()
  withReceipt[STATEMENT_BYTES] = 2
  t.throws(() => decodeAnnouncement(withReceipt), { name: 'MalformedMessageError', message: /flag receipt is 2/ })
  const holder = bytes.length - 64 - 38 - 1
  t.is(bytes[holder], 38)
  const withoutHolder = concat([bytes.subarray(0, holder), Uint8Array.of(0), bytes.subarray(bytes.length - 64)])
  t.throws(() => decodeAnnouncement(withoutHolder), { name: 'MalformedMessageError', message: /0 bytes, 1 to 42/ })
})

test('a statement with bytes left over or of another version is refused', t => {
  t.throws(() => decodeStatement(concat([encodeStatement(statement()), Uint8Array.of(0)])), { name: 'MalformedMessageError' })
  t.throws(() => decodeStatement(encodeStatement(statement()).fill(9, 0, 1)), { name: 'UnsupportedError', message: /version 9/ })
})
