/**
 * From floats to integers and back (session-proof, section 2).
 *
 * Activations: one scale for each row, s_t = max|x| / (2^(a−1) − 1). Weights: one scale for each column of A, taken into the
 * matching row of B before B is quantised with one scale for the whole module, so that one number s_m is left, which also holds
 * PEFT's scaling. Then delta = s_m · s_t · ((x A) B), with nothing rounded between the quantised input and the integer output.
 *
 * Rounding is to the nearest integer, ties to the even one (IEEE 754 roundTiesToEven, as torch.round, numpy.rint and ONNX's
 * Round), of a quotient taken in float64.
 */
import { InvalidInputError } from '../errors.js'
import { FORMAT_LIMITS } from '../limits.js'
import { checkExact } from './exact.js'
import { groupModules } from './groups.js'
import type { PeftAdapter, PeftModule, QuantizedAdapter, QuantizedModule, QuantizedRows } from './types.js'

/** Widths of the integers. */
export interface QuantizationBits {
  /** a: activations are integers with |x| ≤ 2^(a−1) − 1. */
  readonly activationBits: number
  /** b: weights are integers with |w| ≤ 2^(b−1) − 1. */
  readonly weightBits: number
}

/** Named widths. Losses measured on the reference adapters: below 0.001 nats for all but w4a8, which costs 0.02 to 0.04. */
export const PROFILES = {
  w12a16: { activationBits: 16, weightBits: 12 },
  w8a16: { activationBits: 16, weightBits: 8 },
  w8a8: { activationBits: 8, weightBits: 8 },
  w4a8: { activationBits: 8, weightBits: 4 }
} as const satisfies Record<string, QuantizationBits>

export type ProfileName = keyof typeof PROFILES

export const DEFAULT_PROFILE: ProfileName = 'w12a16'

/** @throws InvalidInputError for a name that is not in PROFILES */
export function profileBits(name: string): QuantizationBits {
  if (!Object.hasOwn(PROFILES, name))
    throw new InvalidInputError(`there is no profile ${JSON.stringify(name)}; known are ${Object.keys(PROFILES).join(', ')}`)
  return PROFILES[name as ProfileName]
}

/**
 * Quantises activation rows.
 * @param rows count × dIn, row-major
 * @returns integers with |x| ≤ 2^(activationBits−1) − 1, and s_t of each row (1 for an all-zero row)
 * @throws InvalidInputError for NaN or infinity, RangeError for a length that is no multiple of dIn
 */
export function quantizeRows(rows: Float32Array, dIn: number, activationBits: number): QuantizedRows {
  checkBits('activationBits', activationBits, FORMAT_LIMITS.activationBits)
  const count = rows.length / dIn
  if (!Number.isInteger(count)) throw new RangeError(`${rows.length} activations are no whole number of rows of ${dIn}`)
  const x = new Int16Array(rows.length)
  const scales = new Float64Array(count)
  for (let t = 0; t < count; t++) {
    const row = rows.subarray(t * dIn, (t + 1) * dIn)
    const scale = scaleOf(row, activationBits)
    if (scale === undefined)
      throw new InvalidInputError(`activation row ${t} has a NaN or an infinity; only finite activations can be sent`)
    scales[t] = scale
    roundInto(x.subarray(t * dIn, (t + 1) * dIn), row, scale)
  }
  return { x, scales, count }
}

/**
 * Quantises an adapter, in groups in manifest order.
 * @throws InvalidInputError for widths out of FORMAT_LIMITS, UnsupportedError when the products could exceed 2^53 (exact.ts)
 */
export function quantizeAdapter(adapter: PeftAdapter, bits: Partial<QuantizationBits> = {}): QuantizedAdapter {
  const { activationBits, weightBits } = { ...PROFILES[DEFAULT_PROFILE], ...bits }
  checkBits('activationBits', activationBits, FORMAT_LIMITS.activationBits)
  checkBits('weightBits', weightBits, FORMAT_LIMITS.weightBits)
  const groups = groupModules(adapter.modules).map(({ dIn, modules }) => ({
    dIn,
    modules: modules.map(module => quantizeModule(module, weightBits))
  }))
  const quantized = { baseModelName: adapter.baseModelName, activationBits, weightBits, groups }
  checkExact(quantized)
  return quantized
}

/**
 * Quantises one module. It does not check exactness, which depends on activationBits.
 * @throws InvalidInputError for NaN or infinity in its weights, or a scale that is no number above zero
 */
export function quantizeModule(module: PeftModule, weightBits: number): QuantizedModule {
  const { name, dIn, dOut, rank } = module
  const a = new Int16Array(rank * dIn)
  // Row k of B times the scale of column k of A; float64, since the product of two small floats may not be a float32.
  const scaledB = new Float64Array(rank * dOut)
  for (let k = 0; k < rank; k++) {
    const column = module.a.subarray(k * dIn, (k + 1) * dIn)
    const scale = finite(scaleOf(column, weightBits), name)
    roundInto(a.subarray(k * dIn, (k + 1) * dIn), column, scale)
    // What meets an all-zero column adds nothing; left in, unscaled as it is, it would only make s_m coarse.
    const used = column.some(weight => weight !== 0)
    for (let j = 0; j < dOut; j++) scaledB[k * dOut + j] = used ? module.b[j * rank + k]! * scale : finiteZero(module.b[j * rank + k]!)
  }
  const scale = finite(scaleOf(scaledB, weightBits), name)
  const b = new Int16Array(rank * dOut)
  roundInto(b, scaledB, scale)
  const scaled = scale * module.scaling
  // A user would refuse it only when a session opens.
  if (!(scaled > 0 && scaled < Infinity)) {
    throw new InvalidInputError(`module ${name} has the scale ${scaled}: its weights and lora_alpha are out of all proportion`)
  }
  return { name, dOut, rank, a, b, scale: scaled }
}

/** Zero for a finite value, NaN otherwise: so that a NaN is found also where it would be multiplied by zero. */
function finiteZero(value: number): number {
  return value * 0
}

function finite(scale: number | undefined, module: string): number {
  if (scale === undefined) throw new InvalidInputError(`module ${module} has a NaN or an infinity in its weights`)
  return scale
}

/** The scale that takes the largest absolute value to 2^(bits−1) − 1; 1 for all-zero values, undefined with NaN or infinity. */
function scaleOf(values: Float32Array | Float64Array, bits: number): number | undefined {
  let largest = 0
  let finite = true
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!)
    if (size > largest) largest = size
    if (!(size < Infinity)) finite = false
  }
  if (!finite) return undefined
  return largest === 0 ? 1 : largest / (2 ** (bits - 1) - 1)
}

/** 1.5 · 2^52: added and subtracted in float64, it rounds to an integer, ties to even, for any |v| < 2^51. */
const ROUND = 1.5 * 2 ** 52

function roundInto(out: Int16Array, values: Float32Array | Float64Array, scale: number): void {
  for (let i = 0; i < out.length; i++) out[i] = values[i]! / scale + ROUND - ROUND
}

function checkBits(what: string, value: number, [least, most]: readonly [number, number]): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new InvalidInputError(`${what} is ${value}; it must be a whole number from ${least} to ${most}`)
  }
}
