/** Multiples of points and sums of a few of them, two at a time: signed digits of 5 bits over tables of the multiples 0 to 16. */
import { fromEntries } from './entries'
import { laneMask } from './field'
import { add, addEntries, double, doubleTimes, ENTRY, negateLanes, PAIR, setIdentity } from './points'

const WIDTH: i32 = 5
const HALF: i32 = 16
/** Multiples 0 to 16 of a pair. */
const TABLE_BYTES: usize = 5440
const TABLE: usize = memory.data(5440, 16)
const TERM: usize = memory.data(320, 16)

/** TERM = (d0 · lane 0, d1 · lane 1). */
function pick(table: usize, d0: i32, d1: i32): void {
  const n0 = d0 >>> 31, n1 = d1 >>> 31, lane0 = laneMask(1, 0)
  const a = table + PAIR * ((d0 ^ -n0) + n0), b = table + PAIR * ((d1 ^ -n1) + n1)
  for (let k: usize = 0; k < PAIR; k += 16) v128.store(TERM + k, v128.bitselect(v128.load(a + k), v128.load(b + k), lane0))
  if (n0 | n1) negateLanes(TERM, laneMask(n0, n1))
}

function fillTable(table: usize, e0: usize, e1: usize): void {
  setIdentity(table)
  fromEntries(table + PAIR, e0, e1)
  for (let k = 2; k <= HALF; k++) {
    if (k & 1) add(table + PAIR * k, table + PAIR * (k - 1), table + PAIR)
    else double(table + PAIR * k, table + PAIR * (k >> 1), true)
  }
}

/** o = (v0 · e0, v1 · e1), digits of v0 at d0 and of v1 at d1, each `step` i16 apart. */
function multiply(o: usize, e0: usize, e1: usize, d0: usize, d1: usize, step: usize, windows: i32): void {
  fillTable(TABLE, e0, e1)
  setIdentity(o)
  for (let w = windows - 1; w >= 0; w--) {
    const at = <usize>w * (step << 1)
    if (w < windows - 1) doubleTimes(o, WIDTH)
    const a = <i32>load<i16>(d0 + at), b = <i32>load<i16>(d1 + at)
    if ((a | b) == 0) continue
    pick(TABLE, a, b)
    add(o, o, TERM)
  }
}

/**
 * Pairs of value_i · entry_i, two after each other (an odd last one twice).
 * @param digits of 5 bits of `scalars` values, window by window (digits.ts); one value serves all entries, else there is one for each
 */
export function multiples(out: usize, entries: usize, n: i32, digits: usize, scalars: i32, windows: i32): void {
  const own = scalars == 1 ? 0 : 2
  for (let i = 0; i < n; i += 2, out += PAIR) {
    const j = i + 1 < n ? i + 1 : i
    multiply(out, entries + ENTRY * i, entries + ENTRY * j, digits + own * i, digits + own * j, scalars, windows)
  }
}

/**
 * Pairs of Σ_k value_k · entry_(k·n + i), two after each other (an odd last one twice): all terms share their doublings.
 * @param digits of 5 bits of `terms` values, window by window (digits.ts)
 * @param tables room for `terms` tables
 */
export function combinations(out: usize, entries: usize, n: i32, digits: usize, terms: i32, windows: i32, tables: usize): void {
  for (let i = 0; i < n; i += 2, out += PAIR) {
    const j = i + 1 < n ? i + 1 : i
    for (let k = 0; k < terms; k++) {
      fillTable(tables + TABLE_BYTES * k, entries + ENTRY * (k * n + i), entries + ENTRY * (k * n + j))
    }
    setIdentity(out)
    for (let w = windows - 1; w >= 0; w--) {
      if (w < windows - 1) doubleTimes(out, WIDTH)
      for (let k = 0; k < terms; k++) {
        const digit = <i32>load<i16>(digits + ((<usize>(w * terms + k)) << 1))
        if (digit == 0) continue
        pick(tables + TABLE_BYTES * k, digit, digit)
        add(out, out, TERM)
      }
    }
  }
}

/** pairs_i = (entry_2i, entry_2i+1), as above. */
export function pairsOf(out: usize, entries: usize, n: i32): void {
  for (let i = 0; i < n; i += 2, out += PAIR) fromEntries(out, entries + ENTRY * i, entries + ENTRY * (i + 1 < n ? i + 1 : i))
}

/** Adds entries to pairs. */
export function addToPairs(pairs: usize, entries: usize, n: i32): void {
  for (let i = 0; i < n; i += 2, pairs += PAIR) addEntries(pairs, entries + ENTRY * i, 0, entries + ENTRY * (i + 1 < n ? i + 1 : i), 0)
}
