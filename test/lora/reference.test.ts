/** Our deltas against those that PyTorch and PEFT computed in float32 (test/fixtures/reference). */
import test from 'ava'
import { dequantize, groupModules, hidden, outputs, PROFILES, quantizeAdapter, quantizeRows } from '../../src/lora/index.js'
import type { PeftModule, QuantizationBits, QuantizedModule, QuantizedRows, Tensor } from '../../src/lora/index.js'
import { ADAPTERS, readAdapter, readReference } from './files.js'
import type { AdapterName } from './files.js'

/** Unit roundoff of float32. */
const U32 = 2 ** -24

interface Case {
  readonly module: PeftModule
  /** rows × dIn */
  readonly x: Float32Array
  /** rows × dOut */
  readonly delta: Float32Array
  readonly rows: number
}

function cases(name: AdapterName): Case[] {
  const reference = readReference(name)
  return readAdapter(name).modules.map(module => {
    const { data: x, shape } = tensor(reference, `${module.name}.x`)
    return { module, x, delta: tensor(reference, `${module.name}.delta`).data, rows: shape[0]! }
  })
}

function tensor(reference: Map<string, Tensor>, name: string): Tensor {
  const found = reference.get(name)
  if (found === undefined) throw new Error(`the reference has no ${name}`)
  return found
}

/** Σ_k left_k · right_k, of which each is a function of k. */
function sum(count: number, term: (k: number) => number): number {
  let total = 0
  for (let k = 0; k < count; k++) total += term(k)
  return total
}

/**
 * scaling · (x A) B of one row in float64, with the bound for what float32 may differ: a sum of n products in any order is off by at
 * most n u / (1 − n u) times the sum of absolute values (Higham, Accuracy and Stability, 3.1). Here: dIn products, then r, then two
 * roundings for the scaling (of the number, and of the product).
 */
function floatDelta({ module, x }: Case, t: number): { delta: number[]; tolerance: number[] } {
  const { dIn, dOut, rank, a, b, scaling } = module
  const product = (k: number) => sum(dIn, i => x[t * dIn + i]! * a[k * dIn + i]!)
  const size = (k: number) => sum(dIn, i => Math.abs(x[t * dIn + i]! * a[k * dIn + i]!))
  const h = Array.from({ length: rank }, (_, k) => product(k))
  const sizes = Array.from({ length: rank }, (_, k) => size(k))
  const n = dIn + rank + 2
  const gamma = (n * U32) / (1 - n * U32)
  return {
    delta: Array.from({ length: dOut }, (_, j) => scaling * sum(rank, k => h[k]! * b[j * rank + k]!)),
    tolerance: Array.from({ length: dOut }, (_, j) => gamma * scaling * sum(rank, k => sizes[k]! * Math.abs(b[j * rank + k]!)))
  }
}

for (const name of ADAPTERS) {
  test(`${name}: the weights as read give PEFT's deltas to float32 rounding`, t => {
    let worst = 0
    for (const given of cases(name)) {
      for (let row = 0; row < given.rows; row++) {
        const { delta, tolerance } = floatDelta(given, row)
        for (let j = 0; j < delta.length; j++) {
          const error = Math.abs(given.delta[row * delta.length + j]! - delta[j]!)
          if (error > tolerance[j]!) t.fail(`${given.module.name}, row ${row}, output ${j}: off by ${error}, at most ${tolerance[j]}`)
          worst = Math.max(worst, error / tolerance[j]!)
        }
      }
    }
    t.log(`largest error: ${worst.toFixed(3)} of the bound`)
    t.pass()
  })
}

/**
 * How far the quantised delta of one row may be from the exact one, from the scales alone. With x̂ = s_t·x, Â = c_k·A, and the k-th
 * row of B times c_k rounded to s_B·B̂ (s_m = scaling · s_B):
 *
 *     |x − x̂| ≤ s_t / 2,   |A_ik − Â_ik| ≤ c_k / 2,   |c_k B_kj − s_B B̂_kj| ≤ s_B / 2
 *     e_k = |x·A_k − x̂·Â_k| ≤ Σ_i (|x_i| c_k / 2 + |Â_ik| s_t / 2)
 *     |delta − delta̅| ≤ scaling · Σ_k e_k |B_kj|  +  s_t · s_m / 2 · Σ_k |h_k|,    h = the integers x·A
 *
 * To it comes what float32 may differ (floatDelta) and the one rounding of the result to float32. Nothing here is fitted: a
 * rounding to the wrong side, a scale of the wrong column or a row of the wrong module leaves the bound.
 */
function quantisedTolerance(given: {
  case: Case
  quantized: QuantizedModule
  rows: QuantizedRows
  t: number
  weightBits: number
  h: Float64Array
}): number[] {
  const {
    case: { module, x },
    quantized,
    rows,
    t,
    weightBits,
    h
  } = given
  const { dIn, dOut, rank, a, b, scaling } = module
  const rowScale = rows.scales[t]!
  const errors = Array.from({ length: rank }, (_, k) => {
    const columnScale = Math.max(...a.subarray(k * dIn, (k + 1) * dIn).map(Math.abs)) / (2 ** (weightBits - 1) - 1)
    return sum(dIn, i => (Math.abs(x[t * dIn + i]!) * columnScale) / 2 + (Math.abs(columnScale * quantized.a[k * dIn + i]!) * rowScale) / 2)
  })
  const fromB = ((rowScale * quantized.scale) / 2) * sum(rank, k => Math.abs(h[k]!))
  return Array.from({ length: dOut }, (_, j) => scaling * sum(rank, k => errors[k]! * Math.abs(b[j * rank + k]!)) + fromB)
}

interface Comparison {
  /** Largest error as a share of its bound. */
  readonly worst: number
  /** Root mean square of the errors, of the deltas, and of the bounds. */
  readonly error: number
  readonly size: number
  readonly bound: number
}

/** All deltas of an adapter, through groups, integers and scales. */
function compareQuantised(name: AdapterName, bits: QuantizationBits, spoil: (module: QuantizedModule) => void = () => {}): Comparison {
  const all = cases(name)
  const adapter = quantizeAdapter(readAdapter(name), bits)
  const [squares, count] = [{ error: 0, size: 0, bound: 0 }, { entries: 0 }]
  let worst = 0
  for (const group of adapter.groups) {
    const members = group.modules.map(module => all.find(({ module: { name } }) => name === module.name)!)
    const { x, rows: length } = members[0]!
    // What the groups claim: one input tensor for all their modules.
    for (const member of members)
      if (member.x.some((value, i) => value !== x[i])) throw new Error(`${member.module.name} has another input`)
    group.modules.forEach(spoil)
    const rows = quantizeRows(x, group.dIn, bits.activationBits)
    const h = hidden(group, rows.x, length)
    const delta = dequantize({ modules: group.modules, y: outputs(group, h, length), rowScales: rows.scales })
    const [ranks, width] = [h.length / length, delta.length / length]
    for (let t = 0; t < length; t++) {
      let [hAt, at] = [t * ranks, t * width]
      for (const [m, member] of members.entries()) {
        const { rank, dOut } = member.module
        const quantized = group.modules[m]!
        const tolerance = quantisedTolerance({
          case: member,
          quantized,
          rows,
          t,
          weightBits: bits.weightBits,
          h: h.subarray(hAt, hAt + rank)
        })
        const float = floatDelta(member, t)
        for (let j = 0; j < dOut; j++) {
          const expected = member.delta[t * dOut + j]!
          const error = Math.abs(delta[at + j]! - expected)
          const bound = tolerance[j]! + float.tolerance[j]! + Math.abs(expected) * 2 * U32
          worst = Math.max(worst, error / bound)
          squares.error += error ** 2
          squares.size += expected ** 2
          squares.bound += bound ** 2
          count.entries++
        }
        hAt += rank
        at += dOut
      }
    }
  }
  const rms = (total: number) => Math.sqrt(total / count.entries)
  return { worst, error: rms(squares.error), size: rms(squares.size), bound: rms(squares.bound) }
}

/** The bound must mean something: at the default widths it is below this share of the deltas themselves. */
const SHARP = 0.02

for (const name of ADAPTERS) {
  for (const [profile, bits] of Object.entries(PROFILES)) {
    test(`${name} as ${profile}: integer deltas are PEFT's within the bound of the scales`, t => {
      const { worst, error, size, bound } = compareQuantised(name, bits)
      t.log(
        `error ${((error / size) * 100).toFixed(3)} % of the deltas (bound ${((bound / size) * 100).toFixed(2)} %); largest ${worst.toFixed(3)} of its bound`
      )
      t.true(worst <= 1)
      if (profile === 'w12a16') t.true(bound / size < SHARP)
    })
  }
}

test('one weight of another sign leaves the bound', t => {
  const { worst } = compareQuantised('kjv-llama', PROFILES.w12a16, module => {
    const largest = module.b.reduce((at, weight, i) => (Math.abs(weight) > Math.abs(module.b[at]!) ? i : at), 0)
    module.b[largest]! *= -1
  })
  t.true(worst > 1, `${worst}`)
})

test('groups of the reference adapters are those whose inputs are the same tensor', t => {
  for (const name of ADAPTERS) {
    const all = cases(name)
    const inputs = new Map(all.map(({ module, x }) => [module.name, x]))
    const distinct = new Set(all.map(({ x }) => x.join()))
    t.is(groupModules(all.map(({ module }) => module)).length, distinct.size, name)
    t.is(inputs.size, all.length)
  }
})
