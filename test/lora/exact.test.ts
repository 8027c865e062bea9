import test from 'ava'
import fc from 'fast-check'
import { InvalidInputError, UnsupportedError } from '../../src/errors.js'
import {
  adapterBounds,
  checkExact,
  EXACT_LIMIT,
  groupModules,
  groupOutputBounds,
  hidden,
  moduleBounds,
  outputs,
  publicOutputBound,
  quantizeAdapter,
  quantizeModule
} from '../../src/lora/index.js'
import type { QuantizedAdapter } from '../../src/lora/index.js'
import { groupWithRows } from './arbitrary.js'
import { ADAPTERS, readAdapter } from './files.js'
import type { AdapterName } from './files.js'

/** Quantised, whether exact or not. */
function unchecked(name: AdapterName, activationBits: number, weightBits: number): QuantizedAdapter {
  const { baseModelName, modules } = readAdapter(name)
  const groups = groupModules(modules).map(group => ({
    dIn: group.dIn,
    modules: group.modules.map(module => quantizeModule(module, weightBits))
  }))
  return { baseModelName, activationBits, weightBits, groups }
}

// The columns "worst case" of the data's README, computed there in Python: x·A, x·A·B, its exponent.
const WORST_CASES: Record<AdapterName, readonly (readonly [number, number, string, string, string])[]> = {
  'shakespeare-gpt2': [
    [16, 16, '5.27e+10', '5.88e+15', '52.4'],
    [16, 12, '3.29e+9', '2.30e+13', '44.4'],
    [16, 8, '2.04e+8', '8.83e+10', '36.4'],
    [8, 8, '7.91e+5', '3.42e+8', '28.3'],
    [8, 4, '4.37e+4', '1.03e+6', '20.0']
  ],
  'kjv-gpt2': [
    [16, 16, '1.63e+11', '1.25e+16', '53.5'],
    [16, 12, '1.02e+10', '4.86e+13', '45.5'],
    [16, 8, '6.31e+8', '1.87e+11', '37.4'],
    [8, 8, '2.45e+6', '7.24e+8', '29.4'],
    [8, 4, '1.34e+5', '2.12e+6', '21.0']
  ],
  'shakespeare-llama': [
    [16, 16, '1.09e+11', '1.06e+16', '53.2'],
    [16, 12, '6.79e+9', '4.13e+13', '45.2'],
    [16, 8, '4.22e+8', '1.59e+11', '37.2'],
    [8, 8, '1.63e+6', '6.16e+8', '29.2'],
    [8, 4, '8.93e+4', '1.92e+6', '20.9']
  ],
  'kjv-llama': [
    [16, 16, '5.21e+10', '4.92e+15', '52.1'],
    [16, 12, '3.25e+9', '1.92e+13', '44.1'],
    [16, 8, '2.02e+8', '7.39e+10', '36.1'],
    [8, 8, '7.82e+5', '2.86e+8', '28.1'],
    [8, 4, '4.34e+4', '8.79e+5', '19.7']
  ]
}
for (const name of ADAPTERS) {
  for (const [activationBits, weightBits, hiddenBound, outputBound, exponent] of WORST_CASES[name]) {
    test(`${name} at ${activationBits}, ${weightBits} bits: the worst case is 2^${exponent}`, t => {
      const bounds = adapterBounds(unchecked(name, activationBits, weightBits))
      t.is(Number(bounds.hidden).toExponential(2), hiddenBound)
      t.is(Number(bounds.output).toExponential(2), outputBound)
      t.is(Math.log2(Number(bounds.output)).toFixed(1), exponent)
    })
  }
}

for (const [name, message] of [
  [
    'kjv-gpt2',
    /^module transformer\.h\.\d\.\S+ \(\d+ wide, rank 4\) could give integers up to 2\^53\.5 with 16-bit activations and 16-bit weights; at most 2\^53/
  ],
  ['shakespeare-llama', /^module model\.layers\.\d\.\S+ \(\d+ wide, rank 8\) could give integers up to 2\^53\.3 .* weightBits 15$/]
] as const) {
  test(`${name} at 16, 16 bits is refused with the numbers, and the remedy holds`, t => {
    const error = t.throws(() => quantizeAdapter(readAdapter(name), { weightBits: 16 }), { instanceOf: UnsupportedError, message })
    const weightBits = Number(/weightBits (\d+)$/.exec(error.message)![1])
    t.notThrows(() => quantizeAdapter(readAdapter(name), { weightBits }))
  })
}

for (const name of ['shakespeare-gpt2', 'kjv-llama'] as const) {
  test(`${name} at 16, 16 bits stays below 2^53 and is accepted, though its widths alone allow more`, t => {
    const adapter = quantizeAdapter(readAdapter(name), { weightBits: 16 })
    const [group] = adapter.groups
    t.true(publicOutputBound({ dIn: group!.dIn, rank: group!.modules[0]!.rank, activationBits: 16, weightBits: 16 }) === EXACT_LIMIT)
    t.true(adapterBounds(adapter).output < EXACT_LIMIT)
  })
}

test('no row exceeds the bounds, and the row of the worst signs meets them', t => {
  fc.assert(
    fc.property(groupWithRows(16, 12), ({ group, x, count }) => {
      const { dIn } = group
      const module = group.modules[0]!
      const alone = { dIn, modules: [module] }
      const bounds = moduleBounds(module, dIn, 16)
      const h = hidden(alone, x, count)
      t.true(h.every(value => BigInt(Math.abs(value)) <= bounds.hidden))
      t.true(outputs(alone, h, count).every(value => BigInt(Math.abs(value)) <= bounds.output))
      const worst = Array.from({ length: module.rank }, (_, k) => {
        const signs = module.a.slice(k * dIn, (k + 1) * dIn).map(weight => 32767 * Math.sign(weight))
        return BigInt(hidden(alone, signs, 1)[k]!)
      })
      t.is(
        worst.reduce((most, value) => (value > most ? value : most)),
        bounds.hidden
      )
    }),
    { numRuns: 60 }
  )
})

test('one more in a weight is one step over the limit, and refused', t => {
  // 2 · 2 · 32767 · 32767² is above 2^53; with fewer ones in A it is not.
  const adapterOf = (a: readonly number[]): QuantizedAdapter => {
    const module = { name: 'm', dOut: 1, rank: 1, a: Int16Array.from(a), b: Int16Array.of(32767), scale: 1 }
    return { baseModelName: 'base', activationBits: 16, weightBits: 16, groups: [{ dIn: a.length, modules: [module] }] }
  }
  // 2^53 / 32767² = 8389120.07…: Σ|A| up to 8389120.
  const full = Array.from({ length: 256 }, () => 32767)
  const rest = 8389120 - 256 * 32767
  t.notThrows(() => checkExact(adapterOf([...full, rest])))
  t.throws(() => checkExact(adapterOf([...full, rest + 1])), { instanceOf: UnsupportedError, message: /up to 2\^53\.1 .* weightBits 15$/ })
})

test('weights beyond their width are refused, e.g. from a damaged store', t => {
  const adapter = unchecked('kjv-llama', 16, 4)
  t.notThrows(() => checkExact(adapter))
  for (const matrix of ['a', 'b'] as const) {
    const module = adapter.groups[1]!.modules[1]!
    const spoiled = { ...module, [matrix]: module[matrix].map((weight, i) => (i === 3 ? -8 : weight)) }
    const groups = adapter.groups.map((group, i) => (i === 1 ? { ...group, modules: [group.modules[0]!, spoiled] } : group))
    t.throws(() => checkExact({ ...adapter, groups }), {
      instanceOf: InvalidInputError,
      message: /layers\.1\.self_attn\.v_proj has a weight beyond 4 bits \(at most 7/
    })
  }
})

test("the receiver's bound is that of the widths, never above 2^53", t => {
  t.is(publicOutputBound({ dIn: 768, rank: 16, activationBits: 16, weightBits: 12 }), 768n * 16n * 32767n * 2047n ** 2n)
  t.is(publicOutputBound({ dIn: 4096, rank: 17, activationBits: 16, weightBits: 12 }), EXACT_LIMIT)
  // At the defaults it is exact for dIn · r ≤ 2^16, as the design says.
  t.true(publicOutputBound({ dIn: 4096, rank: 16, activationBits: 16, weightBits: 12 }) < EXACT_LIMIT)
})

test("each module of a group has the bound of its own rank, above its weights' bound", t => {
  const adapter = unchecked('shakespeare-llama', 16, 12)
  for (const group of adapter.groups) {
    const bounds = groupOutputBounds(group, adapter)
    t.deepEqual(
      bounds,
      group.modules.map(({ rank }) => group.dIn * rank * 32767 * 2047 ** 2)
    )
    for (const [m, module] of group.modules.entries()) t.true(moduleBounds(module, group.dIn, 16).output <= BigInt(bounds[m]!))
  }
})
