/** Random numbers that a seed repeats on every machine. */

/**
 * xoshiro128** 1.1 (Blackman and Vigna, prng.di.unimi.it), its state filled from the seed by SplitMix32. For sampling text, not for
 * secrets.
 */
export class Xoshiro128 {
  private constructor(private readonly state: Uint32Array) {}

  /** @param seed whole number from 0 to 2^53 − 1; all its bits count */
  static fromSeed(seed: number): Xoshiro128 {
    const low = splitMix32(seed)
    const high = splitMix32(Math.floor(seed / 2 ** 32))
    return new Xoshiro128(Uint32Array.from({ length: 4 }, () => low() ^ Math.imul(high(), 0x9e3779b1)))
  }

  /** @param words four 32-bit words, not all zero */
  static fromState(words: readonly [number, number, number, number]): Xoshiro128 {
    return new Xoshiro128(Uint32Array.from(words))
  }

  /** The next 32 bits. */
  next(): number {
    const s = this.state
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0
    const t = s[1]! << 9
    s[2]! ^= s[0]!
    s[3]! ^= s[1]!
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= t
    s[3] = rotate(s[3]!, 11)
    return result
  }

  /** In [0, 1), 53 bits. */
  uniform(): number {
    return ((this.next() >>> 5) * 2 ** 26 + (this.next() >>> 6)) / 2 ** 53
  }
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}

function splitMix32(seed: number): () => number {
  let state = (seed % 2 ** 32) | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}
