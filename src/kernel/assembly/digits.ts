/**
 * Signed digits of integers and scalars. A digit of c bits lies in [−2^(c−1), 2^(c−1)]; every kind is read as the value
 * Σ_w digit_w · 2^(cw).
 */

/** Entry i of rows whose entries take 1, 2 (integers) or 8 bytes (float64, an exact integer of at most 53 bits and a sign). */
@inline export function entryAt(rows: usize, bytes: i32, i: i32): i64 {
  if (bytes == 1) return <i64>load<i8>(rows + i)
  if (bytes == 2) return <i64>load<i16>(rows + ((<usize>i) << 1))
  return <i64>load<f64>(rows + ((<usize>i) << 3))
}

/**
 * Digits of 8 bits of `count` rows of `width` entries, column by column: digit w of entry (t, i) at out[i · lanes + w · count + t],
 * i16; `lanes` is count · digits, one more if that is odd (that one stays 0).
 */
export function rowDigits(rows: usize, bytes: i32, count: i32, width: i32, digits: i32, lanes: i32, out: usize): void {
  if (lanes > count * digits) for (let i = 0; i < width; i++) store<i16>(out + ((<usize>(i * lanes + lanes - 1)) << 1), 0)
  for (let t = 0, k = 0; t < count; t++) {
    let to = out + ((<usize>t) << 1)
    for (let i = 0; i < width; i++, k++, to += (<usize>lanes) << 1) {
      let rest = entryAt(rows, bytes, k), at = to
      for (let w = 1; w < digits; w++, at += (<usize>count) << 1) {
        const digit = <i64><i8>rest
        store<i16>(at, <i16>digit)
        rest = (rest - digit) >> 8
      }
      store<i16>(at, <i16>rest)
    }
  }
}

/** Digits of c bits of n entries of one row, window by window: digit w of entry i at out[w · n + i], i16. */
export function entryDigits(row: usize, bytes: i32, n: i32, c: i32, windows: i32, out: usize): void {
  const half = <i64>1 << (c - 1), mask = ((<i64>1) << c) - 1
  for (let i = 0; i < n; i++) {
    const entry = entryAt(row, bytes, i), sign = entry < 0 ? -1 : 1
    let rest = sign * entry, at = out + ((<usize>i) << 1)
    for (let w = 0; w < windows; w++, at += (<usize>n) << 1) {
      let digit = rest & mask
      if (digit > half) digit -= mask + 1
      store<i16>(at, <i16>(sign * digit))
      rest = (rest - digit) >> c
    }
  }
}

/** Digits of c ≤ 16 bits of n scalars of 32 bytes, as entryDigits. */
export function scalarDigits(scalars: usize, n: i32, c: i32, windows: i32, out: usize): void {
  const half = 1 << (c - 1), mask = (1 << c) - 1
  for (let i = 0; i < n; i++, scalars += 32) {
    let carry = 0, at = out + ((<usize>i) << 1)
    for (let w = 0; w < windows; w++, at += (<usize>n) << 1) {
      const bit = w * c, byte = min(bit >> 3, 24)
      // A window beyond bit 256 has the carry alone.
      const word = bit < 256 ? load<u64>(scalars + byte) >> (bit - 8 * byte) : 0
      let digit = (<i32>word & mask) + carry
      carry = <i32>(digit > half)
      digit -= carry << c
      store<i16>(at, <i16>digit)
    }
  }
}
