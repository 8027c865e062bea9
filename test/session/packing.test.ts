import test from 'ava'
import fc from 'fast-check'
import { InvalidProofError, MalformedMessageError, ProtocolViolationError } from '../../src/errors.js'
import { outputBound, packActivations, packDeltas, unpackActivations, unpackDeltas, widthOf } from '../../src/session/messages/packing.js'

const EXACT = 2 ** 53

test('activations come back as they were sent, in one byte up to 8 bits and in two above', t => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 16 }), fc.array(fc.integer({ min: -32767, max: 32767 }), { maxLength: 20 }), (bits, values) => {
      const most = 2 ** (bits - 1) - 1
      const x = Int16Array.from(values, value => Math.max(-most, Math.min(most, value)))
      const packed = packActivations(x, bits)
      return (
        packed.length === x.length * (bits <= 8 ? 1 : 2) && unpackActivations(packed, x.length, bits).every((entry, i) => entry === x[i])
      )
    })
  )
  t.deepEqual(packActivations(Int16Array.of(-2, 258), 16), Uint8Array.of(0xfe, 0xff, 2, 1))
})

test('activations of another length or beyond their bits are refused', t => {
  t.throws(() => unpackActivations(new Uint8Array(3), 2, 16), { instanceOf: MalformedMessageError })
  t.throws(() => unpackActivations(Uint8Array.of(0, 0x80), 1, 16), { instanceOf: ProtocolViolationError, message: /-32768/ })
  t.throws(() => unpackActivations(Uint8Array.of(0x80), 1, 8), { instanceOf: ProtocolViolationError })
  t.throws(() => unpackActivations(Uint8Array.of(8), 1, 4), { instanceOf: ProtocolViolationError })
})

test('a width is the least number of bytes', t => {
  for (let width = 1; width < 8; width++) {
    const most = 2 ** (8 * width - 1) - 1
    if (most > EXACT) continue
    t.is(widthOf(0, most), width)
    t.is(widthOf(-most - 1, 0), width)
    t.is(widthOf(0, most + 1), width + 1)
    t.is(widthOf(-most - 2, 0), width + 1)
  }
  t.is(widthOf(-EXACT, EXACT), 7)
})

test('deltas come back as they were sent, whatever their size', t => {
  const entry = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: -300, max: 300 }),
    fc.constantFrom(EXACT, -EXACT, 0, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 47)
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(entry, { minLength: 12, maxLength: 12 }),
      (count, dOut, values) => {
        const y = Float64Array.from(values.slice(0, count * (dOut + 1)))
        const modules = [
          { dOut, bound: EXACT },
          { dOut: 1, bound: EXACT }
        ]
        const packed = packDeltas([dOut, 1], y, count)
        return unpackDeltas(modules, packed, new Float64Array(y.length)).every((value, i) => value === y[i])
      }
    )
  )
  t.deepEqual(packDeltas([2, 1], Float64Array.of(1, -2, 300, 3, 4, 5), 2), {
    widths: Uint8Array.of(1, 2),
    y: Uint8Array.of(1, 0xfe, 3, 4, 44, 1, 5, 0)
  })
})

test('deltas of other lengths, wider than needed, or beyond the bound are refused', t => {
  const modules = [{ dOut: 2, bound: 1000 }]
  const deltas = (widths: number[], y: number[]): { widths: Uint8Array; y: Uint8Array } => ({
    widths: Uint8Array.from(widths),
    y: Uint8Array.from(y)
  })
  t.deepEqual(unpackDeltas(modules, deltas([1], [1, 2]), new Float64Array(2)), Float64Array.of(1, 2))
  t.throws(() => unpackDeltas(modules, deltas([1, 1], [1, 2]), new Float64Array(2)), { instanceOf: MalformedMessageError })
  t.throws(() => unpackDeltas(modules, deltas([1], [1, 2, 3]), new Float64Array(2)), { instanceOf: MalformedMessageError })
  t.throws(() => unpackDeltas(modules, deltas([2], [1, 0, 2, 0]), new Float64Array(2)), { instanceOf: MalformedMessageError })
  t.throws(() => unpackDeltas(modules, deltas([2], [0xe9, 3, 0, 0]), new Float64Array(2)), {
    instanceOf: InvalidProofError,
    message: /^bound/
  })
  t.throws(() => unpackDeltas(modules, deltas([8], [0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0]), new Float64Array(2)), {
    instanceOf: InvalidProofError
  })
})

test('the bound on y follows from the widths, and is never above 2^53', t => {
  t.is(outputBound({ dIn: 64, rank: 8, activationBits: 16, weightBits: 12 }), 64 * 8 * 32767 * 2047 ** 2)
  t.is(outputBound({ dIn: 4096, rank: 17, activationBits: 16, weightBits: 12 }), EXACT)
})
