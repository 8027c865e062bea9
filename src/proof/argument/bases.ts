/** Generators of which the i-th stands with the i-th power of a ratio: what a certificate's vectors are opened over. */
import { concat } from '../../bytes.js'
import type { Kernel, Points } from '../../kernel/types.js'
import { lengthOf, slice } from '../scalars.js'

/** Terms of a base at most, before it becomes a point of its own: more cost more in the sums than they save in the folding. */
export const MOST_TERMS = 8

/** Points from `offset` on, times a scalar. */
interface Part {
  readonly offset: number
  /** Undefined: 1. */
  readonly weight: Uint8Array | undefined
}

/**
 * The bases ratio^i · Σ_k weight_k · points_(offset_k + i). Folding low + c · high over such bases is folding the sums with
 * c · ratio^half, so that the powers are never multiplied into points; and it only doubles the number of parts: a few folds later
 * the parts become points all at once, with doublings that they share.
 */
export class Bases {
  private constructor(
    private readonly kernel: Kernel,
    private readonly init: {
      readonly points: Points
      readonly length: number
      readonly parts: readonly Part[]
      /** 1, ratio, ratio² …, at least as many as bases; undefined for a ratio of 1. */
      readonly powers: Uint8Array | undefined
    }
  ) {}

  /** @param powers of the ratio from 0, as many as points; left out for a ratio of 1 */
  static of(kernel: Kernel, points: Points, powers?: Uint8Array): Bases {
    return new Bases(kernel, { points, length: points.length, parts: WHOLE, powers })
  }

  get length(): number {
    return this.init.length
  }

  /** ⟨scalars, bases from `from` on⟩. */
  sum(scalars: Uint8Array, from = 0): Points {
    const { kernel } = this
    const { points, parts } = this.init
    const weighted = this.weighted(scalars, from)
    const length = lengthOf(scalars)
    return kernel.msm(
      concat(parts.map(({ weight }) => (weight === undefined ? weighted : kernel.mulScalars(weighted, weight)))),
      kernel.concat(parts.map(({ offset }) => kernel.slice(points, offset + from, offset + from + length)))
    )
  }

  /** Scalars for the sums themselves. */
  weighted(scalars: Uint8Array, from = 0): Uint8Array {
    const { powers } = this.init
    if (powers === undefined) return scalars
    return this.kernel.mulScalars(scalars, slice(powers, from, from + lengthOf(scalars)))
  }

  /** low + c · high of the first 2 · half bases. */
  fold(half: number, c: Uint8Array): Bases {
    if (2 * this.init.parts.length > MOST_TERMS) return this.asPoints(2 * half).fold(half, c)
    const { kernel } = this
    const { points, parts, powers } = this.init
    const factor = powers === undefined ? c : kernel.mulScalars(c, slice(powers, half, half + 1))
    const high = parts.map(({ offset, weight }) => ({
      offset: offset + half,
      weight: weight === undefined ? factor : kernel.mulScalars(weight, factor)
    }))
    return new Bases(kernel, { points, length: half, parts: [...parts, ...high], powers })
  }

  /** The first `length` bases with their sums as points. */
  private asPoints(length: number): Bases {
    const { kernel } = this
    const { points, parts, powers } = this.init
    const [low, ...high] = parts.map(({ offset }) => kernel.slice(points, offset, offset + length))
    const weights = concat(parts.slice(1).map(({ weight }) => weight!))
    return new Bases(kernel, { points: kernel.foldPoints(low!, kernel.concat(high), weights), length, parts: WHOLE, powers })
  }
}

/** The points as they are. */
const WHOLE: readonly Part[] = [{ offset: 0, weight: undefined }]
