import test from 'ava'
import { LimitExceededError, MalformedMessageError } from '../../src/errors.js'
import { decodeMessage, encodeMessage, type Accept, type Open } from '../../src/session/index.js'

type Sent = Parameters<typeof encodeMessage>[0]

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1)
const open: Open = {
  nonce: bytes(32),
  chainSecret: bytes(32),
  sessionKey: bytes(32),
  adapter: bytes(32),
  base: bytes(32),
  groups: [0, 2],
  activationBits: 16,
  rows: 10,
  credential: bytes(256)
}
const accept: Accept = {
  nonce: bytes(32),
  chainSecret: bytes(32),
  key: bytes(32),
  delegation: bytes(80),
  started: 1n,
  rows: 1,
  requests: 1,
  outstandingRows: 1,
  outstandingBytes: 1n,
  salt: bytes(32),
  scales: bytes(16),
  signature: bytes(64)
}
const tail = { rows: 2, accepted: 1, closed: true, seen: 3, publicHash: bytes(32), privateHash: bytes(32), signature: bytes(64) }
const batch = { firstRow: 1, commitments: bytes(64), blindings: bytes(64), tail }
const proof = { start: 0, end: 1, root: bytes(32), digest: bytes(32), length: 4 * 2 ** 20 }

const taken: Sent[] = [
  { open },
  { accept },
  { accept: { ...accept, delegation: bytes(0) } },
  { refuse: { code: 6, retryAfter: 30 } },
  { begin: { signature: bytes(64) } },
  { rows: { request: 0, group: 0, position: 2 ** 32 - 256, count: 256, x: bytes(1) } },
  { deltas: { request: 0, firstRow: 0, count: 1, widths: Uint8Array.of(1, 8), y: bytes(9) } },
  { cancel: { request: 7 } },
  { batch },
  { batch: { ...batch, blindings: bytes(0) } },
  { proof },
  { receipt: { signature: bytes(64), code: 0 } },
  { receipt: { signature: bytes(0), code: 18 } },
  { announced: { announcement: bytes(640) } },
  { settle: { session: bytes(32), userRows: 1, contributorRows: 2, rows: 0, signature: bytes(64) } },
  { failure: { code: 11 } }
]

for (const message of taken) {
  const [kind, value] = Object.entries(message)[0]!
  test(`${kind} comes back as it was sent: ${JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v instanceof Uint8Array ? v.length : v))}`, t => {
    const decoded: unknown = decodeMessage(encodeMessage(message))
    t.deepEqual(decoded, { kind, value })
  })
}

const refused = test.macro({
  exec(t, message: Sent, error: new (...given: never[]) => Error = MalformedMessageError) {
    t.throws(() => decodeMessage(encodeMessage(message)), { instanceOf: error as never })
  },
  title: (what = '') => `${what} is refused`
})

for (const field of ['nonce', 'chainSecret', 'sessionKey', 'adapter', 'base'] as const) {
  test(`open with a short ${field}`, refused, { open: { ...open, [field]: bytes(31) } })
}
test('open without groups', refused, { open: { ...open, groups: [] } })
test('open with groups that do not ascend', refused, { open: { ...open, groups: [2, 2] } })
test('open with 513 groups', refused, { open: { ...open, groups: Array.from({ length: 513 }, (_, i) => i) } }, LimitExceededError)
test('open that wants no rows', refused, { open: { ...open, rows: 0 } })
test('open with a credential of 257 bytes', refused, { open: { ...open, credential: bytes(257) } }, LimitExceededError)
for (const field of ['nonce', 'chainSecret', 'key', 'salt', 'signature', 'delegation'] as const) {
  test(`accept with a ${field} of another length`, refused, { accept: { ...accept, [field]: bytes(33) } })
}
test('accept with half a scale', refused, { accept: { ...accept, scales: bytes(12) } })
for (const field of ['rows', 'requests', 'outstandingRows'] as const) {
  test(`accept with no ${field}`, refused, { accept: { ...accept, [field]: 0 } })
}
test('accept with no outstanding bytes', refused, { accept: { ...accept, outstandingBytes: 0n } })
test('begin with a short signature', refused, { begin: { signature: bytes(63) } })
test('rows without a row', refused, { rows: { request: 0, group: 0, position: 0, count: 0, x: bytes(1) } })
test('rows with 257 rows', refused, { rows: { request: 0, group: 0, position: 0, count: 257, x: bytes(1) } }, LimitExceededError)
test('rows beyond position 2^32', refused, { rows: { request: 0, group: 0, position: 2 ** 32 - 1, count: 2, x: bytes(1) } })
test('deltas without a row', refused, { deltas: { request: 0, firstRow: 0, count: 0, widths: bytes(1), y: bytes(1) } })
test('deltas of width 0', refused, { deltas: { request: 0, firstRow: 0, count: 1, widths: Uint8Array.of(0), y: bytes(1) } })
test('deltas of width 9', refused, { deltas: { request: 0, firstRow: 0, count: 1, widths: Uint8Array.of(9), y: bytes(9) } })
test('batch with half a commitment', refused, { batch: { ...batch, commitments: bytes(33), blindings: bytes(0) } })
test('batch with 1025 rows', refused, { batch: { ...batch, commitments: bytes(1025 * 32), blindings: bytes(0) } }, LimitExceededError)
test('batch with blindings for other rows', refused, { batch: { ...batch, blindings: bytes(32) } })
test('batch without a tail', refused, { batch: { firstRow: 0, commitments: bytes(32), blindings: bytes(0) } })
for (const field of ['publicHash', 'privateHash', 'signature'] as const) {
  test(`tail with a short ${field}`, refused, { batch: { ...batch, tail: { ...tail, [field]: bytes(31) } } })
}
test('tail that has accepted more rows than there are', refused, { batch: { ...batch, tail: { ...tail, accepted: 3 } } })
test('proof with a short root', refused, { proof: { ...proof, root: bytes(31) } })
test('proof with a short digest', refused, { proof: { ...proof, digest: bytes(31) } })
test('proof of no rows', refused, { proof: { ...proof, end: 0 } })
test('proof of a bundle above 4 MiB', refused, { proof: { ...proof, length: 4 * 2 ** 20 + 1 } }, LimitExceededError)
test('receipt without a signature', refused, { receipt: { signature: bytes(0), code: 0 } })
test('receipt with signature and code', refused, { receipt: { signature: bytes(64), code: 17 } })
test('announced with 641 bytes', refused, { announced: { announcement: bytes(641) } }, LimitExceededError)
test('settle with a short session', refused, {
  settle: { session: bytes(31), userRows: 0, contributorRows: 0, rows: 0, signature: bytes(64) }
})
test('settle with a short signature', refused, {
  settle: { session: bytes(32), userRows: 0, contributorRows: 0, rows: 0, signature: bytes(63) }
})
