import test from 'ava'
import { concat, Cursor } from '../../src/bytes.js'
import { InvalidProofError, LimitExceededError, MalformedMessageError } from '../../src/errors.js'
import { decodeContext, decodeDelegation, encodeContext, encodeDelegation, signDelegation, verifySignature } from '../../src/proof/index.js'
import { encodePattern, readPattern, type Place } from '../../src/proof/bundle/pattern.js'
import { checkChallenge } from '../../src/proof/transcript.js'
import { blindings } from '../../src/proof/hiding.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { badSignatures } from './bad-signatures.js'
import { signedBytes } from '../../src/proof/signature.js'
import fc from 'fast-check'
import { contextOf, flip, kernel, OWNER_SECRET, register, seeded } from './fixture.js'

const { adapter } = register('encodings')

test('a context comes back from its bytes, with and without delegation', t => {
  const delegation = signDelegation(OWNER_SECRET, { adapter: adapter.manifest.id, key: new Uint8Array(32), expiry: 2n ** 63n, share: 7n })
  for (const context of [contextOf(adapter), contextOf(adapter, { delegation, groups: [1], rows: 2 ** 32 - 1 })]) {
    t.deepEqual(decodeContext(encodeContext(context)), { delegation: undefined, ...context })
  }
  t.deepEqual(decodeDelegation(encodeDelegation(delegation)), delegation)
  t.throws(() => decodeDelegation(new Uint8Array(81)), { instanceOf: MalformedMessageError })
})

test('contexts that are not canonical are refused', t => {
  const refuses = (change: object, expected: object) => t.throws(() => decodeContext(encodeContext(contextOf(adapter, change))), expected)
  refuses({ rows: 0 }, { instanceOf: MalformedMessageError, message: /allows 0 rows/ })
  refuses({ groups: [] }, { instanceOf: MalformedMessageError, message: /no group/ })
  refuses({ groups: [1, 0] }, { instanceOf: MalformedMessageError, message: /group 0 follows group 1/ })
  refuses({ groups: [1, 1] }, { instanceOf: MalformedMessageError, message: /group 1 follows group 1/ })
  refuses({ groups: Array.from({ length: 513 }, (_, g) => g) }, { instanceOf: LimitExceededError })
  const bytes = encodeContext(contextOf(adapter))
  t.throws(() => decodeContext(flip(bytes, 0)), { message: /context version 0/ })
  t.throws(() => decodeContext(flip(bytes, bytes.length - 1, 1)), { message: /flag delegated is 2/ })
  t.throws(() => decodeContext(concat([bytes, Uint8Array.of(0)])), { message: /trailing/ })
})

const places: fc.Arbitrary<Place[]> = fc.array(
  fc.record({
    group: fc.integer({ min: 0, max: 3 }),
    position: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
  }),
  { minLength: 1, maxLength: 30 }
)

test('any rows come back from their pattern, which has one form only', t => {
  fc.assert(
    fc.property(places, rows => {
      const bytes = encodePattern(rows)
      const cursor = new Cursor(bytes, 'the pattern')
      t.deepEqual(readPattern(cursor, rows.length, [0, 1, 2, 3]), rows)
      cursor.end()
    })
  )
})

/** repeat, dg, dp, count: small, so that many of them make a pattern. */
const step = fc.tuple(
  fc.integer({ min: 0, max: 2 }),
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 6 }),
  fc.integer({ min: 0, max: 2 })
)

test('any bytes that are read as a pattern are the ones that would be written', t => {
  let read = 0
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 3 }), steps => {
      const bytes = Uint8Array.from(steps.flat())
      const total = steps.reduce((rows, [repeat, , , count]) => rows + repeat * count, 0)
      const cursor = new Cursor(bytes, 'the pattern')
      try {
        const rows = readPattern(cursor, total, [0, 1, 2])
        t.deepEqual(encodePattern(rows), bytes.subarray(0, cursor.offset))
        read++
      } catch (error) {
        if (!(error instanceof MalformedMessageError)) throw error
      }
    }),
    { numRuns: 2000, seed: 1 }
  )
  t.true(read > 200, `${read} patterns were read`)
})

test('a pattern of tokens takes a few bytes a token, a prefill as few a group', t => {
  const tokens = Array.from({ length: 56 * 12 }, (_, t) => ({ group: t % 12, position: Math.floor(t / 12) }))
  t.true(encodePattern(tokens).length <= 56 * 8)
  const prefill = Array.from({ length: 56 * 12 }, (_, t) => ({ group: Math.floor(t / 56), position: t % 56 }))
  t.is(encodePattern(prefill).length, 8)
})

test('a challenge that is zero is refused', t => {
  t.throws(() => checkChallenge('identity', 'rho', new Uint8Array(32)), {
    instanceOf: InvalidProofError,
    message: /identity: challenge rho is zero/
  })
})

test('signatures that only some verifiers accept are refused', t => {
  const label = 'zklora/v1/test'
  const items = [new Uint8Array(3)]
  const bad = badSignatures(OWNER_SECRET, label, items)
  for (const { name, publicKey, signature } of bad) t.false(verifySignature(publicKey, signature, label, ...items), name)
  // The first is one that noble, which multiplies by the cofactor, does accept.
  t.true(ed25519.verify(bad[0]!.signature, signedBytes(label, items), bad[0]!.publicKey))
})

test('multiples of H by short rows are those by whole scalars, at every edge of a digit', t => {
  const h = kernel.generators('H', 0, 1)
  const edges = [0, 1, -1, 0x7fff, 0x8000, 0xffff, 0x10000, 2 ** 53, -(2 ** 53)].map(value => kernel.scalarsOf(Float64Array.of(value)))
  const digits = new Uint8Array(32).fill(0x80).with(31, 0x0f)
  const scalars = concat([...edges, digits, new Uint8Array(32).fill(255).with(31, 0x0f), kernel.reduceWide(seeded('H')(64))])
  const expected = kernel.scale(scalars, kernel.concat(Array.from({ length: scalars.length / 32 }, () => h)))
  t.deepEqual(kernel.encode(blindings(kernel, scalars)), kernel.encode(expected))
})
