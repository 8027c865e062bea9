/** What must hold of any bytes, and the runs that look for bytes of which it does not. */
import fc from 'fast-check'
import { equal } from '../../src/bytes.js'
import { isPeerError } from '../../src/errors.js'
import type { Target } from './targets.js'

/**
 * Bytes that a decoder may take from the system for a message: a multiple of the message's own, which were bounded before, and a part
 * for what has a fixed size. A length that is claimed and not there must not show.
 */
const GROWTH = 24
const FIXED = 2 ** 18

/** Hexadecimal digits of a case that are shown; seed and path give all of it. */
const SHOWN = 1000

export interface Tally {
  accepted: number
  readonly refused: Map<string, number>
}

/** @throws when the bytes cause what no bytes may cause */
export function check(target: Target, bytes: Uint8Array, tally: Tally): void {
  const before = process.memoryUsage().arrayBuffers
  let again: Uint8Array | undefined
  try {
    again = target.again(bytes)
  } catch (error) {
    const { name } = error as Error
    if (!isPeerError(error) && target.alsoAllowed?.includes(name) !== true) throw error
    tally.refused.set(name, (tally.refused.get(name) ?? 0) + 1)
  }
  const grown = process.memoryUsage().arrayBuffers - before
  if (grown > (target.fixed ?? FIXED) + GROWTH * bytes.length) throw new Error(`${bytes.length} bytes made it allocate ${grown}`)
  if (again === undefined) return
  tally.accepted++
  if (!equal(again, bytes)) throw new Error('bytes are accepted that are not the only encoding of what they say')
}

/**
 * Runs cases of a target. The same seed gives the same cases; a failure is shrunk.
 * @throws with seed, path and the smallest bytes found
 */
export function fuzz(target: Target, { cases, seed }: { readonly cases: number; readonly seed: number }): Tally {
  const tally: Tally = { accepted: 0, refused: new Map() }
  const result = fc.check(
    fc.property(target.cases, bytes => check(target, bytes, tally)),
    { numRuns: cases, seed }
  )
  if (!result.failed) return tally
  const [bytes] = result.counterexample as [Uint8Array]
  const { errorInstance, counterexamplePath } = result
  const hex = Buffer.from(bytes).toString('hex')
  throw new Error(
    `${target.name}, seed ${seed}, path ${counterexamplePath}: ${String((errorInstance as Error)?.message)}; bytes ${hex.length > SHOWN ? `${hex.slice(0, SHOWN)}… (${bytes.length} bytes)` : hex}`,
    { cause: errorInstance }
  )
}
