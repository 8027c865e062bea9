/**
 * Field elements mod p = 2^255 − 19, two at a time ("lanes"): 9 limbs of 29 bits for each, both lanes' limbs side by side in five
 * vectors, 80 bytes, aligned to 16:
 *
 *     (l0, l1)  (l3, l4)  (l6, l7)  (l2, l5)  (l8, 0)        each limb: u32 of lane 0, u32 of lane 1
 *
 * THE CONTRACT OF SIZES. One unit is what `mul`, `sqr` and `carry` give: limbs below 2^29 + 2^18, limb 8 below 2^23 + 2^4. A sum has
 * the units of both terms; a difference those of the minuend and two more (it adds 4p), for a subtrahend of at most one unit. `mul`
 * takes at most 3 units a factor and 6 for the product of both: a column has eight full products, 8 · 6 · 2^58 < 2^64, and two blocks
 * of limbs add up below 2^32. `sqr` takes at most 2. Comments at each formula count the units. Random tests do not see a violation,
 * so test/kernel/wasm-field.test.ts drives the bounds themselves.
 */

/** Bytes of a pair of elements. */
export const ELEMENT: usize = 80

/** What masks the limbs. */
const LIMB: i64 = 0x1fffffff
const TOP_LIMB: i64 = 0x7fffff
const LIMB_BITS: i32 = 29
const TOP_BITS: i32 = 23
/** 2^261 ≡ 64 · 19: what the columns from 9 on count, 29 · 9 = 261 bits up. */
const WRAP: i32 = 1216

/** Vector k of 4p, in limbs that no limb of a subtrahend of one unit exceeds. */
@inline function bias(k: i32): v128 {
  if (k == 0) return i32x4(0x3fffffb4, 0x3fffffb4, 0x3ffffffe, 0x3ffffffe)
  return k == 4 ? i32x4.splat(0x1fffffe) : i32x4.splat(0x3ffffffe)
}

/** Products of the lower limbs of x and y; of the upper ones; limbs exchanged; the lower one twice; the upper one twice. */
@inline function lo(x: v128, y: v128): v128 { return v128.extmul_low<u32>(x, y) }
@inline function hi(x: v128, y: v128): v128 { return v128.extmul_high<u32>(x, y) }
@inline function swap(x: v128): v128 { return v128.shuffle<u32>(x, x, 2, 3, 0, 1) }
@inline function low2(x: v128): v128 { return v128.shuffle<u32>(x, x, 0, 1, 0, 1) }
@inline function high2(x: v128): v128 { return v128.shuffle<u32>(x, x, 2, 3, 2, 3) }
/** The lower words of two vectors of u64: limbs of a column each, joined again. */
@inline function pack(x: v128, y: v128): v128 { return v128.shuffle<u32>(x, y, 0, 2, 4, 6) }
@inline function sum(x: v128, y: v128): v128 { return v128.add<i64>(x, y) }
@inline function less(x: v128, y: v128): v128 { return v128.sub<i64>(x, y) }
@inline function limbs(x: v128, y: v128): v128 { return v128.add<i32>(x, y) }
@inline function over(x: v128): v128 { return v128.shr<u64>(x, LIMB_BITS) }
@inline function limb(x: v128): v128 { return v128.and(x, i64x2.splat(LIMB)) }

/** o = a · b. Three blocks of three limbs (Karatsuba): 54 products in the place of 81. Never inlined: V8 would run out of registers. */
export function mul(o: usize, a: usize, b: usize): void {
  const x0 = v128.load(a), x1 = v128.load(a, 16), x2 = v128.load(a, 32), x25 = v128.load(a, 48), t2 = v128.load(a, 64)
  const y0 = v128.load(b), y1 = v128.load(b, 16), y2 = v128.load(b, 32), y25 = v128.load(b, 48), y8 = v128.load(b, 64)
  // Block k is (x_k, t_k) with limbs 3k, 3k + 1 in x and 3k + 2 in t; s is y with its limbs exchanged, u its third limb twice.
  const t0 = x25, t1 = swap(x25)
  const s0 = swap(y0), s1 = swap(y1), s2 = swap(y2)
  const u0 = low2(y25), u1 = high2(y25), u2 = low2(y8)
  const a0 = lo(x0, y0), a1 = sum(lo(x0, s0), hi(x0, s0)), a2 = sum(sum(lo(x0, u0), hi(x0, y0)), lo(t0, y0))
  const a3 = sum(hi(x0, u0), lo(t0, s0)), a4 = lo(t0, u0)
  const b0 = lo(x1, y1), b1 = sum(lo(x1, s1), hi(x1, s1)), b2 = sum(sum(lo(x1, u1), hi(x1, y1)), lo(t1, y1))
  const b3 = sum(hi(x1, u1), lo(t1, s1)), b4 = lo(t1, u1)
  const c0 = lo(x2, y2), c1 = sum(lo(x2, s2), hi(x2, s2)), c2 = sum(sum(lo(x2, u2), hi(x2, y2)), lo(t2, y2))
  const c3 = sum(hi(x2, u2), lo(t2, s2)), c4 = lo(t2, u2)
  // Products of the sums of two blocks, less the products of each alone. What wraps on the way comes back: the columns fit.
  let x = limbs(x0, x1), t = limbs(t0, t1), y = limbs(y0, y1), s = limbs(s0, s1), u = limbs(u0, u1)
  const d0 = less(lo(x, y), sum(a0, b0)), d1 = less(sum(lo(x, s), hi(x, s)), sum(a1, b1))
  const d2 = less(sum(sum(lo(x, u), hi(x, y)), lo(t, y)), sum(a2, b2))
  const d3 = less(sum(hi(x, u), lo(t, s)), sum(a3, b3)), d4 = less(lo(t, u), sum(a4, b4))
  x = limbs(x0, x2), t = limbs(t0, t2), y = limbs(y0, y2), s = limbs(s0, s2), u = limbs(u0, u2)
  const e0 = sum(less(less(lo(x, y), a0), c0), b0), e1 = sum(less(less(sum(lo(x, s), hi(x, s)), a1), c1), b1)
  const e2 = sum(less(less(sum(sum(lo(x, u), hi(x, y)), lo(t, y)), a2), c2), b2)
  const e3 = sum(less(less(sum(hi(x, u), lo(t, s)), a3), c3), b3), e4 = sum(less(less(lo(t, u), a4), c4), b4)
  x = limbs(x1, x2), t = limbs(t1, t2), y = limbs(y1, y2), s = limbs(s1, s2), u = limbs(u1, u2)
  const f0 = less(lo(x, y), sum(b0, c0)), f1 = less(sum(lo(x, s), hi(x, s)), sum(b1, c1))
  const f2 = less(sum(sum(lo(x, u), hi(x, y)), lo(t, y)), sum(b2, c2))
  const f3 = less(sum(hi(x, u), lo(t, s)), sum(b3, c3)), f4 = less(lo(t, u), sum(b4, c4))
  reduce(o, a0, a1, a2, sum(a3, d0), sum(a4, d1), d2, sum(d3, e0), sum(d4, e1), e2,
    sum(e3, f0), sum(e4, f1), f2, sum(f3, c0), sum(f4, c1), c2, c3, c4)
}

/** o = a², by 45 products. */
export function sqr(o: usize, a: usize): void {
  const x0 = v128.load(a), x1 = v128.load(a, 16), x2 = v128.load(a, 32), x3 = v128.load(a, 48), x4 = v128.load(a, 64)
  const d0 = limbs(x0, x0), d1 = limbs(x1, x1), d2 = limbs(x2, x2), d3 = limbs(x3, x3)
  const s0 = swap(d0), s1 = swap(d1), s2 = swap(d2), s3 = swap(d3), s4 = low2(limbs(x4, x4))
  const k0 = lo(x0, x0)
  const k1 = lo(x0, s0)
  const k2 = sum(lo(x0, d3), hi(x0, x0))
  const k3 = sum(lo(x0, d1), hi(x0, s3))
  const k4 = sum(sum(lo(x0, s1), hi(x0, s1)), lo(x3, x3))
  const k5 = sum(sum(lo(x0, s3), hi(x0, d1)), lo(x3, d1))
  const k6 = sum(sum(sum(lo(x0, d2), hi(x0, d3)), lo(x3, s1)), lo(x1, x1))
  const k7 = sum(sum(sum(lo(x0, s2), hi(x0, s2)), lo(x3, s3)), lo(x1, s1))
  const k8 = sum(sum(sum(sum(lo(x0, s4), hi(x0, d2)), lo(x3, d2)), lo(x1, s3)), hi(x1, x1))
  const k9 = sum(sum(sum(hi(x0, s4), lo(x3, s2)), lo(x1, d2)), hi(x1, d3))
  const k10 = sum(sum(sum(lo(x3, s4), lo(x1, s2)), hi(x1, s2)), hi(x3, x3))
  const k11 = sum(sum(lo(x1, s4), hi(x1, d2)), hi(x3, s2))
  const k12 = sum(sum(hi(x1, s4), hi(x3, d2)), lo(x2, x2))
  const k13 = sum(hi(x3, s4), lo(x2, s2))
  const k14 = sum(lo(x2, s4), hi(x2, x2))
  const k15 = hi(x2, s4)
  const k16 = lo(x4, x4)
  reduce(o, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11, k12, k13, k14, k15, k16)
}

/** Columns 0 to 16 of a product, carried to one unit. */
@inline function reduce(o: usize,
  k0: v128, k1: v128, k2: v128, k3: v128, k4: v128, k5: v128, k6: v128, k7: v128, k8: v128,
  k9: v128, k10: v128, k11: v128, k12: v128, k13: v128, k14: v128, k15: v128, k16: v128
): void {
  let h = k9
  const h0 = limb(h)
  h = sum(k10, over(h))
  const h1 = limb(h)
  h = sum(k11, over(h))
  const h2 = limb(h)
  h = sum(k12, over(h))
  const h3 = limb(h)
  h = sum(k13, over(h))
  const h4 = limb(h)
  h = sum(k14, over(h))
  const h5 = limb(h)
  h = sum(k15, over(h))
  const h6 = limb(h)
  h = sum(k16, over(h))
  const h7 = limb(h)
  const h8 = over(h), wrap = i32x4.splat(WRAP)
  let p = pack(h0, h1), c = sum(k0, lo(p, wrap))
  const r0 = limb(c)
  c = sum(sum(k1, hi(p, wrap)), over(c))
  const r1 = limb(c)
  p = pack(h2, h3)
  c = sum(sum(k2, lo(p, wrap)), over(c))
  const r2 = limb(c)
  c = sum(sum(k3, hi(p, wrap)), over(c))
  const r3 = limb(c)
  p = pack(h4, h5)
  c = sum(sum(k4, lo(p, wrap)), over(c))
  const r4 = limb(c)
  c = sum(sum(k5, hi(p, wrap)), over(c))
  const r5 = limb(c)
  p = pack(h6, h7)
  c = sum(sum(k6, lo(p, wrap)), over(c))
  const r6 = limb(c)
  c = sum(sum(k7, hi(p, wrap)), over(c))
  const r7 = limb(c)
  p = pack(h8, h8)
  c = sum(sum(k8, lo(p, wrap)), over(c))
  const r8 = v128.and(c, i64x2.splat(TOP_LIMB))
  // 2^255 ≡ 19 = 1 + 2 + 16. The carry into limb 1 is below 2^18 and stays there.
  const q = v128.shr<u64>(c, TOP_BITS)
  const z = sum(r0, sum(q, sum(v128.shl<i64>(q, 1), v128.shl<i64>(q, 4))))
  v128.store(o, pack(limb(z), sum(r1, over(z))))
  v128.store(o, pack(r3, r4), 16)
  v128.store(o, pack(r6, r7), 32)
  v128.store(o, pack(r2, r5), 48)
  v128.store(o, v128.shuffle<u32>(r8, r8, 0, 2, 1, 3), 64)
}

/** o = a + b: units of a and b together. */
@inline export function plus(o: usize, a: usize, b: usize): void {
  store5(o, limbs(v128.load(a), v128.load(b)), limbs(v128.load(a, 16), v128.load(b, 16)), limbs(v128.load(a, 32), v128.load(b, 32)),
    limbs(v128.load(a, 48), v128.load(b, 48)), limbs(v128.load(a, 64), v128.load(b, 64)))
}

/** Vector k of a − b + 4p. */
@inline function minusAt(a: usize, b: usize, k: i32): v128 {
  return v128.sub<i32>(limbs(v128.load(a + 16 * k), bias(k)), v128.load(b + 16 * k))
}

/** o = a − b: units of a and two more, for b of one unit. */
@inline export function minus(o: usize, a: usize, b: usize): void {
  store5(o, minusAt(a, b, 0), minusAt(a, b, 1), minusAt(a, b, 2), minusAt(a, b, 3), minusAt(a, b, 4))
}

@inline function store5(o: usize, v0: v128, v1: v128, v2: v128, v3: v128, v4: v128): void {
  v128.store(o, v0)
  v128.store(o, v1, 16)
  v128.store(o, v2, 32)
  v128.store(o, v3, 48)
  v128.store(o, v4, 64)
}

/** The negative of vector k of an element, in the lanes of the mask: 4p − x, two units. */
@inline export function negateIf(x: v128, mask: v128, k: i32): v128 {
  return limbs(v128.xor(x, mask), v128.and(mask, limbs(bias(k), i32x4.splat(1))))
}

/** All ones in lane 0 where n0 is 1, in lane 1 where n1 is 1. */
@inline export function laneMask(n0: i32, n1: i32): v128 {
  return i64x2.splat((-(<i64>n0) & 0xffffffff) | (-(<i64>n1) << 32))
}

/** o = a, at most 7 units, in one unit. */
export function carry(o: usize, a: usize): void {
  const v0 = v128.load(a), v1 = v128.load(a, 16), v2 = v128.load(a, 32), v3 = v128.load(a, 48), v4 = v128.load(a, 64)
  const c0 = v128.shr<u32>(v0, LIMB_BITS), c1 = v128.shr<u32>(v1, LIMB_BITS), c2 = v128.shr<u32>(v2, LIMB_BITS)
  const c3 = v128.shr<u32>(v3, LIMB_BITS), c4 = v128.mul<i32>(v128.shr<u32>(v4, TOP_BITS), i32x4.splat(19))
  const m = i32x4.splat(<i32>LIMB)
  store5(o,
    limbs(v128.and(v0, m), v128.shuffle<u32>(c4, c0, 0, 1, 4, 5)),
    limbs(v128.and(v1, m), v128.shuffle<u32>(c3, c1, 0, 1, 4, 5)),
    limbs(v128.and(v2, m), v128.shuffle<u32>(c3, c2, 2, 3, 4, 5)),
    limbs(v128.and(v3, m), v128.shuffle<u32>(c0, c1, 2, 3, 6, 7)),
    limbs(v128.and(v4, i32x4.splat(<i32>TOP_LIMB)), v128.shuffle<u32>(c2, i32x4.splat(0), 2, 3, 4, 5)))
}

/** o = a in the lanes of the mask, else b. */
export function select(o: usize, a: usize, b: usize, mask: v128): void {
  for (let k: usize = 0; k < ELEMENT; k += 16) v128.store(o + k, v128.bitselect(v128.load(a + k), v128.load(b + k), mask))
}
