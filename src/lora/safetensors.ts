/**
 * Reads safetensors files from bytes. Nothing in the header is believed before it is checked: its length against a bound and
 * the file, every offset against the data, every shape against its bytes, and the tensors must cover the data without
 * overlap or hole.
 *
 * Format: 8 bytes header length (little endian), a JSON object name → { dtype, shape, data_offsets }, the data.
 * Source: https://github.com/huggingface/safetensors#format
 */
import { z } from 'zod'
import { InvalidInputError, UnsupportedError } from '../errors.js'

/** Bytes of a header. An adapter of 1024 modules has about 400 KiB; the format's own bound is 100 MB. */
export const MAX_HEADER_BYTES = 8 * 1024 * 1024

const LENGTH_BYTES = 8

/** Bytes of one element. What the format knows besides is refused when it is read. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'].map(dtype => [dtype, 1] as const),
  ...['U16', 'I16', 'F16', 'BF16'].map(dtype => [dtype, 2] as const),
  ...['U32', 'I32', 'F32'].map(dtype => [dtype, 4] as const),
  ...['U64', 'I64', 'F64', 'C64'].map(dtype => [dtype, 8] as const)
])

/** Where a tensor lies; checked, not yet read. */
export interface TensorEntry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  /** From the start of the file, in bytes. */
  readonly from: number
  readonly to: number
}

export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Row-major, finite. */
  readonly data: Float32Array
}

const size = z.number().int().nonnegative()
const entrySchema = z.object({ dtype: z.string(), shape: z.array(size).max(8), data_offsets: z.tuple([size, size]) })

/**
 * Reads and checks the header of a whole file.
 * @throws InvalidInputError for a header or an offset that does not fit the file, UnsupportedError for an unknown data type
 */
export function readSafetensorsHeader(bytes: Uint8Array): Map<string, TensorEntry> {
  const { header, dataFrom } = parseHeader(bytes)
  const entries: TensorEntry[] = []
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') entries.push(checkEntry({ name, value, dataFrom, fileBytes: bytes.length }))
  }
  checkCover(entries, dataFrom, bytes.length)
  return new Map(entries.map(entry => [entry.name, entry]))
}

/**
 * One tensor as float32: F32 as it is, F16 and BF16 widened (exactly).
 * @throws UnsupportedError for another data type, InvalidInputError for NaN or infinity
 */
export function readTensor(bytes: Uint8Array, entry: TensorEntry): Tensor {
  const decode = DECODERS.get(entry.dtype)
  if (decode === undefined) {
    throw new UnsupportedError(`tensor ${entry.name} is stored as ${entry.dtype}; F32, F16 and BF16 can be read, so save it as one of them`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + entry.from, entry.to - entry.from)
  const data = new Float32Array(view.byteLength / ELEMENT_BYTES.get(entry.dtype)!)
  for (let i = 0; i < data.length; i++) {
    const value = decode(view, i)
    if (!Number.isFinite(value)) {
      throw new InvalidInputError(`tensor ${entry.name} has ${value} at element ${i}; weights must be finite`)
    }
    data[i] = value
  }
  return { name: entry.name, shape: entry.shape, data }
}

/** All tensors of a file, in the order of its header. @throws like readSafetensorsHeader and readTensor */
export function readSafetensors(bytes: Uint8Array): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>()
  for (const entry of readSafetensorsHeader(bytes).values()) tensors.set(entry.name, readTensor(bytes, entry))
  return tensors
}

function parseHeader(bytes: Uint8Array): { header: object; dataFrom: number } {
  if (bytes.length < LENGTH_BYTES)
    throw new InvalidInputError(`not a safetensors file: it has ${bytes.length} bytes, at least 8 are needed`)
  const claimed = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true)
  if (claimed > BigInt(MAX_HEADER_BYTES)) {
    throw new InvalidInputError(
      `not a safetensors file that can be read: its header claims ${claimed} bytes, at most ${MAX_HEADER_BYTES} are accepted`
    )
  }
  const dataFrom = LENGTH_BYTES + Number(claimed)
  if (dataFrom > bytes.length) {
    throw new InvalidInputError(`the safetensors file is cut off: its header claims ${claimed} bytes, the file has ${bytes.length}`)
  }
  let header: unknown
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(LENGTH_BYTES, dataFrom)))
  } catch (cause) {
    throw new InvalidInputError('the header of the safetensors file is not JSON in UTF-8', { cause })
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new InvalidInputError('the header of the safetensors file is not a JSON object')
  }
  return { header, dataFrom }
}

function checkEntry(given: { name: string; value: unknown; dataFrom: number; fileBytes: number }): TensorEntry {
  const { name, value, dataFrom, fileBytes } = given
  const parsed = entrySchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw new InvalidInputError(
      `the safetensors header of tensor ${name} is wrong at ${issue.path.join('.') || 'its entry'}: ${issue.message}`
    )
  }
  const { dtype, shape, data_offsets: offsets } = parsed.data
  const elementBytes = ELEMENT_BYTES.get(dtype)
  if (elementBytes === undefined)
    throw new UnsupportedError(`tensor ${name} is stored as ${dtype}, which is not known; F32, F16 and BF16 can be read`)
  const [from, to] = [dataFrom + offsets[0], dataFrom + offsets[1]]
  if (to < from || to > fileBytes) {
    throw new InvalidInputError(`tensor ${name} lies at bytes ${offsets[0]} to ${offsets[1]} of ${fileBytes - dataFrom} bytes of data`)
  }
  const expected = shape.reduce((product, length) => product * BigInt(length), BigInt(elementBytes))
  if (expected !== BigInt(to - from)) {
    throw new InvalidInputError(
      `tensor ${name} of shape [${shape.join(', ')}] in ${dtype} takes ${expected} bytes, its offsets span ${to - from}`
    )
  }
  return { name, dtype, shape, from, to }
}

/** The format allows neither overlaps nor holes: every byte of the data belongs to one tensor. */
function checkCover(entries: readonly TensorEntry[], dataFrom: number, fileBytes: number): void {
  let at = dataFrom
  for (const entry of [...entries].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (entry.from !== at) {
      throw new InvalidInputError(
        `tensor ${entry.name} ${entry.from < at ? 'overlaps the one before it' : `leaves ${entry.from - at} bytes before it unused`}`
      )
    }
    at = entry.to
  }
  if (at !== fileBytes) throw new InvalidInputError(`the safetensors file has ${fileBytes - at} bytes after its last tensor`)
}

type Decoder = (view: DataView, index: number) => number

const bits = new DataView(new ArrayBuffer(4))

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['F32', (view, index) => view.getFloat32(4 * index, true)],
  ['BF16', (view, index) => bfloat16(view.getUint16(2 * index, true))],
  ['F16', (view, index) => float16(view.getUint16(2 * index, true))]
])

/** bfloat16 is the upper half of a float32. */
function bfloat16(half: number): number {
  bits.setUint32(0, half << 16)
  return bits.getFloat32(0)
}

/** IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 bits of fraction. */
function float16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 0x1f
  const fraction = half & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}
