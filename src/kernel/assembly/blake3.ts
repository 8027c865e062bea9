/** BLAKE3's compression (the BLAKE3 paper, section 2.2), four chunks at a time: lane k of each vector belongs to chunk k. */

const IV: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
], 16)
/** Words of the message in the order in which the seven rounds take them. */
const SCHEDULE: usize = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8,
  3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1,
  10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6,
  12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4,
  9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7,
  11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13
])
const CHUNK_START: i32 = 1
const CHUNK_END: i32 = 2
const CHUNK: usize = 1024
const BLOCK: i32 = 64

/** 64 chunks at most, and three more that fill lanes up. */
const INPUT: usize = memory.data(68608, 16)
/** Chaining values of the chunks, or what one compression gives. */
const OUTPUT: usize = memory.data(2144, 16)
/** 16 vectors each. */
const STATE: usize = memory.data(256, 16)
const MESSAGE: usize = memory.data(256, 16)
/** 8 vectors. */
const CHAIN: usize = memory.data(128, 16)

export function blakeInput(): usize { return INPUT }
export function blakeOutput(): usize { return OUTPUT }

@inline function rotate(x: v128, bits: i32): v128 {
  return v128.or(v128.shr<u32>(x, bits), v128.shl<i32>(x, 32 - bits))
}
@inline function rotate16(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
}
@inline function rotate8(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12)
}

/** The quarter round on words a, b, c, d of the state, with the message's words at `s` and `s + 1` of the schedule. */
@inline function quarter(a: usize, b: usize, c: usize, d: usize, s: usize): void {
  const x = v128.load(MESSAGE + ((<usize>load<u8>(s)) << 4)), y = v128.load(MESSAGE + ((<usize>load<u8>(s, 1)) << 4))
  let p = v128.load(STATE + 16 * a), q = v128.load(STATE + 16 * b), r = v128.load(STATE + 16 * c), t = v128.load(STATE + 16 * d)
  p = v128.add<i32>(v128.add<i32>(p, q), x)
  t = rotate16(v128.xor(t, p))
  r = v128.add<i32>(r, t)
  q = rotate(v128.xor(q, r), 12)
  p = v128.add<i32>(v128.add<i32>(p, q), y)
  t = rotate8(v128.xor(t, p))
  r = v128.add<i32>(r, t)
  q = rotate(v128.xor(q, r), 7)
  v128.store(STATE + 16 * a, p)
  v128.store(STATE + 16 * b, q)
  v128.store(STATE + 16 * c, r)
  v128.store(STATE + 16 * d, t)
}

/** STATE = what seven rounds make of CHAIN, counters, length and flags. */
function rounds(counterLow: v128, counterHigh: v128, length: i32, flags: i32): void {
  memory.copy(STATE, CHAIN, 128)
  for (let k: usize = 0; k < 64; k += 16) v128.store(STATE + 128 + k, v128.load32_splat(IV + (k >> 2)))
  v128.store(STATE, counterLow, 192)
  v128.store(STATE, counterHigh, 208)
  v128.store(STATE, i32x4.splat(length), 224)
  v128.store(STATE, i32x4.splat(flags), 240)
  for (let s = SCHEDULE; s < SCHEDULE + 112; s += 16) {
    quarter(0, 4, 8, 12, s)
    quarter(1, 5, 9, 13, s + 2)
    quarter(2, 6, 10, 14, s + 4)
    quarter(3, 7, 11, 15, s + 6)
    quarter(0, 5, 10, 15, s + 8)
    quarter(1, 6, 11, 12, s + 10)
    quarter(2, 7, 8, 13, s + 12)
    quarter(3, 4, 9, 14, s + 14)
  }
}

/** Four vectors of four words of each chunk to four vectors of one word of all chunks. */
@inline function transpose(o: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5)
  const AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7), CD = v128.shuffle<u32>(c, d, 2, 6, 3, 7)
  v128.store(o, v128.shuffle<u32>(ab, cd, 0, 1, 4, 5))
  v128.store(o, v128.shuffle<u32>(ab, cd, 2, 3, 6, 7), 16)
  v128.store(o, v128.shuffle<u32>(AB, CD, 0, 1, 4, 5), 32)
  v128.store(o, v128.shuffle<u32>(AB, CD, 2, 3, 6, 7), 48)
}

/** OUTPUT = the chaining values, 32 bytes each, of n whole chunks at INPUT, of which the first has this number (low, high 32 bits). */
export function blakeChunks(n: i32, low: i32, high: i32): void {
  const first = (<u64>(<u32>high) << 32) | <u64>(<u32>low)
  for (let k = 0; k < n; k += 4) {
    const c = first + k
    const counterLow = i32x4(<i32>c, <i32>(c + 1), <i32>(c + 2), <i32>(c + 3))
    const counterHigh = i32x4(<i32>(c >> 32), <i32>((c + 1) >> 32), <i32>((c + 2) >> 32), <i32>((c + 3) >> 32))
    for (let w: usize = 0; w < 8; w++) v128.store(CHAIN + 16 * w, v128.load32_splat(IV + 4 * w))
    for (let block = 0; block < 16; block++) {
      const from = INPUT + CHUNK * k + BLOCK * block
      for (let w: usize = 0; w < 64; w += 16) {
        const at = from + w
        const a = v128.load(at), b = v128.load(at, 1024), d = v128.load(at, 2048), e = v128.load(at, 3072)
        transpose(MESSAGE + 4 * w, a, b, d, e)
      }
      rounds(counterLow, counterHigh, BLOCK, (block == 0 ? CHUNK_START : 0) | (block == 15 ? CHUNK_END : 0))
      for (let w: usize = 0; w < 128; w += 16) v128.store(CHAIN + w, v128.xor(v128.load(STATE + w), v128.load(STATE + w, 128)))
    }
    for (let lane = 0; lane < 4; lane++) {
      const to = OUTPUT + 32 * (k + lane)
      for (let w: usize = 0; w < 8; w++) store<u32>(to + 4 * w, load<u32>(CHAIN + 16 * w + 4 * lane))
    }
  }
}

/** OUTPUT = the 64 bytes of one compression of the block at INPUT + 32 with the chaining value at INPUT. */
export function blakeCompress(low: i32, high: i32, length: i32, flags: i32): void {
  for (let w: usize = 0; w < 8; w++) v128.store(CHAIN + 16 * w, v128.load32_splat(INPUT + 4 * w))
  for (let w: usize = 0; w < 16; w++) v128.store(MESSAGE + 16 * w, v128.load32_splat(INPUT + 32 + 4 * w))
  rounds(i32x4.splat(low), i32x4.splat(high), length, flags)
  for (let w: usize = 0; w < 8; w++) {
    store<u32>(OUTPUT + 4 * w, load<u32>(STATE + 16 * w) ^ load<u32>(STATE + 16 * w + 128))
    store<u32>(OUTPUT + 32 + 4 * w, load<u32>(STATE + 16 * w + 128) ^ load<u32>(INPUT + 4 * w))
  }
}
