/** BLAKE3's compression function, and the order of its message words. */

/** Bytes of a block, and of a chaining value. */
export const BLOCK: usize = 64
export const CV: usize = 32

/** The first words of SHA-256, in which BLAKE3 starts without a key. */
export const IV: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
])

export const ROUNDS = 7
/** For each round the message words in the order of their use, as addresses in the block. */
export const SCHEDULE: usize = memory.data<u8>([
  0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60,
  8, 24, 12, 40, 28, 0, 16, 52, 4, 44, 48, 20, 36, 56, 60, 32,
  12, 16, 40, 48, 52, 8, 28, 56, 24, 20, 36, 0, 44, 60, 32, 4,
  40, 28, 48, 36, 56, 12, 52, 60, 16, 0, 44, 8, 20, 32, 4, 24,
  48, 52, 36, 44, 60, 40, 56, 32, 28, 8, 20, 12, 0, 4, 24, 16,
  36, 56, 44, 20, 32, 48, 60, 4, 52, 12, 0, 40, 8, 24, 16, 28,
  44, 60, 20, 0, 4, 36, 32, 24, 56, 40, 8, 48, 12, 16, 28, 52
])

/**
 * out (64 bytes) = what one block gives; its first half is the next chaining value. `out` can be `cv` or the block, if there is room.
 * @param length bytes of the block that count
 */
export function compress(out: usize, cv: usize, block: usize, counter: u64, length: u32, flags: u32): void {
  let v0 = load<u32>(cv), v1 = load<u32>(cv, 4), v2 = load<u32>(cv, 8), v3 = load<u32>(cv, 12)
  let v4 = load<u32>(cv, 16), v5 = load<u32>(cv, 20), v6 = load<u32>(cv, 24), v7 = load<u32>(cv, 28)
  const c0 = v0, c1 = v1, c2 = v2, c3 = v3, c4 = v4, c5 = v5, c6 = v6, c7 = v7
  let v8 = load<u32>(IV), v9 = load<u32>(IV, 4), v10 = load<u32>(IV, 8), v11 = load<u32>(IV, 12)
  let v12 = <u32>counter, v13 = <u32>(counter >> 32), v14 = length, v15 = flags
  for (let s = SCHEDULE, end = SCHEDULE + 16 * ROUNDS; s < end; s += 16) {
    v0 += v4 + load<u32>(block + load<u8>(s, 0)); v12 = rotr(v12 ^ v0, 16); v8 += v12; v4 = rotr(v4 ^ v8, 12)
    v1 += v5 + load<u32>(block + load<u8>(s, 2)); v13 = rotr(v13 ^ v1, 16); v9 += v13; v5 = rotr(v5 ^ v9, 12)
    v2 += v6 + load<u32>(block + load<u8>(s, 4)); v14 = rotr(v14 ^ v2, 16); v10 += v14; v6 = rotr(v6 ^ v10, 12)
    v3 += v7 + load<u32>(block + load<u8>(s, 6)); v15 = rotr(v15 ^ v3, 16); v11 += v15; v7 = rotr(v7 ^ v11, 12)
    v0 += v4 + load<u32>(block + load<u8>(s, 1)); v12 = rotr(v12 ^ v0, 8); v8 += v12; v4 = rotr(v4 ^ v8, 7)
    v1 += v5 + load<u32>(block + load<u8>(s, 3)); v13 = rotr(v13 ^ v1, 8); v9 += v13; v5 = rotr(v5 ^ v9, 7)
    v2 += v6 + load<u32>(block + load<u8>(s, 5)); v14 = rotr(v14 ^ v2, 8); v10 += v14; v6 = rotr(v6 ^ v10, 7)
    v3 += v7 + load<u32>(block + load<u8>(s, 7)); v15 = rotr(v15 ^ v3, 8); v11 += v15; v7 = rotr(v7 ^ v11, 7)
    v0 += v5 + load<u32>(block + load<u8>(s, 8)); v15 = rotr(v15 ^ v0, 16); v10 += v15; v5 = rotr(v5 ^ v10, 12)
    v1 += v6 + load<u32>(block + load<u8>(s, 10)); v12 = rotr(v12 ^ v1, 16); v11 += v12; v6 = rotr(v6 ^ v11, 12)
    v2 += v7 + load<u32>(block + load<u8>(s, 12)); v13 = rotr(v13 ^ v2, 16); v8 += v13; v7 = rotr(v7 ^ v8, 12)
    v3 += v4 + load<u32>(block + load<u8>(s, 14)); v14 = rotr(v14 ^ v3, 16); v9 += v14; v4 = rotr(v4 ^ v9, 12)
    v0 += v5 + load<u32>(block + load<u8>(s, 9)); v15 = rotr(v15 ^ v0, 8); v10 += v15; v5 = rotr(v5 ^ v10, 7)
    v1 += v6 + load<u32>(block + load<u8>(s, 11)); v12 = rotr(v12 ^ v1, 8); v11 += v12; v6 = rotr(v6 ^ v11, 7)
    v2 += v7 + load<u32>(block + load<u8>(s, 13)); v13 = rotr(v13 ^ v2, 8); v8 += v13; v7 = rotr(v7 ^ v8, 7)
    v3 += v4 + load<u32>(block + load<u8>(s, 15)); v14 = rotr(v14 ^ v3, 8); v9 += v14; v4 = rotr(v4 ^ v9, 7)
  }
  store<u32>(out, v0 ^ v8)
  store<u32>(out, v1 ^ v9, 4)
  store<u32>(out, v2 ^ v10, 8)
  store<u32>(out, v3 ^ v11, 12)
  store<u32>(out, v4 ^ v12, 16)
  store<u32>(out, v5 ^ v13, 20)
  store<u32>(out, v6 ^ v14, 24)
  store<u32>(out, v7 ^ v15, 28)
  store<u32>(out, v8 ^ c0, 32)
  store<u32>(out, v9 ^ c1, 36)
  store<u32>(out, v10 ^ c2, 40)
  store<u32>(out, v11 ^ c3, 44)
  store<u32>(out, v12 ^ c4, 48)
  store<u32>(out, v13 ^ c5, 52)
  store<u32>(out, v14 ^ c6, 56)
  store<u32>(out, v15 ^ c7, 60)
}
