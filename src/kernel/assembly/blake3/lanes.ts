/** Four inputs at once, one in each lane: word i of all four is one vector. */
import { BLOCK, CV, IV, ROUNDS, SCHEDULE } from './compress'

/** The 16 message words of four blocks. */
export const MESSAGE: usize = memory.data(256, 16)

// @ts-ignore: decorator
@inline function add(a: v128, b: v128): v128 { return i32x4.add(a, b) }
// @ts-ignore: decorator
@inline function xor(a: v128, b: v128): v128 { return v128.xor(a, b) }
// @ts-ignore: decorator
@inline function turn16(a: v128): v128 { return v128.shuffle<u8>(a, a, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13) }
// @ts-ignore: decorator
@inline function turn12(a: v128): v128 { return v128.or(i32x4.shr_u(a, 12), i32x4.shl(a, 20)) }
// @ts-ignore: decorator
@inline function turn8(a: v128): v128 { return v128.shuffle<u8>(a, a, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12) }
// @ts-ignore: decorator
@inline function turn7(a: v128): v128 { return v128.or(i32x4.shr_u(a, 7), i32x4.shl(a, 25)) }
// @ts-ignore: decorator
@inline function message(s: usize, k: usize): v128 { return v128.load(MESSAGE + (<usize>load<u8>(s + k) << 2)) }
// @ts-ignore: decorator
@inline function word(a: usize): v128 { return v128.load32_splat(a) }

/** Four vectors at o, 16 bytes apart = the columns of a, b, c, d. */
function transpose(o: usize, step: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5), AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7)
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5), CD = v128.shuffle<u32>(c, d, 2, 6, 3, 7)
  v128.store(o, v128.shuffle<u64>(ab, cd, 0, 2))
  v128.store(o + step, v128.shuffle<u64>(ab, cd, 1, 3))
  v128.store(o + 2 * step, v128.shuffle<u64>(AB, CD, 0, 2))
  v128.store(o + 3 * step, v128.shuffle<u64>(AB, CD, 1, 3))
}

/**
 * The chaining values (4 × 32 bytes at `out`) of four inputs of so many whole blocks, `stride` bytes apart.
 * @param counter of the first input; `step` is added for each next
 * @param first, last flags of the first and last block, besides `flags`
 */
export function compressLanes(
  out: usize, key: usize, input: usize, stride: usize, blocks: i32, counter: u64, step: u64, flags: u32, first: u32, last: u32
): void {
  let v0 = word(key), v1 = word(key + 4), v2 = word(key + 8), v3 = word(key + 12)
  let v4 = word(key + 16), v5 = word(key + 20), v6 = word(key + 24), v7 = word(key + 28)
  const next = counter + step, third = next + step, fourth = third + step
  const low = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(<i32>counter), 1, <i32>next), 2, <i32>third), 3, <i32>fourth)
  const high = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(
    i32x4.splat(<i32>(counter >> 32)), 1, <i32>(next >> 32)), 2, <i32>(third >> 32)), 3, <i32>(fourth >> 32))
  for (let i = 0; i < blocks; i++) {
    for (let part: usize = 0; part < BLOCK; part += 16) {
      const at = input + part
      transpose(
        MESSAGE + (part << 2), 16, v128.load(at), v128.load(at + stride), v128.load(at + 2 * stride), v128.load(at + 3 * stride)
      )
    }
    let v8 = word(IV), v9 = word(IV + 4), v10 = word(IV + 8), v11 = word(IV + 12)
    let v12 = low, v13 = high, v14 = i32x4.splat(<i32>BLOCK)
    let v15 = i32x4.splat(flags | (i == 0 ? first : 0) | (i == blocks - 1 ? last : 0))
    for (let s = SCHEDULE, end = SCHEDULE + 16 * ROUNDS; s < end; s += 16) {
      v0 = add(add(v0, v4), message(s, 0)); v12 = turn16(xor(v12, v0)); v8 = add(v8, v12); v4 = turn12(xor(v4, v8))
      v1 = add(add(v1, v5), message(s, 2)); v13 = turn16(xor(v13, v1)); v9 = add(v9, v13); v5 = turn12(xor(v5, v9))
      v2 = add(add(v2, v6), message(s, 4)); v14 = turn16(xor(v14, v2)); v10 = add(v10, v14); v6 = turn12(xor(v6, v10))
      v3 = add(add(v3, v7), message(s, 6)); v15 = turn16(xor(v15, v3)); v11 = add(v11, v15); v7 = turn12(xor(v7, v11))
      v0 = add(add(v0, v4), message(s, 1)); v12 = turn8(xor(v12, v0)); v8 = add(v8, v12); v4 = turn7(xor(v4, v8))
      v1 = add(add(v1, v5), message(s, 3)); v13 = turn8(xor(v13, v1)); v9 = add(v9, v13); v5 = turn7(xor(v5, v9))
      v2 = add(add(v2, v6), message(s, 5)); v14 = turn8(xor(v14, v2)); v10 = add(v10, v14); v6 = turn7(xor(v6, v10))
      v3 = add(add(v3, v7), message(s, 7)); v15 = turn8(xor(v15, v3)); v11 = add(v11, v15); v7 = turn7(xor(v7, v11))
      v0 = add(add(v0, v5), message(s, 8)); v15 = turn16(xor(v15, v0)); v10 = add(v10, v15); v5 = turn12(xor(v5, v10))
      v1 = add(add(v1, v6), message(s, 10)); v12 = turn16(xor(v12, v1)); v11 = add(v11, v12); v6 = turn12(xor(v6, v11))
      v2 = add(add(v2, v7), message(s, 12)); v13 = turn16(xor(v13, v2)); v8 = add(v8, v13); v7 = turn12(xor(v7, v8))
      v3 = add(add(v3, v4), message(s, 14)); v14 = turn16(xor(v14, v3)); v9 = add(v9, v14); v4 = turn12(xor(v4, v9))
      v0 = add(add(v0, v5), message(s, 9)); v15 = turn8(xor(v15, v0)); v10 = add(v10, v15); v5 = turn7(xor(v5, v10))
      v1 = add(add(v1, v6), message(s, 11)); v12 = turn8(xor(v12, v1)); v11 = add(v11, v12); v6 = turn7(xor(v6, v11))
      v2 = add(add(v2, v7), message(s, 13)); v13 = turn8(xor(v13, v2)); v8 = add(v8, v13); v7 = turn7(xor(v7, v8))
      v3 = add(add(v3, v4), message(s, 15)); v14 = turn8(xor(v14, v3)); v9 = add(v9, v14); v4 = turn7(xor(v4, v9))
    }
    v0 = xor(v0, v8); v1 = xor(v1, v9); v2 = xor(v2, v10); v3 = xor(v3, v11)
    v4 = xor(v4, v12); v5 = xor(v5, v13); v6 = xor(v6, v14); v7 = xor(v7, v15)
    input += BLOCK
  }
  transpose(out, CV, v0, v1, v2, v3)
  transpose(out + 16, CV, v4, v5, v6, v7)
}
