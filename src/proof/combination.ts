/**
 * Many equations between sums of points as one multi-scalar multiplication. Each equation gets a weight of 128 bits from the
 * verifier's own generator when it is added, so it must be added only when everything that the prover sends is in hand.
 */
import { concat } from '../bytes.js'
import type { GeneratorFamily, Kernel, Points } from '../kernel/types.js'
import { lengthOf, pad, randomWeights, SCALAR_BYTES, slice } from './scalars.js'
import type { Random } from './types.js'

/** Points with the coefficient that each has collected so far. */
export interface Basis {
  points: Points
  coefficients: Uint8Array
}

/** Σ_i scalars_i · basis_(from + i). */
export interface Term {
  readonly basis: Basis
  readonly from: number
  readonly scalars: Uint8Array
}

export class Combination {
  private readonly families = new Map<GeneratorFamily, Basis>()
  private readonly others: Basis[] = []

  constructor(
    private readonly kernel: Kernel,
    private readonly random: Random
  ) {}

  /** Points that terms can name. */
  basis(points: Points): Basis {
    const basis = { points, coefficients: new Uint8Array(points.length * SCALAR_BYTES) }
    this.others.push(basis)
    return basis
  }

  /** Generators from index `from` on; equations share them. */
  generators(family: GeneratorFamily, scalars: Uint8Array, from = 0): Term {
    const length = from + lengthOf(scalars)
    let basis = this.families.get(family)
    if (basis === undefined) {
      basis = { points: this.kernel.generators(family, 0, 0), coefficients: new Uint8Array() }
      this.families.set(family, basis)
    }
    if (basis.points.length < length) {
      basis.points = this.kernel.generators(family, 0, length)
      basis.coefficients = pad(basis.coefficients, length)
    }
    return { basis, from, scalars }
  }

  /** Adds `Σ left = Σ right` with a weight of its own. */
  equation(left: readonly Term[], right: readonly Term[]): void {
    const weight = randomWeights(this.random, 1)
    for (const term of left) this.add(term, weight)
    const negative = this.kernel.negateScalars(weight)
    for (const term of right) this.add(term, negative)
  }

  /** True when every equation holds, but for a chance of 2^-128 for each. */
  holds(): boolean {
    const bases = [...this.families.values(), ...this.others]
    const coefficients = concat(bases.map(basis => basis.coefficients))
    const points = this.kernel.concat(bases.map(basis => basis.points))
    return this.kernel.indexOfIdentity(this.kernel.msm(coefficients, points)) === 0
  }

  private add({ basis, from, scalars }: Term, weight: Uint8Array): void {
    const target = slice(basis.coefficients, from, from + lengthOf(scalars))
    target.set(this.kernel.foldScalars(target, scalars, weight))
  }
}
