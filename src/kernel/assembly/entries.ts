/** Pairs to entries and back: an entry is what a point is outside of a computation. */
import { HALF, MINUS_D, ONE, ZERO } from './constants'
import { ELEMENT, minus, mul, plus } from './field'
import { addEntries, ENTRY, PAIR, setIdentity, unzipLimbs, Y, Z } from './points'
import { invert } from './powers'

const INVERSE: usize = memory.data(80, 16)
const X_: usize = memory.data(80, 16)
const Y_: usize = memory.data(80, 16)
const U: usize = memory.data(80, 16)

/** Offsets of the three parts of an entry, and of their limbs 8. */
const PLUS: usize = 0
const MINUS: usize = 32
const MINUS_DXY: usize = 64
const LIMBS_8: usize = 96

/** One part of the entries e0 and e1, from an element of one unit. */
@inline function storePart(e0: usize, e1: usize, part: usize, p: usize): void {
  unzipLimbs(e0 + part, e1 + part, p)
  const top = v128.load(p, 64)
  store<i32>(e0 + LIMBS_8 + (part >> 3), v128.extract_lane<i32>(top, 0))
  store<i32>(e1 + LIMBS_8 + (part >> 3), v128.extract_lane<i32>(top, 1))
}

/** The entries of two affine points: x and y of one unit. */
export function storeEntries(e0: usize, e1: usize, x: usize, y: usize): void {
  mul(U, x, y)
  mul(U, U, MINUS_D)
  storePart(e0, e1, MINUS_DXY, U)
  plus(U, y, x)
  mul(U, U, HALF)
  storePart(e0, e1, PLUS, U)
  minus(U, y, x)
  mul(U, U, HALF)
  storePart(e0, e1, MINUS, U)
  store<i32>(e0, 0, 108)
  store<i32>(e1, 0, 108)
}

/** Products before, for as many pairs at a time; what an inversion costs is 265 multiplications for all of them. */
export const MOST_PAIRS: i32 = 256
const BEFORE: usize = memory.data(20480, 16)

/**
 * The entries of n pairs, 1 to MOST_PAIRS: lane 0 of pair k at o0 + k · step, lane 1 at o1 + k · step. One inversion for all
 * (Montgomery).
 */
export function toEntries(pairs: usize, n: i32, o0: usize, o1: usize, step: usize): void {
  memory.copy(BEFORE, pairs + Z, ELEMENT)
  for (let k = 1; k < n; k++) mul(BEFORE + ELEMENT * k, BEFORE + ELEMENT * (k - 1), pairs + PAIR * k + Z)
  invert(INVERSE, BEFORE + ELEMENT * (n - 1))
  for (let k = n - 1; k >= 0; k--) {
    const p = pairs + PAIR * k
    // X_ = 1/Z of pair k.
    if (k > 0) {
      mul(X_, INVERSE, BEFORE + ELEMENT * (k - 1))
      mul(INVERSE, INVERSE, p + Z)
    } else memory.copy(X_, INVERSE, ELEMENT)
    mul(Y_, p + Y, X_)
    mul(X_, p, X_)
    storeEntries(o0 + step * k, o1 + step * k, X_, Y_)
  }
}

export function setIdentityEntry(e: usize): void {
  storeEntries(e, e, ZERO, ONE)
}

/** p = (e0, e1). */
export function fromEntries(p: usize, e0: usize, e1: usize): void {
  setIdentity(p)
  addEntries(p, e0, 0, e1, 0)
}
