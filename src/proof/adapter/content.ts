/** What stays with the contributor: the content digest, the blindings made from it, and the salted scales (protocols/adapter). */
import { concat, equal, prefixed, u32, utf8 } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import { createBlake3, hash, keyedHashWide } from '../../kernel/hash.js'
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedAdapter } from '../../lora/types.js'
import { LABELS } from '../labels.js'
import type { Manifest } from '../types.js'
import { encodeShape } from './encode.js'

const WIDE_BYTES = 64
const F64_BYTES = 8

/** Bytes of an i16 array; JavaScript's engines all run little endian. */
function bytesOf(values: Int16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** Hash of everything that is committed to. A fingerprint of the weights: never shown. */
export function contentDigest(base: Uint8Array, adapter: QuantizedAdapter): Uint8Array {
  const matrices = adapter.groups.flatMap(({ modules }) => modules.flatMap(({ a, b }) => [bytesOf(a), bytesOf(b)]))
  const hasher = createBlake3()
  hasher.update(concat([prefixed(utf8(LABELS.content)), prefixed(base), prefixed(encodeShape(adapter))]))
  hasher.update(u32(matrices.reduce((total, { length }) => total + length, 0)))
  for (const matrix of matrices) hasher.update(matrix)
  return hasher.digest()
}

/** Blindings of one module's columns of A or rows of B: rank scalars. `module` counts over all groups. */
export function blindingsOf(
  kernel: Kernel,
  { secret, content }: { secret: Uint8Array; content: Uint8Array },
  { matrix, module, rank }: { matrix: 'A' | 'B'; module: number; rank: number }
): Uint8Array {
  const wide = new Uint8Array(rank * WIDE_BYTES)
  for (let k = 0; k < rank; k++) {
    wide.set(keyedHashWide(secret, LABELS.blinding, utf8(matrix), content, u32(module), u32(k)), k * WIDE_BYTES)
  }
  return kernel.reduceWide(wide)
}

/** s_m of all modules in order. */
export function scalesOf(adapter: QuantizedAdapter): Float64Array {
  return Float64Array.from(adapter.groups.flatMap(({ modules }) => modules.map(({ scale }) => scale)))
}

export function hashScales(salt: Uint8Array, scales: Float64Array): Uint8Array {
  const bytes = new Uint8Array(scales.length * F64_BYTES)
  const view = new DataView(bytes.buffer)
  scales.forEach((scale, m) => view.setFloat64(m * F64_BYTES, scale, true))
  return hash(LABELS.scales, salt, bytes)
}

/**
 * The user's check at the start of a session.
 * @param scales s_m of all modules of the manifest in order
 * @throws InvalidProofError('scales') unless they are finite, above zero and those that the manifest was made with
 */
export function checkScales(manifest: Manifest, salt: Uint8Array, scales: Float64Array): void {
  const at = scales.findIndex(scale => !(scale > 0 && scale < Infinity))
  if (at !== -1) throw new InvalidProofError('scales', `scale ${at} is ${scales[at]}, not a finite number above zero`)
  if (!equal(hashScales(salt, scales), manifest.scalesHash)) throw new InvalidProofError('scales', 'they are not those of the manifest')
}
