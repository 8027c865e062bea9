/**
 * Row commitments over tables: multiples 0 to 128 of each base, so that every signed 8-bit digit that is not 0 costs one addition.
 * Base by base, so that one table serves all rows while it is in the processor's cache; lanes are two rows, or the two digits of one.
 */
import { setIdentityEntry, toEntries } from './entries'
import { add, addEntries, BUCKET, doubleTimes, ENTRY, PAIR, setIdentity, unzipBuckets, zipBuckets } from './points'

const MULTIPLES: i32 = 128
/** Bytes of a table. */
export const TABLE: usize = 129 * ENTRY

const CURRENT: usize = memory.data(320, 16)
/** 128 pairs. */
const POINTS: usize = memory.data(40960, 16)

/** The tables t0 and t1 of the bases e0 and e1. */
export function makeTables(e0: usize, e1: usize, t0: usize, t1: usize): void {
  setIdentityEntry(t0)
  setIdentityEntry(t1)
  setIdentity(CURRENT)
  for (let k = 0; k < MULTIPLES; k++) {
    addEntries(CURRENT, e0, 0, e1, 0)
    memory.copy(POINTS + PAIR * k, CURRENT, PAIR)
  }
  toEntries(POINTS, MULTIPLES, t0 + ENTRY, t1 + ENTRY, ENTRY)
}

/** Where what was loaded only to be in the cache ends up. */
let touched: i64 = 0
const LINE: usize = 64
const LINES: i32 = 226
/** With fewer pairs of rows it does not pay to load a whole table: then the entries alone that come next. */
const TOUCH_FROM: i32 = 24

/** The entry of a digit's absolute value. */
@inline function entryOf(table: usize, digit: i32, negative: i32): usize {
  return table + ENTRY * ((digit ^ -negative) + negative)
}

/** Loads the lines of an entry. */
@inline function touch(entry: usize): i64 {
  return load<i64>(entry) + load<i64>(entry, 56) + load<i64>(entry, 104)
}

/** Loads all entries that a base needs, in one go, so that the waits for memory overlap. */
function touchEntries(table: usize, digits: usize, pairs: i32): i64 {
  let s: i64 = 0
  for (let p = 0; p < pairs; p++, digits += 4) {
    const both = load<u32>(digits), a = <i32><i16>both, b = <i32>both >> 16
    s += touch(entryOf(table, a, a >>> 31)) + touch(entryOf(table, b, b >>> 31))
  }
  return s
}

/**
 * sums_p += Σ_i digits[i, p] · base_i for pairs p of lanes.
 * @param tables n + 1 addresses, the last one that of any table
 * @param digits n + 1 times 2 pairs digits of 8 bits (rowDigits), the last ones 0
 */
export function addRows(sums: usize, tables: usize, digits: usize, n: i32, pairs: i32): void {
  const lines = pairs < TOUCH_FROM ? 0 : (LINES + pairs - 1) / pairs
  let s: i64 = 0
  for (let i = 0; i < n; i++, tables += 4) {
    const table = <usize>load<u32>(tables)
    // Loading the next table bit by bit on the way: without it each table comes from memory when it is waited for.
    let next = <usize>load<u32>(tables, 4)
    const end = next + TABLE
    if (lines == 0) s += touchEntries(next, digits + ((<usize>pairs) << 2), pairs)
    let sum = sums
    for (let p = 0; p < pairs; p++, sum += PAIR, digits += 4) {
      for (let k = 0; k < lines && next < end; k++, next += LINE) s += load<i64>(next)
      const both = load<u32>(digits)
      if (both == 0) continue
      const a = <i32><i16>both, b = <i32>both >> 16
      const n0 = a >>> 31, n1 = b >>> 31
      addEntries(sum, entryOf(table, a, n0), n0, entryOf(table, b, n1), n1)
    }
  }
  touched += s
}

export function setIdentities(pairs: usize, n: i32): void {
  for (let k = 0; k < n; k++) setIdentity(pairs + PAIR * k)
}

const TERM: usize = memory.data(320, 16)

/**
 * Joins the digits' sums: Σ_w 2^(8w) · sum[w · count + t] for each row t, as pairs of two rows (an odd last one twice).
 * @param buckets room for as many buckets as there are lanes
 */
export function joinDigits(sums: usize, count: i32, digits: i32, buckets: usize, out: usize): void {
  const pairs = (count * digits + 1) >> 1
  for (let p = 0; p < pairs; p++) unzipBuckets(buckets + 2 * BUCKET * p, buckets + 2 * BUCKET * p + BUCKET, sums + PAIR * p)
  for (let t = 0; t < count; t += 2, out += PAIR) {
    const step = t + 1 < count ? BUCKET : 0
    let b = buckets + BUCKET * ((digits - 1) * count + t)
    zipBuckets(out, b, b + step)
    for (let w = digits - 2; w >= 0; w--) {
      b -= BUCKET * count
      doubleTimes(out, 8)
      zipBuckets(TERM, b, b + step)
      add(out, out, TERM)
    }
  }
}
