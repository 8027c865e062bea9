/** Generators of which the i-th stands with the i-th power of a ratio: what a certificate's vectors are opened over. */
import type { Kernel, Points } from '../../kernel/types.js'
import { slice } from '../scalars.js'

/**
 * The bases ratio^i · points_i. Folding low + c · high over such bases is folding the points with c · ratio^half, so that the powers
 * are never multiplied into points.
 */
export class Bases {
  private constructor(
    private readonly kernel: Kernel,
    private readonly points: Points,
    /** 1, ratio, ratio² …, at least as many as points; undefined for a ratio of 1. */
    private readonly powers: Uint8Array | undefined
  ) {}

  /** @param powers of the ratio from 0, as many as points; left out for a ratio of 1 */
  static of(kernel: Kernel, points: Points, powers?: Uint8Array): Bases {
    return new Bases(kernel, points, powers)
  }

  get length(): number {
    return this.points.length
  }

  /** ⟨scalars, bases from `from` on⟩. */
  sum(scalars: Uint8Array, from = 0): Points {
    const to = from + scalars.length / 32
    return this.kernel.msm(this.weighted(scalars, from), this.kernel.slice(this.points, from, to))
  }

  /** Scalars for the points themselves. */
  weighted(scalars: Uint8Array, from = 0): Uint8Array {
    if (this.powers === undefined) return scalars
    return this.kernel.mulScalars(scalars, slice(this.powers, from, from + scalars.length / 32))
  }

  /** low + c · high of the first 2 · half bases. */
  fold(half: number, c: Uint8Array): Bases {
    const { kernel, points, powers } = this
    const factor = powers === undefined ? c : kernel.mulScalars(c, slice(powers, half, half + 1))
    const folded = kernel.foldPoints(kernel.slice(points, 0, half), kernel.slice(points, half, 2 * half), factor)
    return new Bases(kernel, folded, powers)
  }
}
