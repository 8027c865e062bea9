import test from 'ava'
import fc from 'fast-check'
import { InvalidInputError } from '../../src/errors.js'
import { DEFAULT_PROFILE, profileBits, PROFILES, quantizeAdapter, quantizeModule, quantizeRows } from '../../src/lora/index.js'
import type { PeftModule } from '../../src/lora/index.js'
import { floats, peftModule } from './arbitrary.js'
import { readAdapter } from './files.js'

test('the largest activation of a row becomes 2^(a−1) − 1, and each row has its own scale', t => {
  const { x, scales, count } = quantizeRows(Float32Array.from([1, -2, 0.5, 0, 1000, 3]), 3, 16)
  t.deepEqual([...x], [16384, -32767, 8192, 0, 32767, 98])
  t.deepEqual([...scales], [2 / 32767, 1000 / 32767])
  t.is(count, 2)
})

test('ties are rounded to the even integer, on both sides of zero', t => {
  // The scale is 1: the largest of the row is 127.
  const { x } = quantizeRows(Float32Array.from([127, 0.5, 1.5, 2.5, 3.5, -0.5, -1.5, -2.5, 0.49999997]), 9, 8)
  t.deepEqual([...x], [127, 0, 2, 2, 4, 0, -2, -2, 0])
})

test('an all-zero row has scale 1', t => {
  const { x, scales } = quantizeRows(new Float32Array(4), 2, 16)
  t.deepEqual([...x], [0, 0, 0, 0])
  t.deepEqual([...scales], [1, 1])
})

test('no rows are no rows', t => {
  t.is(quantizeRows(new Float32Array(0), 5, 16).count, 0)
})

for (const value of [NaN, Infinity, -Infinity]) {
  test(`${value} in an activation row is refused with the row`, t => {
    const error = t.throws(() => quantizeRows(Float32Array.from([1, 2, value, 4]), 2, 16), { instanceOf: InvalidInputError })
    t.regex(error.message, /row 1 has a NaN or an infinity/)
  })
}

test('activations that are no whole number of rows are an error of the caller', t => {
  t.throws(() => quantizeRows(new Float32Array(5), 2, 16), { instanceOf: RangeError })
})

test('any row is within half a step of its integers, in the range of its bits', t => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 16 }), floats(12), (activationBits, row) => {
      const { x, scales } = quantizeRows(row, 12, activationBits)
      const most = 2 ** (activationBits - 1) - 1
      for (const [i, value] of row.entries()) {
        t.true(Math.abs(x[i]!) <= most)
        t.true(Math.abs(value - x[i]! * scales[0]!) <= (scales[0]! / 2) * (1 + 1e-9))
      }
      if (row.some(value => value !== 0)) t.true(x.some(value => Math.abs(value) === most))
    })
  )
})

/** rank 2, dIn 2, dOut 2 */
function moduleOf(a: readonly number[], b: readonly number[], scaling = 2): PeftModule {
  return { name: 'm', dIn: 2, dOut: 2, rank: 2, scaling, a: Float32Array.from(a), b: Float32Array.from(b) }
}

test('columns of A are scaled one by one, B once for the module, and the scale holds the scaling', t => {
  // lora_A rows (columns of A): (1, -0.5), (4, 2); lora_B rows: (8, 1), (4, -3)
  const { a, b, scale } = quantizeModule(moduleOf([1, -0.5, 4, 2], [8, 1, 4, -3]), 4)
  // 7 is the largest 4-bit integer; column scales 1/7 and 4/7.
  t.deepEqual([...a], [7, -4, 7, 4])
  // B's rows times the column scales: (8/7, 4/7), (4/7, -12/7); scale 12/49. -3.5 / 7 ties: 4.67 → 5, 2.33 → 2, 2.33 → 2, -7.
  t.deepEqual([...b], [5, 2, 2, -7])
  t.true(Math.abs(scale - (2 * 12) / 49) < 1e-15)
})

test('an all-zero column of A adds nothing and does not coarsen the others', t => {
  const { a, b, scale } = quantizeModule(moduleOf([1, -0.5, 0, 0], [8, 1000, 4, -1000]), 4)
  t.deepEqual([...a], [7, -4, 0, 0])
  t.deepEqual([...b], [7, 4, 0, 0])
  t.true(Math.abs(scale - (2 * 8) / 49) < 1e-15)
})

test('an untrained adapter (B all zero) has scale 1 times the scaling', t => {
  const { b, scale } = quantizeModule(moduleOf([1, 2, 3, 4], [0, 0, 0, 0], 0.5), 12)
  t.deepEqual([...b], [0, 0, 0, 0])
  t.is(scale, 0.5)
})

test('a scale that float64 cannot hold is refused with the module', t => {
  for (const scaling of [1e300 * 1e300, 1e-320 / 1e10])
    t.throws(() => quantizeModule(moduleOf([1, 1, 1, 1], [1, 1, 1, 1], scaling), 12), {
      instanceOf: InvalidInputError,
      message: /module m has the scale (Infinity|0): /
    })
})

for (const [where, module] of [
  ['A', moduleOf([1, NaN, 0, 0], [1, 1, 1, 1])],
  ['B', moduleOf([1, 1, 1, 1], [1, Infinity, 1, 1])],
  ['B where A is zero', moduleOf([1, 1, 0, 0], [1, NaN, 1, 1])]
] as const) {
  test(`NaN or infinity in ${where} is refused with the module`, t => {
    t.throws(() => quantizeModule(module, 12), {
      instanceOf: InvalidInputError,
      message: 'module m has a NaN or an infinity in its weights'
    })
  })
}

test('any weight is within half a step of its integer, in the range of its bits', t => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 16 }), peftModule(), (weightBits, module) => {
      const { a, b, scale } = quantizeModule(module, weightBits)
      const most = 2 ** (weightBits - 1) - 1
      const { rank, dIn, dOut } = module
      const slack = 1 + 1e-9
      for (let k = 0; k < rank; k++) {
        const column = module.a.subarray(k * dIn, (k + 1) * dIn)
        const columnScale = Math.max(...column.map(Math.abs)) / most
        for (let i = 0; i < dIn; i++) t.true(Math.abs(column[i]! - columnScale * a[k * dIn + i]!) <= (columnScale / 2) * slack)
        for (let j = 0; j < dOut; j++) {
          const wanted = columnScale * module.b[j * rank + k]!
          const step = scale / module.scaling
          t.true(Math.abs(wanted - step * b[k * dOut + j]!) <= (step / 2) * slack)
        }
      }
      t.true([...a, ...b].every(weight => Math.abs(weight) <= most))
    })
  )
})

test('an adapter is quantised in groups, at 12 and 16 bits by default', t => {
  const adapter = quantizeAdapter(readAdapter('shakespeare-llama'))
  t.is(adapter.baseModelName, 'novels-llama')
  t.deepEqual([adapter.activationBits, adapter.weightBits], [16, 12])
  t.deepEqual(
    adapter.groups.map(({ dIn, modules }) => [dIn, modules.length]),
    [1, 2, 3].flatMap(() => [
      [128, 3],
      [128, 1],
      [128, 2],
      [320, 1]
    ])
  )
})

test('quantising twice gives the same integers and scales', t => {
  t.deepEqual(quantizeAdapter(readAdapter('kjv-gpt2')), quantizeAdapter(readAdapter('kjv-gpt2')))
})

const WRONG_BITS = [
  { activationBits: 17 },
  { activationBits: 3 },
  { activationBits: 7.5 },
  { weightBits: 1 },
  { weightBits: 17 },
  { weightBits: NaN }
]
for (const bits of WRONG_BITS) {
  test(`${Object.entries(bits).join(' ')} is refused`, t => {
    const error = t.throws(() => quantizeAdapter(readAdapter('kjv-llama'), bits), { instanceOf: InvalidInputError })
    t.regex(error.message, new RegExp(`${Object.keys(bits)[0]} is .*must be a whole number from`))
  })
}

test('activations have the same bounds on their bits', t => {
  t.throws(() => quantizeRows(new Float32Array(2), 2, 17), { instanceOf: InvalidInputError, message: /activationBits is 17/ })
})

test('profiles are known by name, others are refused with those that are known', t => {
  t.deepEqual(profileBits(DEFAULT_PROFILE), { activationBits: 16, weightBits: 12 })
  t.deepEqual(profileBits('w4a8'), PROFILES.w4a8)
  for (const name of ['w99', 'constructor'])
    t.throws(() => profileBits(name), { instanceOf: InvalidInputError, message: /known are w12a16, w8a16, w8a8, w4a8/ })
})
