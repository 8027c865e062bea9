/** Ristretto255 (RFC 9496, section 4.3), two points at a time: decoding, encoding and the one-way map. */
import {
  D, D_MINUS_ONE_SQ, INVSQRT_A_MINUS_D, MINUS_D, ONE, ONE_MINUS_D_SQ, SQRT_AD_MINUS_ONE, SQRT_M1, ZERO
} from './constants'
import { fromEntries, storeEntries } from './entries'
import { carry, laneMask, minus, mul, plus, select, sqr } from './field'
import { isOdd, isValue, readLane, writeLane } from './lanes'
import { add, BUCKET, ENTRY, PAIR, T, unzipBuckets, Y, Z, zipBuckets } from './points'
import { invertRoot } from './powers'

const A: usize = memory.data(80, 16)
const B: usize = memory.data(80, 16)
const C: usize = memory.data(80, 16)
const V: usize = memory.data(80, 16)
const S: usize = memory.data(80, 16)
const R: usize = memory.data(80, 16)
const X_: usize = memory.data(80, 16)
const Y_: usize = memory.data(80, 16)
const NEGATIVE: usize = memory.data(80, 16)
const BYTES_OF_ZERO: usize = memory.data(32, 16)
/** For the second lane when there is no second point. */
const SPARE: usize = memory.data(112, 16)

/** a = |a|: the even one of a and −a; a of one unit. */
function absolute(a: usize): void {
  const mask = laneMask(isOdd(a, 0), isOdd(a, 1))
  minus(NEGATIVE, ZERO, a)
  carry(NEGATIVE, NEGATIVE)
  select(a, NEGATIVE, a, mask)
}

/** True for the canonical bytes of an even residue. */
function isCanonical(s: usize): bool {
  const a = load<u64>(s), d = load<u64>(s, 24)
  if ((a & 1) != 0 || d >> 63 != 0) return false
  return !(d == 0x7fffffffffffffff && (load<u64>(s, 8) & load<u64>(s, 16)) == 0xffffffffffffffff && a >= 0xffffffffffffffed)
}

/** Entries of two encodings. @returns bit k set: encoding k is canonical (else its entry is worth nothing) */
function decodePair(s0: usize, s1: usize, e0: usize, e1: usize): i32 {
  let good = <i32>isCanonical(s0) | (<i32>isCanonical(s1) << 1)
  readLane(S, 0, s0)
  readLane(S, 1, s1)
  sqr(A, S)
  plus(B, ONE, A) // u2 = 1 + s²
  minus(A, ONE, A) // u1 = 1 − s² (3)
  carry(A, A)
  sqr(C, B) // u2²
  sqr(V, A)
  mul(V, V, MINUS_D)
  minus(V, V, C) // v = −d u1² − u2² (3)
  mul(X_, V, C)
  good &= invertRoot(R, X_)
  mul(X_, R, B) // den_x
  mul(Y_, R, X_)
  mul(Y_, V, Y_) // den_y
  mul(Y_, Y_, A)
  plus(S, S, S)
  mul(X_, X_, S)
  absolute(X_)
  mul(A, X_, Y_)
  for (let lane = 0; lane < 2; lane++) if (isOdd(A, lane) || isValue(Y_, lane, BYTES_OF_ZERO)) good &= ~(1 << lane)
  storeEntries(e0, e1, X_, Y_)
  return good
}

/** n encodings of 32 bytes to entries. @returns the index of the first one that is not canonical, or −1 */
export function decode(encodings: usize, entries: usize, n: i32): i32 {
  for (let i = 0; i < n; i += 2, encodings += 64, entries += 2 * ENTRY) {
    const one = i + 1 == n
    const good = decodePair(encodings, one ? encodings : encodings + 32, entries, one ? SPARE : entries + ENTRY)
    if (good != 3) return good & 1 ? i + 1 : i
  }
  return -1
}

const P: usize = memory.data(320, 16)

/** Encodings of the pair at P. */
function encodePair(s0: usize, s1: usize): void {
  plus(A, P + Z, P + Y)
  minus(B, P + Z, P + Y) // (3)
  mul(A, A, B) // u1 = (Z + Y)(Z − Y)
  mul(B, P, P + Y) // u2 = XY
  sqr(V, B)
  mul(V, V, A)
  invertRoot(R, V)
  mul(A, R, A) // den1
  mul(B, R, B) // den2
  mul(V, A, B)
  mul(V, V, P + T) // z_inv
  mul(C, P + T, V)
  const rotate = laneMask(isOdd(C, 0), isOdd(C, 1))
  mul(X_, P + Y, SQRT_M1)
  mul(Y_, P, SQRT_M1)
  mul(C, A, INVSQRT_A_MINUS_D)
  select(X_, X_, P, rotate)
  select(Y_, Y_, P + Y, rotate)
  select(C, C, B, rotate) // den_inv
  mul(A, X_, V)
  const flip = laneMask(isOdd(A, 0), isOdd(A, 1))
  minus(NEGATIVE, ZERO, Y_)
  carry(NEGATIVE, NEGATIVE)
  select(Y_, NEGATIVE, Y_, flip)
  minus(S, P + Z, Y_) // (3)
  mul(S, S, C)
  absolute(S)
  writeLane(s0, S, 0)
  writeLane(s1, S, 1)
}

/** n entries to encodings of 32 bytes. */
export function encode(entries: usize, encodings: usize, n: i32): void {
  for (let i = 0; i < n; i += 2, encodings += 64, entries += 2 * ENTRY) {
    const one = i + 1 == n
    fromEntries(P, entries, one ? entries : entries + ENTRY)
    encodePair(encodings, one ? encodings : encodings + 32)
  }
}

const Q: usize = memory.data(320, 16)
const HALVES: usize = memory.data(576, 16)

/** p = MAP(t0), MAP(t1) of the lower 255 bits of two times 32 bytes (section 4.3.4). */
function mapPair(p: usize, t0: usize, t1: usize): void {
  readLane(S, 0, t0)
  readLane(S, 1, t1)
  sqr(R, S)
  mul(A, R, SQRT_M1) // r = √−1 · t²
  plus(B, A, ONE)
  mul(B, B, ONE_MINUS_D_SQ) // u = (r + 1)(1 − d²)
  mul(C, A, MINUS_D)
  minus(C, C, ONE) // −1 − rd (3)
  plus(V, A, D)
  mul(V, C, V) // v = (−1 − rd)(r + d)
  // √(u/v) = u/√(uv), and √(√−1 · u/v) likewise where uv is no square.
  mul(C, B, V)
  const squares = invertRoot(R, C)
  mul(R, R, B)
  absolute(R) // s
  const isSquare = laneMask(squares & 1, squares >> 1)
  mul(X_, R, S)
  absolute(X_)
  minus(X_, ZERO, X_) // s' = −|s · t|
  carry(X_, X_)
  select(S, R, X_, isSquare)
  minus(Y_, ZERO, ONE)
  carry(Y_, Y_)
  select(C, Y_, A, isSquare) // c = −1 or r
  minus(A, A, ONE) // (3)
  mul(C, C, A)
  mul(C, C, D_MINUS_ONE_SQ)
  minus(C, C, V) // N = c(r − 1)(d − 1)² − v (3)
  mul(A, C, SQRT_AD_MINUS_ONE) // w1 = N √(ad − 1)
  plus(B, S, S)
  mul(B, B, V) // w0 = 2sv
  sqr(C, S)
  plus(V, ONE, C) // w3 = 1 + s² (2)
  minus(C, ONE, C) // w2 = 1 − s² (3)
  mul(p, B, V)
  mul(p + Y, C, A)
  mul(p + Z, A, V)
  mul(p + T, B, C)
}

/**
 * n times 64 bytes to the points that the one-way map gives, MAP of the first half and MAP of the second added: pairs, two points after
 * each other (an odd last one twice).
 */
export function mapAll(wide: usize, pairs: usize, n: i32): void {
  for (let i = 0; i < n; i += 2, wide += 128, pairs += PAIR) {
    const second = i + 1 < n ? wide + 64 : wide
    mapPair(P, wide, wide + 32)
    mapPair(Q, second, second + 32)
    unzipBuckets(HALVES, HALVES + BUCKET, P)
    unzipBuckets(HALVES + 2 * BUCKET, HALVES + 3 * BUCKET, Q)
    zipBuckets(P, HALVES, HALVES + 2 * BUCKET)
    zipBuckets(Q, HALVES + BUCKET, HALVES + 3 * BUCKET)
    add(pairs, P, Q)
  }
}

/** Index of the first identity among n entries, or −1: x = 0 or y = 0 (RFC 9496, section 4.3.3). */
export function indexOfIdentity(entries: usize, n: i32): i32 {
  for (let i = 0; i < n; i++, entries += ENTRY) {
    // (y + x)/2 is ± (y − x)/2: −dxy is 0 exactly then.
    fromEntries(P, entries, entries)
    if (isValue(P + T, 0, BYTES_OF_ZERO)) return i
  }
  return -1
}
