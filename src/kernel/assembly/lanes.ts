/** Single lanes of a pair of field elements, as canonical 32-byte values: four little-endian words of 64 bits. */

const LIMB: u64 = 0x1fffffff
const TOP_LIMB: u64 = 0x7fffff

/** Lane 0 or 1 of element o = the 256-bit value a + 2^64 b + 2^128 c + 2^192 d, of which 255 bits count. */
export function setLane(o: usize, lane: i32, a: u64, b: u64, c: u64, d: u64): void {
  const p = o + ((<usize>lane) << 2)
  store<u32>(p, <u32>(a & LIMB))
  store<u32>(p, <u32>((a >> 29) & LIMB), 8)
  store<u32>(p, <u32>(((a >> 58) | (b << 6)) & LIMB), 48)
  store<u32>(p, <u32>((b >> 23) & LIMB), 16)
  store<u32>(p, <u32>(((b >> 52) | (c << 12)) & LIMB), 24)
  store<u32>(p, <u32>((c >> 17) & LIMB), 56)
  store<u32>(p, <u32>(((c >> 46) | (d << 18)) & LIMB), 32)
  store<u32>(p, <u32>((d >> 11) & LIMB), 40)
  store<u32>(p, <u32>((d >> 40) & TOP_LIMB), 64)
}

/** Both lanes = that value. */
export function fill(o: usize, a: u64, b: u64, c: u64, d: u64): void {
  setLane(o, 0, a, b, c, d)
  setLane(o, 1, a, b, c, d)
}

/** Lane of element o = the 255 lower bits of 32 bytes. */
export function readLane(o: usize, lane: i32, bytes: usize): void {
  setLane(o, lane, load<u64>(bytes), load<u64>(bytes, 8), load<u64>(bytes, 16), load<u64>(bytes, 24))
}

/** 32 bytes = the residue of a lane of element p (at most 7 units) in [0, p). */
export function writeLane(bytes: usize, p: usize, lane: i32): void {
  const at = p + ((<usize>lane) << 2)
  let l0 = <u64>load<u32>(at), l1 = <u64>load<u32>(at, 8), l2 = <u64>load<u32>(at, 48), l3 = <u64>load<u32>(at, 16)
  let l4 = <u64>load<u32>(at, 24), l5 = <u64>load<u32>(at, 56), l6 = <u64>load<u32>(at, 32), l7 = <u64>load<u32>(at, 40)
  let l8 = <u64>load<u32>(at, 64)
  // The first round brings the value below 2^255 + 2^14, the second below 2^255.
  for (let round = 0; round < 2; round++) {
    l1 += l0 >> 29; l2 += l1 >> 29; l3 += l2 >> 29; l4 += l3 >> 29; l5 += l4 >> 29; l6 += l5 >> 29; l7 += l6 >> 29; l8 += l7 >> 29
    l0 = (l0 & LIMB) + 19 * (l8 >> 23)
    l1 &= LIMB; l2 &= LIMB; l3 &= LIMB; l4 &= LIMB; l5 &= LIMB; l6 &= LIMB; l7 &= LIMB; l8 &= TOP_LIMB
  }
  // value ≥ p exactly if value + 19 reaches 2^255; then value + 19 − 2^255 is the residue.
  let q = (l0 + 19) >> 29
  q = (l1 + q) >> 29; q = (l2 + q) >> 29; q = (l3 + q) >> 29; q = (l4 + q) >> 29
  q = (l5 + q) >> 29; q = (l6 + q) >> 29; q = (l7 + q) >> 29; q = (l8 + q) >> 23
  l0 += 19 * q
  l1 += l0 >> 29; l2 += l1 >> 29; l3 += l2 >> 29; l4 += l3 >> 29; l5 += l4 >> 29; l6 += l5 >> 29; l7 += l6 >> 29; l8 += l7 >> 29
  l0 &= LIMB; l1 &= LIMB; l2 &= LIMB; l3 &= LIMB; l4 &= LIMB; l5 &= LIMB; l6 &= LIMB; l7 &= LIMB; l8 &= TOP_LIMB
  store<u64>(bytes, l0 | (l1 << 29) | (l2 << 58))
  store<u64>(bytes, (l2 >> 6) | (l3 << 23) | (l4 << 52), 8)
  store<u64>(bytes, (l4 >> 12) | (l5 << 17) | (l6 << 46), 16)
  store<u64>(bytes, (l6 >> 18) | (l7 << 11) | (l8 << 40), 24)
}

const SCRATCH: usize = memory.data(32, 16)

/** 1 if the residue of a lane is odd ("negative" in RFC 9496), else 0. */
export function isOdd(p: usize, lane: i32): i32 {
  writeLane(SCRATCH, p, lane)
  return load<i32>(SCRATCH) & 1
}

/** True if the residue of a lane is the canonical value at `bytes`. */
export function isValue(p: usize, lane: i32, bytes: usize): bool {
  writeLane(SCRATCH, p, lane)
  return sameBytes(SCRATCH, bytes)
}

export function sameBytes(a: usize, b: usize): bool {
  return ((load<u64>(a) ^ load<u64>(b)) | (load<u64>(a, 8) ^ load<u64>(b, 8)) | (load<u64>(a, 16) ^ load<u64>(b, 16)) |
    (load<u64>(a, 24) ^ load<u64>(b, 24))) == 0
}
