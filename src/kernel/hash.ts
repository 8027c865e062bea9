/** The labelled hashes of protocols/notation, over BLAKE3. */
import { utf8 } from '../bytes.js'
import { hashPrefixed, wasmBlake3 } from './wasm/blake3.js'

const HASH_BYTES = 32
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

/** hash(L, x1 … xn): 32 bytes. */
export function hash(label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return hashPrefixed([utf8(label), ...items], { length: HASH_BYTES })
}

/** hashWide(L, x1 … xn): 64 bytes, to be reduced to a scalar or mapped to a point. */
export function hashWide(label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return hashPrefixed([utf8(label), ...items], { length: WIDE_BYTES })
}

/** keyedWide(k, L, x1 … xn): 64 bytes in BLAKE3's keyed mode. @param key 32 bytes */
export function keyedHashWide(key: Uint8Array, label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return hashPrefixed([utf8(label), ...items], { length: WIDE_BYTES, key })
}
