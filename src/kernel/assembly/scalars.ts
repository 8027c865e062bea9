/** Scalars in batches: n × 32 bytes at each address. */
import {
  addLimbs, carryScalar, inverse, isBelowOrder, LIMBS, negateLimbs, product, R1, R1_HIGH, R2, readScalar, writeScalar
} from './order'

const A: usize = memory.data(72, 16)
const B: usize = memory.data(72, 16)
const C: usize = memory.data(72, 16)
const SUM: usize = memory.data(72, 16)

/** Index of the first scalar that is not below ℓ, or −1. */
export function firstTooLarge(a: usize, n: i32): i32 {
  for (let i = 0; i < n; i++) if (!isBelowOrder(a + 32 * i)) return i
  return -1
}

/** out = residues of n × 64 bytes: lower half + 2^256 · upper half. */
export function reduceWide(out: usize, wide: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    readScalar(A, wide + 64 * i)
    readScalar(B, wide + 64 * i + 32)
    product(A, A, R1)
    product(B, B, R1_HIGH)
    addLimbs(A, A, B)
    writeScalar(out + 32 * i, A)
  }
}

export function addScalars(out: usize, a: usize, b: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    readScalar(A, a + 32 * i)
    readScalar(B, b + 32 * i)
    addLimbs(A, A, B)
    writeScalar(out + 32 * i, A)
  }
}

export function negateScalars(out: usize, a: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    readScalar(A, a + 32 * i)
    negateLimbs(A, A)
    writeScalar(out + 32 * i, A)
  }
}

export function mulScalars(out: usize, a: usize, b: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    readScalar(A, a + 32 * i)
    readScalar(B, b + 32 * i)
    product(A, A, B)
    product(A, A, R2)
    writeScalar(out + 32 * i, A)
  }
}

/** out = low + c · high; low 0 stands for zeros. */
export function foldScalars(out: usize, low: usize, high: usize, c: usize, n: i32): void {
  readScalar(C, c)
  product(C, C, R2)
  for (let i = 0; i < n; i++) {
    readScalar(A, high + 32 * i)
    product(A, A, C)
    if (low != 0) {
      readScalar(B, low + 32 * i)
      addLimbs(A, A, B)
    }
    writeScalar(out + 32 * i, A)
  }
}

/** out = 1, x, x² … */
export function powers(out: usize, x: usize, n: i32): void {
  readScalar(C, x)
  product(C, C, R2)
  memory.fill(A, 0, LIMBS)
  store<u64>(A, 1)
  for (let i = 0; i < n; i++) {
    // Writing leaves A reduced.
    writeScalar(out + 32 * i, A)
    product(A, A, C)
  }
}

/** Terms below 2ℓ that are added before their sum is reduced: 64 · 2ℓ < 2^260. */
const TERMS: i32 = 64

/** out = Σ a_i b_i. */
export function innerProduct(out: usize, a: usize, b: usize, n: i32): void {
  memory.fill(SUM, 0, LIMBS)
  for (let i = 0; i < n; i++) {
    readScalar(A, a + 32 * i)
    readScalar(B, b + 32 * i)
    product(A, A, B)
    addLimbs(SUM, SUM, A)
    if (i % TERMS == TERMS - 1) {
      carryScalar(SUM)
      product(SUM, SUM, R1)
    }
  }
  carryScalar(SUM)
  product(SUM, SUM, R2)
  writeScalar(out, SUM)
}

/**
 * out = 1/a, one inversion for all (Montgomery).
 * @param before room for n × 72 bytes
 * @returns the index of the first zero, or −1
 */
export function invertScalars(out: usize, a: usize, n: i32, before: usize): i32 {
  memory.copy(C, R1, LIMBS)
  for (let i = 0; i < n; i++) {
    // C is the product of those before, with a factor R.
    memory.copy(before + LIMBS * i, C, LIMBS)
    readScalar(A, a + 32 * i)
    product(A, A, R2)
    product(C, C, A)
    writeScalar(out + 32 * i, A)
    if ((load<u64>(out + 32 * i) | load<u64>(out + 32 * i, 8) | load<u64>(out + 32 * i, 16) | load<u64>(out + 32 * i, 24)) == 0) return i
  }
  inverse(C, C)
  for (let i = n - 1; i >= 0; i--) {
    readScalar(A, a + 32 * i)
    product(A, A, R2)
    // C · before has a factor R, that before goes with a plain one away.
    product(B, C, before + LIMBS * i)
    product(C, C, A)
    toPlain(B)
    writeScalar(out + 32 * i, B)
  }
  return -1
}

const UNIT: usize = memory.data<u64>([1, 0, 0, 0, 0, 0, 0, 0, 0], 16)

/** Takes a factor R away. */
function toPlain(a: usize): void {
  product(a, a, UNIT)
}

/** out = residues of n float64 integers of at most 53 bits and a sign. */
export function fromIntegers(out: usize, values: usize, n: i32): void {
  for (let i = 0; i < n; i++) {
    const value = <i64>load<f64>(values + 8 * i)
    const at = out + 32 * i
    memory.fill(at, 0, 32)
    store<i64>(at, value < 0 ? -value : value)
    if (value < 0) negateScalars(at, at, 1)
  }
}
