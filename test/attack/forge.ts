/** Tools of a dishonest prover. */
import { concat } from '../../src/bytes.js'
import type { Points } from '../../src/kernel/types.js'
import { SCALAR_BYTES } from '../../src/proof/scalars.js'
import { kernel, makeTails, type KnownRow, type Session } from '../proof/fixture.js'

/** The same session with both tails signed over its rows as they are now. */
export function signAgain(init: Session): Session {
  return { ...init, ...makeTails(init.context, init.rows, { publicAtStart: init.publicAtStart }) }
}

export function changeRow(init: Session, at: number, change: (row: KnownRow) => Partial<KnownRow>): Session {
  return signAgain({ ...init, rows: init.rows.map((row, t) => (t === at ? { ...row, ...change(row) } : row)) })
}

/** A point plus small multiples of others. */
export function combine(point: Uint8Array, ...terms: readonly (readonly [Points, number])[]): Uint8Array {
  const scalars = kernel.scalarsOf(Float64Array.of(1, ...terms.map(([, factor]) => factor)))
  return kernel.encode(kernel.msm(scalars, kernel.concat([kernel.decode(point), ...terms.map(([points]) => points)])))
}

/** A packed vector with `summand` added at one place. */
export function addAt(packed: Uint8Array, at: number, summand: Uint8Array): Uint8Array {
  const [from, to] = [at * SCALAR_BYTES, (at + 1) * SCALAR_BYTES]
  return concat([packed.subarray(0, from), kernel.addScalars(packed.subarray(from, to), summand), packed.subarray(to)])
}
