/** What an inner-product argument sends, and how long each part is (protocols/bundle, steps 5 and 6; protocols/adapter, Certificate). */
import { concat } from '../../bytes.js'

/** Up to this length last vectors are sent as they are. */
export const LAST_LENGTH = 8

/** One round of step 5. */
export interface PairRound {
  readonly tl: Uint8Array
  readonly tr: Uint8Array
}

/** Step 6: first messages. */
export interface MaskPoints {
  readonly dx: Uint8Array
  readonly da: Uint8Array
  readonly t0: Uint8Array
  readonly t1: Uint8Array
}

/** Step 6: answers but for the vectors. */
export interface MaskAnswers {
  readonly zetaX: Uint8Array
  readonly zetaA: Uint8Array
  readonly zetaV: Uint8Array
  readonly tau: Uint8Array
}

/** The last entries of two vectors of odd length. */
export interface OddEntries {
  readonly x: Uint8Array
  readonly a: Uint8Array
}

/** One round of step 6. */
export interface HalvingRound {
  readonly odd: OddEntries | undefined
  readonly a1: Uint8Array
  readonly a2: Uint8Array
  readonly a3: Uint8Array
  readonly a4: Uint8Array
  readonly c1: Uint8Array
  readonly c2: Uint8Array
}

/** Step 6. */
export interface OpenedPair {
  readonly maskPoints: MaskPoints
  readonly maskAnswers: MaskAnswers
  readonly rounds: readonly HalvingRound[]
  /** The last two vectors, at most LAST_LENGTH scalars each. */
  readonly x: Uint8Array
  readonly a: Uint8Array
}

/** Steps 5 and 6: a list of pairs, of whose inner products the sum is committed to. */
export interface PairsProof extends OpenedPair {
  readonly pairs: readonly PairRound[]
}

/** ⌈log2 M⌉. */
export function pairRounds(pairs: number): number {
  return Math.ceil(Math.log2(pairs))
}

/** Lengths of the two vectors before each halving, and the length of the last. */
export function halvings(d: number): { odd: boolean[]; last: number } {
  const odd: boolean[] = []
  let length = d
  for (; length > LAST_LENGTH; length = Math.floor(length / 2)) odd.push(length % 2 === 1)
  return { odd, last: length }
}

export function encodePairsProof({ pairs, maskPoints, maskAnswers, rounds, x, a }: PairsProof): Uint8Array {
  return concat([
    ...pairs.flatMap(({ tl, tr }) => [tl, tr]),
    ...[maskPoints.dx, maskPoints.da, maskPoints.t0, maskPoints.t1],
    ...[maskAnswers.zetaX, maskAnswers.zetaA, maskAnswers.zetaV, maskAnswers.tau],
    ...rounds.flatMap(({ odd, a1, a2, a3, a4, c1, c2 }) => [...(odd === undefined ? [] : [odd.x, odd.a]), a1, a2, a3, a4, c1, c2]),
    x,
    a
  ])
}

/** @param next the next so many points or scalars @param shape numbers of pairs, and of entries of each vector */
export function readPairsProof(next: (count?: number) => Uint8Array, { count, length }: { count: number; length: number }): PairsProof {
  const pairs = Array.from({ length: pairRounds(count) }, () => ({ tl: next(), tr: next() }))
  const maskPoints = { dx: next(), da: next(), t0: next(), t1: next() }
  const maskAnswers = { zetaX: next(), zetaA: next(), zetaV: next(), tau: next() }
  const { odd: odds, last } = halvings(length)
  const rounds = odds.map(isOdd => {
    const odd = isOdd ? { x: next(), a: next() } : undefined
    return { odd, a1: next(), a2: next(), a3: next(), a4: next(), c1: next(), c2: next() }
  })
  return { pairs, maskPoints, maskAnswers, rounds, x: next(last), a: next(last) }
}

/** All points of an argument, by name; several of one name stand one after the other. */
export function pairsPoints({ pairs, maskPoints, rounds }: PairsProof) {
  return {
    tl: concat(pairs.map(({ tl }) => tl)),
    tr: concat(pairs.map(({ tr }) => tr)),
    ...maskPoints,
    a1: concat(rounds.map(({ a1 }) => a1)),
    a2: concat(rounds.map(({ a2 }) => a2)),
    a3: concat(rounds.map(({ a3 }) => a3)),
    a4: concat(rounds.map(({ a4 }) => a4))
  }
}

/** All scalars of an argument. */
export function pairsScalars({ maskAnswers, rounds, x, a }: PairsProof): Uint8Array[] {
  return [
    ...[maskAnswers.zetaX, maskAnswers.zetaA, maskAnswers.zetaV, maskAnswers.tau],
    ...rounds.flatMap(({ odd, c1, c2 }) => [...(odd === undefined ? [] : [odd.x, odd.a]), c1, c2]),
    x,
    a
  ]
}
