/**
 * Sums of products of small integers and scalars. A scalar is 32 signed digits of 8 bits, an integer of at most 16 bits one part, one of
 * 53 bits four parts of 16 bits; `i32x4.dot_i16x8_s` adds eight products at a time.
 */
import { entryAt } from './digits'
import { reduceWide } from './scalars'

const DIGITS: i32 = 32

/** Digit l of scalar i at out[l · step + i], i16; what lies between n and step is not touched. */
export function foldDigits(scalars: usize, n: i32, step: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    let carry = 0
    for (let l = 0; l < DIGITS; l++) {
      let digit = <i32>load<u8>(scalars + DIGITS * i + l) + carry
      carry = <i32>(digit > 127)
      digit -= carry << 8
      store<i16>(out + ((<usize>(l * step + i)) << 1), <i16>digit)
    }
  }
}

/** Part p of entry (t, i) at out[p · partStep + t · rowStep + i · columnStep], i16. */
export function splitRows(
  rows: usize, bytes: i32, count: i32, width: i32,
  rowStep: i32, columnStep: i32, partStep: i32, out: usize
): void {
  const parts = bytes == 8 ? 4 : 1
  for (let t = 0, k = 0; t < count; t++) {
    for (let i = 0; i < width; i++, k++) {
      let rest = entryAt(rows, bytes, k)
      let at = out + ((<usize>(t * rowStep + i * columnStep)) << 1)
      for (let p = 0; p < parts; p++, at += (<usize>partStep) << 1) {
        const part = <i64><i16>rest
        store<i16>(at, <i16>part)
        rest = (rest - part) >> 16
      }
    }
  }
}

/** 64 sums of digits, i64. They start from ℓ · 2^104, so that what negative terms leave is positive. */
const SUMS: usize = memory.data(512, 16)
const WIDE: usize = memory.data<u64>([0x0000000000000000, 0xf5d3ed0000000000, 0xf79cd65812631a5c, 0x00000014def9dea2, 0x0000000000000000, 0x0000001000000000, 0x0000000000000000, 0x0000000000000000], 16)
const BYTES: usize = memory.data(64, 16)

/** Vectors of eight products below 2^22 that add up below 2^31 in 32 bits: 128 · 2 · 2^22 = 2^30. */
const MOST_VECTORS: i32 = 128

@inline function addUp(at: usize, v: v128): void {
  const half = v128.add<i64>(v128.extend_low<i32>(v), v128.extend_high<i32>(v))
  store<i64>(at, load<i64>(at) + v128.extract_lane<i64>(half, 0) + v128.extract_lane<i64>(half, 1))
}

/** SUMS, from digit `shift` on, += Σ_i item_i · digits_i for `vectors` times eight i16. */
function dot(item: usize, digits: usize, step: usize, vectors: i32, shift: i32): void {
  for (let from = 0; from < vectors; from += MOST_VECTORS) {
    const start = (<usize>from) << 4, end = (<usize>min(vectors, from + MOST_VECTORS)) << 4
    for (let l = 0; l < DIGITS; l += 4) {
      const d0 = digits + step * l, d1 = d0 + step, d2 = d1 + step, d3 = d2 + step
      let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0)
      for (let k = start; k < end; k += 16) {
        const x = v128.load(item + k)
        s0 = v128.add<i32>(s0, i32x4.dot_i16x8_s(x, v128.load(d0 + k)))
        s1 = v128.add<i32>(s1, i32x4.dot_i16x8_s(x, v128.load(d1 + k)))
        s2 = v128.add<i32>(s2, i32x4.dot_i16x8_s(x, v128.load(d2 + k)))
        s3 = v128.add<i32>(s3, i32x4.dot_i16x8_s(x, v128.load(d3 + k)))
      }
      const to = SUMS + 8 * (l + shift)
      addUp(to, s0)
      addUp(to + 8, s1)
      addUp(to + 16, s2)
      addUp(to + 24, s3)
    }
  }
}

/**
 * One scalar for each item: Σ_i item_i · scalar_i.
 * @param items of `vectors` times eight i16 each, part p of item k at (p · items + k)
 * @param digits of as many scalars, step vectors × 8 (foldDigits), zeros where items are padded
 */
export function dotAll(out: usize, items: usize, count: i32, vectors: i32, parts: i32, digits: usize): void {
  const bytes = (<usize>vectors) << 4
  for (let k = 0; k < count; k++) {
    for (let l = 0; l < 64; l++) store<i64>(SUMS + 8 * l, <i64>load<u8>(WIDE + l))
    for (let p = 0; p < parts; p++) dot(items + bytes * (p * count + k), digits, bytes, vectors, 2 * p)
    let carry: i64 = 0
    for (let l = 0; l < 64; l++) {
      carry += load<i64>(SUMS + 8 * l)
      store<u8>(BYTES + l, <u8>carry)
      carry >>= 8
    }
    reduceWide(out + 32 * k, BYTES, 1)
  }
}
