/**
 * Products of small integer matrices: what a contributor answers with. Sums of absolute values stay at or below 2^53, so that 64-bit
 * integers and float64 both hold every partial sum exactly and the order of additions is free.
 */

/** acc + the two pairs of v. */
@inline function addPairs(acc: v128, v: v128): v128 {
  return v128.add<i64>(acc, v128.add<i64>(v128.extend_low<i32>(v), v128.extend_high<i32>(v)))
}

@inline function storeSum(at: usize, acc: v128): void {
  store<f64>(at, <f64>(v128.extract_lane<i64>(acc, 0) + v128.extract_lane<i64>(acc, 1)))
}

/**
 * h[t, k] = Σ_i x[t, i] · a[k, i], f64.
 * @param x rows of `vectors` times eight i16, none of them −2^15: two products of others add up within 32 bits
 * @param a columns of as many, zeros where rows are padded
 * @param step entries from one row of h to the next
 */
export function smallDots(h: usize, step: i32, x: usize, count: i32, a: usize, columns: i32, vectors: i32): void {
  const bytes = (<usize>vectors) << 4
  for (let t = 0; t < count; t++) {
    const row = x + bytes * t
    const out = h + ((<usize>step * t) << 3)
    let k = 0
    for (; k + 4 <= columns; k += 4) {
      const a0 = a + bytes * k, a1 = a0 + bytes, a2 = a1 + bytes, a3 = a2 + bytes
      let s0 = i64x2.splat(0), s1 = i64x2.splat(0), s2 = i64x2.splat(0), s3 = i64x2.splat(0)
      for (let i: usize = 0; i < bytes; i += 16) {
        const v = v128.load(row + i)
        s0 = addPairs(s0, i32x4.dot_i16x8_s(v, v128.load(a0 + i)))
        s1 = addPairs(s1, i32x4.dot_i16x8_s(v, v128.load(a1 + i)))
        s2 = addPairs(s2, i32x4.dot_i16x8_s(v, v128.load(a2 + i)))
        s3 = addPairs(s3, i32x4.dot_i16x8_s(v, v128.load(a3 + i)))
      }
      const to = out + ((<usize>k) << 3)
      storeSum(to, s0)
      storeSum(to + 8, s1)
      storeSum(to + 16, s2)
      storeSum(to + 24, s3)
    }
    for (; k < columns; k++) {
      const a0 = a + bytes * k
      let s0 = i64x2.splat(0)
      for (let i: usize = 0; i < bytes; i += 16) s0 = addPairs(s0, i32x4.dot_i16x8_s(v128.load(row + i), v128.load(a0 + i)))
      storeSum(out + ((<usize>k) << 3), s0)
    }
  }
}

@inline function timesPlus(acc: v128, factor: v128, v: v128): v128 {
  return v128.add<f64>(acc, v128.mul<f64>(factor, v))
}

/** The upper half of a vector of i32, below. */
@inline function upper(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 2, 3, 2, 3)
}

/**
 * y[t, j] = Σ_k h[t, k] · b[k, j], f64.
 * @param step entries from one row of h to the next
 * @param b rows of `vectors` times eight i16
 * @param y rows of as many f64
 */
export function combineRows(y: usize, h: usize, step: i32, count: i32, b: usize, rank: i32, vectors: i32): void {
  const bytes = (<usize>vectors) << 4
  const bytesOfY = bytes << 2
  const bytesOfH = (<usize>step) << 3
  for (let j: usize = 0; j < bytes; j += 16) {
    let t = 0
    for (; t + 2 <= count; t += 2) {
      let p0 = f64x2.splat(0), p1 = f64x2.splat(0), p2 = f64x2.splat(0), p3 = f64x2.splat(0)
      let q0 = f64x2.splat(0), q1 = f64x2.splat(0), q2 = f64x2.splat(0), q3 = f64x2.splat(0)
      let at = b + j
      let from = h + bytesOfH * t
      for (let k = 0; k < rank; k++, at += bytes, from += 8) {
        const entries = v128.load(at)
        const low = v128.extend_low<i16>(entries), high = v128.extend_high<i16>(entries)
        const p = v128.load_splat<i64>(from), q = v128.load_splat<i64>(from + bytesOfH)
        const v0 = f64x2.convert_low_i32x4_s(low)
        p0 = timesPlus(p0, p, v0)
        q0 = timesPlus(q0, q, v0)
        const v1 = f64x2.convert_low_i32x4_s(upper(low))
        p1 = timesPlus(p1, p, v1)
        q1 = timesPlus(q1, q, v1)
        const v2 = f64x2.convert_low_i32x4_s(high)
        p2 = timesPlus(p2, p, v2)
        q2 = timesPlus(q2, q, v2)
        const v3 = f64x2.convert_low_i32x4_s(upper(high))
        p3 = timesPlus(p3, p, v3)
        q3 = timesPlus(q3, q, v3)
      }
      const to = y + bytesOfY * t + (j << 2)
      v128.store(to, p0)
      v128.store(to, p1, 16)
      v128.store(to, p2, 32)
      v128.store(to, p3, 48)
      v128.store(to + bytesOfY, q0)
      v128.store(to + bytesOfY, q1, 16)
      v128.store(to + bytesOfY, q2, 32)
      v128.store(to + bytesOfY, q3, 48)
    }
    for (; t < count; t++) {
      let p0 = f64x2.splat(0), p1 = f64x2.splat(0), p2 = f64x2.splat(0), p3 = f64x2.splat(0)
      let at = b + j
      let from = h + bytesOfH * t
      for (let k = 0; k < rank; k++, at += bytes, from += 8) {
        const entries = v128.load(at)
        const low = v128.extend_low<i16>(entries), high = v128.extend_high<i16>(entries)
        const p = v128.load_splat<i64>(from)
        p0 = timesPlus(p0, p, f64x2.convert_low_i32x4_s(low))
        p1 = timesPlus(p1, p, f64x2.convert_low_i32x4_s(upper(low)))
        p2 = timesPlus(p2, p, f64x2.convert_low_i32x4_s(high))
        p3 = timesPlus(p3, p, f64x2.convert_low_i32x4_s(upper(high)))
      }
      const to = y + bytesOfY * t + (j << 2)
      v128.store(to, p0)
      v128.store(to, p1, 16)
      v128.store(to, p2, 32)
      v128.store(to, p3, 48)
    }
  }
}
