/** Sums of multiples of points without tables: Pippenger's buckets over signed digits; lanes are two windows. */
import { add, addToBuckets, BUCKET, doubleTimes, ENTRY, PAIR, setIdentity, setIdentityBuckets, unzipBuckets, zipBuckets } from './points'

const SUM: usize = memory.data(320, 16)
const PARTIAL: usize = memory.data(320, 16)
const TERM: usize = memory.data(320, 16)

/** o = Σ_k k · (b0_k, b1_k), k from 1 to m, as the sum of all partial sums from the top. */
function joinBuckets(o: usize, b0: usize, b1: usize, m: i32): void {
  setIdentity(o)
  setIdentity(PARTIAL)
  for (let k = m; k > 0; k--) {
    zipBuckets(TERM, b0 + BUCKET * k, b1 + BUCKET * k)
    add(PARTIAL, PARTIAL, TERM)
    add(o, o, PARTIAL)
  }
}


/** Buckets of two windows: `digits` and `digits + n`. */
function windowPair(entries: usize, n: i32, d0: usize, c: i32, buckets: usize): void {
  const m = 1 << (c - 1), b0 = buckets, b1 = buckets + BUCKET * (m + 1), d1 = d0 + ((<usize>n) << 1)
  setIdentityBuckets(buckets, 2 * (m + 1))
  for (let i = 0; i < n; i++, entries += ENTRY) {
    const at = (<usize>i) << 1
    const a = <i32>load<i16>(d0 + at), b = <i32>load<i16>(d1 + at)
    if ((a | b) == 0) continue
    const n0 = a >>> 31, n1 = b >>> 31
    addToBuckets(b0 + BUCKET * ((a ^ -n0) + n0), b1 + BUCKET * ((b ^ -n1) + n1), entries, n0, entries, n1)
  }
  joinBuckets(SUM, b0, b1, m)
}

const SINGLE: usize = memory.data(288, 16)

/**
 * o = Σ_i value_i · entry_i in lane 0.
 * @param digits of c bits, an even number of windows, window by window (digits.ts)
 * @param buckets room for 2 · (2^(c−1) + 1) buckets
 */
export function multiply(o: usize, entries: usize, n: i32, digits: usize, c: i32, windows: i32, buckets: usize): void {
  setIdentity(o)
  for (let w = windows - 2; w >= 0; w -= 2) {
    windowPair(entries, n, digits + ((<usize>(w * n)) << 1), c, buckets)
    unzipBuckets(SINGLE, SINGLE + BUCKET, SUM)
    for (let k = 1; k >= 0; k--) {
      doubleTimes(o, c)
      zipBuckets(TERM, SINGLE + BUCKET * k, SINGLE + BUCKET * k)
      add(o, o, TERM)
    }
  }
}
