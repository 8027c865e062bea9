/**
 * Points of edwards25519, two at a time, as (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z on −x² + y² = 1 + dx²y² (Hisil, Wong, Carter,
 * Dawson, "Twisted Edwards Curves Revisited", 2008; a = −1). The formulas are complete: equal points, opposite ones and the identity
 * need no other way. Three layouts, all aligned to 16:
 *
 * - pair, 320 bytes: X, Y, Z, T, each a pair of elements of one unit (field.ts);
 * - entry, 112 bytes: an affine point made ready for additions: limbs 0 to 7 of (y + x)/2, of (y − x)/2 and of −dxy, 32 bytes each in
 *   the order 0 1 3 4 6 7 2 5, then their limbs 8, then 4 bytes of zeros. −dxy in the place of 2dxy and the halves keep all products
 *   of an addition at 6 units;
 * - bucket, 144 bytes: X, Y, Z, T of one point in that order of limbs, then their four limbs 8.
 */
import { MINUS_2D, ONE } from './constants'
import { carry, laneMask, minus, mul, negateIf, plus, sqr } from './field'

export const PAIR: usize = 320
export const ENTRY: usize = 112
export const BUCKET: usize = 144
/** Offsets in a pair. */
export const Y: usize = 80
export const Z: usize = 160
export const T: usize = 240

// Factors on their way into a multiplication.
const S0: usize = memory.data(80, 16)
const S1: usize = memory.data(80, 16)
const S2: usize = memory.data(80, 16)
const S3: usize = memory.data(80, 16)
const S4: usize = memory.data(80, 16)

export function setIdentity(p: usize): void {
  memory.fill(p, 0, PAIR)
  memory.copy(p + Y, ONE, 80)
  memory.copy(p + Z, ONE, 80)
}

export function setIdentityBuckets(p: usize, count: i32): void {
  memory.fill(p, 0, BUCKET * count)
  for (let i = 0; i < count; i++, p += BUCKET) {
    store<i32>(p, 1, 32)
    store<i32>(p, 1, 64)
  }
}

/**
 * What all additions end with: A in S0, B in S1, −C in S4, each of one unit, D of one unit at d (not S0 to S4).
 * E = B − A (3), F = D − C (2), G = D + C (3), H = B + A (2); all products have 6 units.
 */
@inline function finish(o: usize, d: usize): void {
  minus(S2, d, S4)
  plus(S3, d, S4)
  minus(S4, S1, S0)
  plus(S0, S1, S0)
  mul(o, S4, S3)
  mul(o + Y, S2, S0)
  mul(o + Z, S3, S2)
  mul(o + T, S4, S0)
}

/** The vectors of limbs 0 1 and 3 4 (6 7 and 2 5) of a pair of elements, from 16 bytes of each lane. */
@inline function zipLow(a: v128, b: v128): v128 { return v128.shuffle<u32>(a, b, 0, 4, 1, 5) }
@inline function zipHigh(a: v128, b: v128): v128 { return v128.shuffle<u32>(a, b, 2, 6, 3, 7) }
@inline function swapHalves(a: v128): v128 { return v128.shuffle<u32>(a, a, 2, 3, 0, 1) }

/** Vectors 0 to 3 of an element, from limbs 0 to 7 of each lane. */
@inline function zipLimbs(o: usize, a: usize, b: usize): void {
  const a0 = v128.load(a), b0 = v128.load(b), a1 = v128.load(a, 16), b1 = v128.load(b, 16)
  v128.store(o, zipLow(a0, b0))
  v128.store(o, zipHigh(a0, b0), 16)
  v128.store(o, zipLow(a1, b1), 32)
  v128.store(o, zipHigh(a1, b1), 48)
}

/** Limbs 0 to 7 of each lane, from vectors 0 to 3 of an element. */
@inline export function unzipLimbs(a: usize, b: usize, p: usize): void {
  const v0 = v128.load(p), v1 = v128.load(p, 16), v2 = v128.load(p, 32), v3 = v128.load(p, 48)
  v128.store(a, v128.shuffle<u32>(v0, v1, 0, 2, 4, 6))
  v128.store(a, v128.shuffle<u32>(v2, v3, 0, 2, 4, 6), 16)
  v128.store(b, v128.shuffle<u32>(v0, v1, 1, 3, 5, 7))
  v128.store(b, v128.shuffle<u32>(v2, v3, 1, 3, 5, 7), 16)
}

/** S2, S3, S4 = (y − x)/2, (y + x)/2, −dxy of the entries; where n is 1 of their negatives: the first two exchanged, −dxy negated. */
@inline function loadEntries(e0: usize, n0: i32, e1: usize, n1: i32): void {
  const o0 = (<usize>n0) << 5, o1 = (<usize>n1) << 5
  zipLimbs(S2, e0 + 32 - o0, e1 + 32 - o1)
  zipLimbs(S3, e0 + o0, e1 + o1)
  const m = laneMask(n0, n1)
  const a0 = v128.load(e0, 64), b0 = v128.load(e1, 64), a1 = v128.load(e0, 80), b1 = v128.load(e1, 80)
  v128.store(S4, negateIf(zipLow(a0, b0), m, 0))
  v128.store(S4, negateIf(zipHigh(a0, b0), m, 1), 16)
  v128.store(S4, negateIf(zipLow(a1, b1), m, 2), 32)
  v128.store(S4, negateIf(zipHigh(a1, b1), m, 3), 48)
  const a8 = v128.load(e0, 96), b8 = v128.load(e1, 96), both = zipLow(a8, b8)
  const plus8 = v128.bitselect(swapHalves(both), both, m)
  v128.store(S2, swapHalves(plus8), 64)
  v128.store(S3, plus8, 64)
  v128.store(S4, negateIf(zipHigh(a8, b8), m, 4), 64)
}

/** p += (n0 ? −e0 : e0, n1 ? −e1 : e1): 7 multiplications. */
export function addEntries(p: usize, e0: usize, n0: i32, e1: usize, n1: i32): void {
  loadEntries(e0, n0, e1, n1)
  minus(S0, p + Y, p)
  plus(S1, p + Y, p)
  mul(S0, S0, S2)
  mul(S1, S1, S3)
  mul(S4, S4, p + T)
  finish(p, p + Z)
}

const S5: usize = memory.data(80, 16)

/** o = a + b: 9 multiplications. */
export function add(o: usize, a: usize, b: usize): void {
  minus(S0, a + Y, a)
  plus(S1, a + Y, a)
  minus(S2, b + Y, b)
  carry(S2, S2)
  plus(S3, b + Y, b)
  plus(S5, b + Z, b + Z)
  mul(S0, S0, S2)
  mul(S1, S1, S3)
  mul(S4, a + T, b + T)
  mul(S4, S4, MINUS_2D)
  mul(S5, S5, a + Z)
  finish(o, S5)
}

/** o = 2a. E = 2XY, H = Y² + X² (2), G = Y² − X² (3), F = 2Z² − G; T is wrong unless asked for, which only additions read. */
export function double(o: usize, a: usize, withT: bool): void {
  plus(S0, a + Y, a + Y)
  plus(S1, a + Z, a + Z)
  mul(S0, S0, a)
  mul(S1, S1, a + Z)
  sqr(S2, a)
  sqr(S3, a + Y)
  plus(S1, S1, S2)
  minus(S1, S1, S3)
  carry(S1, S1)
  plus(S4, S3, S2)
  minus(S2, S3, S2)
  mul(o, S0, S1)
  mul(o + Y, S2, S4)
  mul(o + Z, S1, S2)
  if (withT) mul(o + T, S0, S4)
}

/** p = 2^times · p, at least once. */
export function doubleTimes(p: usize, times: i32): void {
  for (let i = 1; i <= times; i++) double(p, p, i == times)
}

/** p = −p in the lanes of the mask. */
export function negateLanes(p: usize, mask: v128): void {
  for (let k = 0; k < 5; k++) {
    v128.store(p + 16 * k, negateIf(v128.load(p + 16 * k), mask, k))
    v128.store(p + T + 16 * k, negateIf(v128.load(p + T + 16 * k), mask, k))
  }
  carry(p, p)
  carry(p + T, p + T)
}

export function zipBuckets(p: usize, b0: usize, b1: usize): void {
  zipLimbs(p, b0, b1)
  zipLimbs(p + Y, b0 + 32, b1 + 32)
  zipLimbs(p + Z, b0 + 64, b1 + 64)
  zipLimbs(p + T, b0 + 96, b1 + 96)
  const a8 = v128.load(b0, 128), b8 = v128.load(b1, 128), xy = zipLow(a8, b8), zt = zipHigh(a8, b8)
  v128.store(p, xy, 64)
  v128.store(p + Y, swapHalves(xy), 64)
  v128.store(p + Z, zt, 64)
  v128.store(p + T, swapHalves(zt), 64)
}

export function unzipBuckets(b0: usize, b1: usize, p: usize): void {
  unzipLimbs(b0, b1, p)
  unzipLimbs(b0 + 32, b1 + 32, p + Y)
  unzipLimbs(b0 + 64, b1 + 64, p + Z)
  unzipLimbs(b0 + 96, b1 + 96, p + T)
  const xy = v128.shuffle<u32>(v128.load(p, 64), v128.load(p + Y, 64), 0, 4, 1, 5)
  const zt = v128.shuffle<u32>(v128.load(p + Z, 64), v128.load(p + T, 64), 0, 4, 1, 5)
  v128.store(b0, v128.shuffle<u32>(xy, zt, 0, 1, 4, 5), 128)
  v128.store(b1, v128.shuffle<u32>(xy, zt, 2, 3, 6, 7), 128)
}

const SUM: usize = memory.data(320, 16)

/** b0 += ±e0, b1 += ±e1, for two different buckets. */
export function addToBuckets(b0: usize, b1: usize, e0: usize, n0: i32, e1: usize, n1: i32): void {
  zipBuckets(SUM, b0, b1)
  addEntries(SUM, e0, n0, e1, n1)
  unzipBuckets(b0, b1, SUM)
}
