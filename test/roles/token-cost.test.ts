import test from 'ava'
import { rateOf, tokenCost } from '../../src/roles/token-cost.js'

const modules = (...shapes: [number, number][]) => shapes.map(([dOut, rank]) => ({ dOut, rank })) as never
const manifest = {
  activationBits: 16,
  weightBits: 8,
  groups: [
    { dIn: 768, outputs: 2304, rank: 24, modules: modules([768, 8], [1536, 16]) },
    { dIn: 64, outputs: 10, rank: 2, modules: modules([10, 2]) }
  ]
}

test('a token costs its activations and at most the widest deltas, and a round trip for each group', t => {
  const { bytes, roundTrips, seconds } = tokenCost(manifest, { roundTrip: 20, transfer: { bytes: 100_000, elapsed: 120 } })
  // |y| ≤ 768 · 8 · 32767 · 127² is below 2^43, with rank 16 below 2^43 too, 64 · 2 · 32767 · 127² below 2^39: 6, 6 and 5 bytes.
  t.is(bytes, 2 * 768 + 6 * 768 + 6 * 1536 + 2 * 64 + 5 * 10)
  t.is(roundTrips, 2)
  t.is(seconds, 2 * 0.02 + bytes / 1_000_000)
})

test('activations of 8 bits travel in one byte', t => {
  const link = { roundTrip: null, transfer: null }
  const narrow = tokenCost({ ...manifest, activationBits: 8, weightBits: 2 }, link)
  // |y| ≤ 768 · 8 · 127 is below 2^23, 64 · 2 · 127 below 2^15.
  t.is(narrow.bytes, 768 + 3 * 768 + 3 * 1536 + 64 + 2 * 10)
})

test('what was not measured is not guessed', t => {
  t.like(tokenCost(manifest, { roundTrip: 20, transfer: null }), { bytesPerSecond: null, seconds: null })
  t.is(tokenCost(manifest, { roundTrip: null, transfer: { bytes: 1000, elapsed: 10 } }).seconds, null)
  t.is(rateOf({ roundTrip: null, transfer: { bytes: 1000, elapsed: 10 } }), 100_000)
})

test('a transfer that is over with the round trip counts as a millisecond', t => {
  t.is(rateOf({ roundTrip: 50, transfer: { bytes: 4000, elapsed: 49 } }), 4_000_000)
})
