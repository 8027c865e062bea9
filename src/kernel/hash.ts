/** The labelled hashes of protocols/notation, over BLAKE3. */
import { blake3 } from '@noble/hashes/blake3.js'
import { prefixed, utf8 } from '../bytes.js'

const WIDE_BYTES = 64

/** A running BLAKE3 hash. */
export interface Blake3 {
  update(bytes: Uint8Array): Blake3
  /** Leaves the hash usable: what was absorbed so far. */
  digest(length?: number): Uint8Array
}

export function createBlake3(): Blake3 {
  const state = blake3.create({})
  const self: Blake3 = {
    update(bytes) {
      state.update(bytes)
      return self
    },
    digest(length = 32) {
      return state.clone().xof(length)
    }
  }
  return self
}

function labelled(label: string, items: readonly Uint8Array[], init: { key?: Uint8Array; dkLen: number }): Uint8Array {
  const state = blake3.create(init)
  state.update(prefixed(utf8(label)))
  for (const item of items) state.update(prefixed(item))
  return state.digest()
}

/** hash(L, x1 … xn): 32 bytes. */
export function hash(label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return labelled(label, items, { dkLen: 32 })
}

/** hashWide(L, x1 … xn): 64 bytes, to be reduced to a scalar or mapped to a point. */
export function hashWide(label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return labelled(label, items, { dkLen: WIDE_BYTES })
}

/** keyedWide(k, L, x1 … xn): 64 bytes in BLAKE3's keyed mode. @param key 32 bytes */
export function keyedHashWide(key: Uint8Array, label: string, ...items: readonly Uint8Array[]): Uint8Array {
  return labelled(label, items, { key, dkLen: WIDE_BYTES })
}
