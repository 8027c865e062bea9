/** Powers of a field element, both lanes at once. */
import { BYTES_OF_MINUS_ONE, BYTES_OF_MINUS_SQRT_M1, BYTES_OF_ONE, ONE, SQRT_M1 } from './constants'
import { laneMask, mul, select, sqr } from './field'
import { sameBytes, writeLane } from './lanes'

const A: usize = memory.data(80, 16)
const B: usize = memory.data(80, 16)
const C: usize = memory.data(80, 16)
const POWER_11: usize = memory.data(80, 16)
const RUN: usize = memory.data(80, 16)

/** o = a^(2^n). */
function sqrTimes(o: usize, a: usize, n: i32): void {
  sqr(o, a)
  for (let i = 1; i < n; i++) sqr(o, o)
}

/** RUN = a^(2^250 − 1), POWER_11 = a^11. */
function run250(a: usize): void {
  sqr(A, a)
  sqrTimes(B, A, 2); mul(B, B, a) // 9
  mul(POWER_11, B, A)
  sqr(A, POWER_11); mul(B, A, B) // 2^5 − 1
  sqrTimes(A, B, 5); mul(B, A, B) // 2^10 − 1
  sqrTimes(A, B, 10); mul(A, A, B) // 2^20 − 1
  sqrTimes(C, A, 20); mul(A, C, A) // 2^40 − 1
  sqrTimes(A, A, 10); mul(B, A, B) // 2^50 − 1
  sqrTimes(A, B, 50); mul(A, A, B) // 2^100 − 1
  sqrTimes(C, A, 100); mul(A, C, A) // 2^200 − 1
  sqrTimes(A, A, 50); mul(RUN, A, B)
}

/** o = 1/a = a^(p − 2), or 0 for 0; p − 2 = 2^5 · (2^250 − 1) + 11. */
export function invert(o: usize, a: usize): void {
  run250(a)
  sqrTimes(RUN, RUN, 5)
  mul(o, RUN, POWER_11)
}

const W3: usize = memory.data(80, 16)
const CHECK: usize = memory.data(80, 16)
const BYTES: usize = memory.data(64, 16)

/**
 * o = ±1/√w where w is a square, ±√(√−1 / w) where not, 0 for 0: SQRT_RATIO_M1(1, w) of RFC 9496, section 4.2, without its choice
 * of the sign. o and w are different elements.
 * @returns bit k set: lane k of w is a square and not 0
 */
export function invertRoot(o: usize, w: usize): i32 {
  // o = w³ · (w⁷)^((p − 5)/8); (p − 5)/8 = 4 · (2^250 − 1) + 1.
  sqr(W3, w); mul(W3, W3, w)
  sqr(CHECK, W3); mul(CHECK, CHECK, w)
  run250(CHECK)
  sqrTimes(RUN, RUN, 2); mul(RUN, RUN, CHECK)
  mul(o, W3, RUN)
  // w · o² is 1 or −1 for a square, ±√−1 for another; the sign asks for a factor √−1.
  sqr(CHECK, o); mul(CHECK, CHECK, w)
  let squares = 0, times0 = 0, times1 = 0
  for (let lane = 0; lane < 2; lane++) {
    const bytes = BYTES + 32 * lane
    writeLane(bytes, CHECK, lane)
    const minus = sameBytes(bytes, BYTES_OF_MINUS_ONE)
    if (minus || sameBytes(bytes, BYTES_OF_ONE)) squares |= 1 << lane
    const times = <i32>(minus || sameBytes(bytes, BYTES_OF_MINUS_SQRT_M1))
    if (lane == 0) times0 = times
    else times1 = times
  }
  select(CHECK, SQRT_M1, ONE, laneMask(times0, times1))
  mul(o, o, CHECK)
  return squares
}
