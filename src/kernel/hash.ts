/** The labelled hashes of protocols/notation, over BLAKE3. */
import { blake3 } from '@noble/hashes/blake3.js'
import { prefixed, utf8 } from '../bytes.js'
import { wasmBlake3 } from './wasm/blake3.js'

const WIDE_BYTES = 64

/** A running BLAKE3 hash. */
export interface Blake3 {
  update(bytes: Uint8Array): Blake3
  /** Leaves the hash usable: what was absorbed so far. */
  digest(length?: number): Uint8Array
  /** A second hash that goes on from here. */
  clone(): Blake3
}

/** In WebAssembly: sessions hash all their traffic. */
export function createBlake3(): Blake3 {
  return wasmBlake3()
}

function labelled<Running extends { update(bytes: Uint8Array): unknown }>(
  state: Running,
  label: string,
  items: readonly Uint8Array[]
): Running {
  state.update(prefixed(utf8(label)))
  for (const item of items) state.update(prefixed(item))
  return state
}

/** hash(L, x1 … xn): 32 bytes. */
export function hash(label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return labelled(createBlake3(), label, items).digest()
}

/** hashWide(L, x1 … xn): 64 bytes, to be reduced to a scalar or mapped to a point. */
export function hashWide(label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return labelled(createBlake3(), label, items).digest(WIDE_BYTES)
}

/** keyedWide(k, L, x1 … xn): 64 bytes in BLAKE3's keyed mode. @param key 32 bytes */
export function keyedHashWide(key: Uint8Array, label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return labelled(blake3.create({ key, dkLen: WIDE_BYTES }), label, items).digest()
}
