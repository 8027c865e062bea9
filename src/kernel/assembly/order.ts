/**
 * Scalars mod ℓ, the order of ristretto255. Inside: 9 limbs of 29 bits, one in each u64, 72 bytes. At the border: 32 bytes, below ℓ.
 * Products are Montgomery's: a · b / R with R = 2^261.
 */

const LIMB: u64 = 0x1fffffff
/** Bytes of limbs. */
export const LIMBS: usize = 72
/** Limbs of ℓ; 5 to 7 are 0, limb 8 is 2^20. */
const L0: u64 = 485872621
const L1: u64 = 9640146
const L2: u64 = 501691798
const L3: u64 = 502512965
const L4: u64 = 333
const ORDER: usize = memory.data<u64>([
  485872621, 9640146, 501691798, 502512965, 333,
  0, 0, 0, 1048576
], 16)
/** −1/ℓ mod 2^29. */
const INVERSE: u64 = 307527195
/** R, R² and 2^256 · R mod ℓ: a product with them gives a, a · R and 2^256 · a. */
export const R1: usize = memory.data<u64>([
  290322925, 442594051, 259787148, 377041255, 536700270,
  536870911, 536870911, 536870911, 1048575
], 16)
export const R2: usize = memory.data<u64>([
  190815506, 504634135, 361594685, 339687255, 426956673,
  70249340, 485410621, 504909086, 328813
], 16)
export const R1_HIGH: usize = memory.data<u64>([
  147395749, 34354560, 457688582, 356494647, 483104506,
  488734555, 518485561, 233882216, 206883
], 16)
/** ℓ − 2. */
const EXPONENT: usize = memory.data<u64>([
  0x5812631a5cf5d3eb, 0x14def9dea2f79cd6, 0x0000000000000000, 0x1000000000000000
], 16)

/** o = a · b / R mod ℓ, below 2ℓ for a · b below 2^261 · ℓ; limbs of a and b below 2^29. */
export function product(o: usize, a: usize, b: usize): void {
  const a0 = load<u64>(a, 0), b0 = load<u64>(b, 0)
  const a1 = load<u64>(a, 8), b1 = load<u64>(b, 8)
  const a2 = load<u64>(a, 16), b2 = load<u64>(b, 16)
  const a3 = load<u64>(a, 24), b3 = load<u64>(b, 24)
  const a4 = load<u64>(a, 32), b4 = load<u64>(b, 32)
  const a5 = load<u64>(a, 40), b5 = load<u64>(b, 40)
  const a6 = load<u64>(a, 48), b6 = load<u64>(b, 48)
  const a7 = load<u64>(a, 56), b7 = load<u64>(b, 56)
  const a8 = load<u64>(a, 64), b8 = load<u64>(b, 64)
  let c: u64 = 0
  c += a0 * b0
  const m0 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m0 * L0) >> 29
  c += a0 * b1 + a1 * b0 + m0 * L1
  const m1 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m1 * L0) >> 29
  c += a0 * b2 + a1 * b1 + a2 * b0 + m0 * L2 + m1 * L1
  const m2 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m2 * L0) >> 29
  c += a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + m0 * L3 + m1 * L2 + m2 * L1
  const m3 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m3 * L0) >> 29
  c += a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0 + m0 * L4 + m1 * L3 + m2 * L2 + m3 * L1
  const m4 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m4 * L0) >> 29
  c += a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + m1 * L4 + m2 * L3 + m3 * L2 + m4 * L1
  const m5 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m5 * L0) >> 29
  c += a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0 + m2 * L4 + m3 * L3 + m4 * L2 + m5 * L1
  const m6 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m6 * L0) >> 29
  c += a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0 + m3 * L4 + m4 * L3 + m5 * L2 + m6 * L1
  const m7 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m7 * L0) >> 29
  c += a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0 + (m0 << 20) + m4 * L4 + m5 * L3 + m6 * L2 + m7 * L1
  const m8 = ((c & LIMB) * INVERSE) & LIMB
  c = (c + m8 * L0) >> 29
  c += a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + (m1 << 20) + m5 * L4 + m6 * L3 + m7 * L2 + m8 * L1
  store<u64>(o, c & LIMB, 0)
  c >>= 29
  c += a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + (m2 << 20) + m6 * L4 + m7 * L3 + m8 * L2
  store<u64>(o, c & LIMB, 8)
  c >>= 29
  c += a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + (m3 << 20) + m7 * L4 + m8 * L3
  store<u64>(o, c & LIMB, 16)
  c >>= 29
  c += a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + (m4 << 20) + m8 * L4
  store<u64>(o, c & LIMB, 24)
  c >>= 29
  c += a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + (m5 << 20)
  store<u64>(o, c & LIMB, 32)
  c >>= 29
  c += a6 * b8 + a7 * b7 + a8 * b6 + (m6 << 20)
  store<u64>(o, c & LIMB, 40)
  c >>= 29
  c += a7 * b8 + a8 * b7 + (m7 << 20)
  store<u64>(o, c & LIMB, 48)
  c >>= 29
  c += a8 * b8 + (m8 << 20)
  store<u64>(o, c & LIMB, 56)
  c >>= 29
  store<u64>(o, c, 64)
}

/** Limbs of 32 bytes. */
export function readScalar(o: usize, bytes: usize): void {
  const a = load<u64>(bytes), b = load<u64>(bytes, 8), c = load<u64>(bytes, 16), d = load<u64>(bytes, 24)
  store<u64>(o, a & LIMB)
  store<u64>(o, (a >> 29) & LIMB, 8)
  store<u64>(o, ((a >> 58) | (b << 6)) & LIMB, 16)
  store<u64>(o, (b >> 23) & LIMB, 24)
  store<u64>(o, ((b >> 52) | (c << 12)) & LIMB, 32)
  store<u64>(o, (c >> 17) & LIMB, 40)
  store<u64>(o, ((c >> 46) | (d << 18)) & LIMB, 48)
  store<u64>(o, (d >> 11) & LIMB, 56)
  store<u64>(o, d >> 40, 64)
}

/** Carries limbs below 2^63, all but the topmost, in place. */
export function carryScalar(p: usize): void {
  let c: u64 = 0
  for (let k: usize = 0; k < 64; k += 8) {
    c += load<u64>(p + k)
    store<u64>(p + k, c & LIMB)
    c >>= 29
  }
  store<u64>(p, load<u64>(p, 64) + c, 64)
}

const REST: usize = memory.data(72, 16)

/** REST = p − ℓ. @returns false if that is negative */
function lessOrder(p: usize): bool {
  let c: i64 = 0
  for (let k: usize = 0; k < 72; k += 8) {
    c += load<i64>(p + k) - load<i64>(ORDER + k)
    store<i64>(REST + k, k < 64 ? c & LIMB : c)
    c >>= 29
  }
  return c >= 0
}

/** 32 bytes of the residue of p in [0, ℓ); p is a few times ℓ at most. */
export function writeScalar(bytes: usize, p: usize): void {
  carryScalar(p)
  while (lessOrder(p)) memory.copy(p, REST, LIMBS)
  const l2 = load<u64>(p, 16), l4 = load<u64>(p, 32), l6 = load<u64>(p, 48)
  store<u64>(bytes, load<u64>(p) | (load<u64>(p, 8) << 29) | (l2 << 58))
  store<u64>(bytes, (l2 >> 6) | (load<u64>(p, 24) << 23) | (l4 << 52), 8)
  store<u64>(bytes, (l4 >> 12) | (load<u64>(p, 40) << 17) | (l6 << 46), 16)
  store<u64>(bytes, (l6 >> 18) | (load<u64>(p, 56) << 11) | (load<u64>(p, 64) << 40), 24)
}

/** o = a + b, limb by limb, not carried. */
export function addLimbs(o: usize, a: usize, b: usize): void {
  for (let k: usize = 0; k < 72; k += 8) store<u64>(o + k, load<u64>(a + k) + load<u64>(b + k))
}

/** o = ℓ − a for a up to ℓ, carried. */
export function negateLimbs(o: usize, a: usize): void {
  let c: i64 = 0
  for (let k: usize = 0; k < 72; k += 8) {
    c += load<i64>(ORDER + k) - load<i64>(a + k)
    store<i64>(o + k, k < 64 ? c & LIMB : c)
    c >>= 29
  }
}

const POWER: usize = memory.data(72, 16)

/** o = R / a, for a < 2ℓ with a factor R (so that the result has it too): a^(ℓ − 2) by squaring. */
export function inverse(o: usize, a: usize): void {
  memory.copy(POWER, R1, LIMBS)
  for (let bit = 252; bit >= 0; bit--) {
    product(POWER, POWER, POWER)
    if ((load<u8>(EXPONENT + (bit >> 3)) >> <u8>(bit & 7)) & 1) product(POWER, POWER, a)
  }
  memory.copy(o, POWER, LIMBS)
}

/** True for 32 bytes below ℓ. */
export function isBelowOrder(bytes: usize): bool {
  readScalar(POWER, bytes)
  return !lessOrder(POWER)
}
