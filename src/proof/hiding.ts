/** Commitments: integers or scalars over generators, hidden by a multiple of H. */
import { concat } from '../bytes.js'
import type { Kernel, Points, SmallRows } from '../kernel/types.js'
import { lengthOf, SCALAR_BYTES } from './scalars.js'

/** Signed digits of a scalar, and the bits of each. */
const DIGITS = 16
const DIGIT_BITS = 16

const digitBases = new WeakMap<Kernel, Points>()

/** 2^(16 i) · H for i < 16. */
function basesOf(kernel: Kernel): Points {
  let bases = digitBases.get(kernel)
  if (bases === undefined) {
    const step = kernel.scalarsOf(Float64Array.of(2 ** DIGIT_BITS))
    bases = kernel.scale(kernel.powers(step, DIGITS), kernel.concat(Array.from({ length: DIGITS }, () => kernel.generators('H', 0, 1))))
    digitBases.set(kernel, bases)
  }
  return bases
}

/**
 * scalars_i · H: the blinding parts of many commitments. Each scalar is written in signed 16-bit digits, so that it is one short row
 * over bases with tables (a few microseconds) in the place of a multiplication by 253 bits.
 */
export function blindings(kernel: Kernel, scalars: Uint8Array): Points {
  const count = lengthOf(scalars)
  const digits = new Int16Array(count * DIGITS)
  const view = new DataView(scalars.buffer, scalars.byteOffset, scalars.byteLength)
  for (let i = 0; i < count; i++) {
    let carry = 0
    for (let j = 0; j < DIGITS; j++) {
      const digit = view.getUint16(i * SCALAR_BYTES + 2 * j, true) + carry
      // The top digit is below 2^13 (ℓ < 2^253), so the last carry is 0.
      carry = digit >= 2 ** (DIGIT_BITS - 1) ? 1 : 0
      digits[i * DIGITS + j] = digit - carry * 2 ** DIGIT_BITS
    }
  }
  return kernel.commitRows(basesOf(kernel), digits, count)
}

/** Rows over bases, each with its blinding. */
export function commitBlinded(
  kernel: Kernel,
  { bases, rows, count, blinding }: { bases: Points; rows: SmallRows; count: number; blinding: Uint8Array }
): Points {
  return kernel.add(kernel.commitRows(bases, rows, count), blindings(kernel, blinding))
}

/** ⟨scalars, bases⟩ + blinding · H. */
export function hide(kernel: Kernel, { scalars, bases, blinding }: { scalars: Uint8Array; bases: Points; blinding: Uint8Array }): Points {
  return kernel.msm(concat([scalars, blinding]), kernel.concat([bases, kernel.generators('H', 0, 1)]))
}
