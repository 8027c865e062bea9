import test from 'ava'
import fc from 'fast-check'
import { dequantize, hidden, outputs, outputSum, rankSum } from '../../src/lora/index.js'
import type { QuantizedGroup } from '../../src/lora/index.js'
import { groupWithRows } from './arbitrary.js'

/** h and y by the definition, with BigInt. */
function byDefinition(group: QuantizedGroup, x: Int16Array, count: number): { h: bigint[]; y: bigint[] } {
  const [h, y]: [bigint[], bigint[]] = [[], []]
  for (let t = 0; t < count; t++) {
    for (const { a, b, rank, dOut } of group.modules) {
      const own = Array.from({ length: rank }, (_, k) => {
        let sum = 0n
        for (let i = 0; i < group.dIn; i++) sum += BigInt(x[t * group.dIn + i]!) * BigInt(a[k * group.dIn + i]!)
        return sum
      })
      h.push(...own)
      for (let j = 0; j < dOut; j++) y.push(own.reduce((sum, value, k) => sum + value * BigInt(b[k * dOut + j]!), 0n))
    }
  }
  return { h, y }
}

// dIn · r ≤ 40 · 9: exact for any weights of these widths.
for (const [activationBits, weightBits] of [
  [16, 12],
  [16, 15],
  [8, 4]
] as const) {
  test(`h and y are those of BigInt, for any group and rows of ${activationBits} and ${weightBits} bits`, t => {
    fc.assert(
      fc.property(groupWithRows(activationBits, weightBits), ({ group, x, count }) => {
        const h = hidden(group, x, count)
        const y = outputs(group, h, count)
        const expected = byDefinition(group, x, count)
        t.deepEqual([...h].map(BigInt), expected.h)
        t.deepEqual([...y].map(BigInt), expected.y)
        t.is(h.length, count * rankSum(group))
        t.is(y.length, count * outputSum(group))
      }),
      { numRuns: 60 }
    )
  })
}

test('the largest products that the bound allows are exact, in wide blocks, too', t => {
  // dIn · r = 2^16 at the default widths; 1200 outputs are three blocks.
  const [dIn, rank, dOut] = [4096, 16, 1200]
  const a = new Int16Array(rank * dIn).fill(2047)
  const b = new Int16Array(rank * dOut).map((_, i) => (i % 2 === 0 ? 2047 : -2047))
  const group: QuantizedGroup = { dIn, modules: [{ name: 'm', dOut, rank, a, b, scale: 1 }] }
  const x = new Int16Array(2 * dIn).fill(32767)
  x[dIn] = 32766
  const y = outputs(group, hidden(group, x, 2), 2)
  t.is(BigInt(y[0]!), 4096n * 32767n * 2047n * 16n * 2047n)
  t.is(BigInt(y[dOut - 1]!), -BigInt(y[0]!))
  t.is(BigInt(y[dOut]!), (4096n * 32767n - 1n) * 2047n * 16n * 2047n)
})

test('more rows and outputs than a block, of widths that fill no vector, are those of BigInt', t => {
  // 70 rows and 4,105 outputs are two blocks each; the last has 9 outputs.
  const [dIn, rank, dOut, count] = [13, 5, 4105, 70]
  const entries = (length: number, most: number, factor: number): Int16Array =>
    Int16Array.from({ length }, (_, i) => ((i * factor) % (2 * most + 1)) - most)
  const module = { name: 'm', dOut, rank, a: entries(rank * dIn, 2047, 7919), b: entries(rank * dOut, 2047, 104729), scale: 1 }
  const group: QuantizedGroup = { dIn, modules: [{ ...module, dOut: 1, b: entries(rank, 2047, 31) }, module] }
  const x = entries(count * dIn, 32767, 15485863)
  const h = hidden(group, x, count)
  const expected = byDefinition(group, x, count)
  t.deepEqual([...h].map(BigInt), expected.h)
  const y = outputs(group, h, count)
  t.is(y.length, expected.y.length)
  t.true(y.every((value, i) => BigInt(value) === expected.y[i]))
})

test('a row alone gives what it gives among others', t => {
  fc.assert(
    fc.property(groupWithRows(16, 12), ({ group, x, count }) => {
      const together = outputs(group, hidden(group, x, count), count)
      const alone = Array.from({ length: count }, (_, row) => [
        ...outputs(group, hidden(group, x.subarray(row * group.dIn, (row + 1) * group.dIn), 1), 1)
      ])
      t.deepEqual([...together], alone.flat())
    }),
    { numRuns: 30 }
  )
})

test("dequantising multiplies by the module's and the row's scale, and rounds once", t => {
  const modules = [
    { dOut: 2, scale: 0.1 },
    { dOut: 1, scale: 3 }
  ]
  const out = dequantize({ modules, y: Float64Array.from([10, -20, 5, 1, 2 ** 53, 0]), rowScales: Float64Array.from([2, 0.5]) })
  t.deepEqual(out, Float32Array.from([10 * 0.2, -20 * 0.2, 30, 0.05, 2 ** 53 * 0.05, 0]))
})

test('lengths that do not fit are errors of the caller', t => {
  const group: QuantizedGroup = { dIn: 3, modules: [{ name: 'm', dOut: 2, rank: 1, a: new Int16Array(3), b: new Int16Array(2), scale: 1 }] }
  t.throws(() => hidden(group, new Int16Array(5), 2), { instanceOf: RangeError, message: 'x has 5 entries, 6 were expected' })
  t.throws(() => outputs(group, new Float64Array(3), 2), { instanceOf: RangeError, message: 'h has 3 entries, 2 were expected' })
  t.throws(() => dequantize({ modules: group.modules, y: new Float64Array(3), rowScales: new Float64Array(2) }), {
    instanceOf: RangeError,
    message: 'y has 3 entries, 4 were expected'
  })
})
