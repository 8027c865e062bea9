/**
 * Operations of the kernel that a session cannot do without, counted from its shape as the protocol stands (protocols/bundle, Steps),
 * and what they take, each measured by itself on one thread. What is counted: whatever touches points, integers or whole vectors of
 * scalars. What is not: single scalars, hashes and signatures.
 */
import { MOST_TERMS } from '../../../src/proof/argument/bases.js'
import { halvings, LAST_LENGTH, pairRounds } from '../../../src/proof/argument/layout.js'
import { type Operation, prepare, unitsOf } from '../kernel/operations.js'
import { kernel } from '../product.js'
import { sample, type Sample } from '../sample.js'
import type { Shape } from './shapes.js'
import type { Unavoidable } from '../types.js'

/** An operation, so many times. */
type Counted = readonly [number, Operation]

/** Digits of a blinding, as a row of 16-bit integers. */
const BLINDING_DIGITS = 16
/** Points of a proof beside rows, groups, pairs and rounds: W, V, three first messages, four of the masks. */
const FIXED_POINTS = 9

const commit = (bits: 16 | 53, rows: number, width: number): Operation => ({ kind: 'commit', bits, rows, width })
const msm = (points: number): Operation => ({ kind: 'msm', bits: 252, points })

export function ofUserCommit({ groups }: Shape, tokens: number): Counted[] {
  return groups.flatMap(({ dIn }): Counted[] => [
    [1, commit(16, tokens, dIn)],
    [1, { kind: 'encode', points: tokens }]
  ])
}

export function ofContributorCommit({ groups, rank }: Shape, tokens: number): Counted[] {
  return groups.flatMap(({ dOut }): Counted[] => [
    [1, commit(53, tokens, rank * dOut.length)],
    [1, commit(16, tokens, BLINDING_DIGITS)],
    [1, { kind: 'products', rows: tokens, width: rank * dOut.length }],
    [1, { kind: 'encode', points: tokens }]
  ])
}

function sizes({ groups, rank }: Shape): { width: number; ranks: number; halves: number[]; points: number } {
  const width = Math.max(...groups.map(({ dIn }) => dIn))
  const halves = halvings(width).odd.map((_, j) => Math.floor(width / 2 ** (j + 1)))
  const ranks = groups.reduce((sum, { dOut }) => sum + rank * dOut.length, 0)
  return { width, ranks, halves, points: FIXED_POINTS + groups.length + 2 * pairRounds(groups.length) + 4 * halves.length }
}

/** Sums over the generators, which become fewer by MOST_TERMS to one (src/proof/argument/bases.ts). */
function overGenerators(halves: readonly number[]): Counted[] {
  const counted: Counted[] = []
  let terms = 1
  for (const half of halves) {
    counted.push([4, msm(half * terms)])
    if (half <= LAST_LENGTH) break
    if (2 * terms > MOST_TERMS) {
      counted.push([2, { kind: 'foldPoints', points: 2 * half, terms: terms - 1 }])
      terms = 1
    }
    terms *= 2
  }
  return counted
}

export function ofProve(shape: Shape, tokens: number): Counted[] {
  const { groups, rank } = shape
  const { width, ranks, halves, points } = sizes(shape)
  const ofGroups = groups.flatMap(({ dIn, dOut }): Counted[] => [
    // x̄, ⟨x̄, G⟩ from the commitments or the generators, whichever are fewer; then h, and a.
    [1, { kind: 'fold', rows: tokens, width: dIn }],
    ...(tokens < dIn ? ([[1, { kind: 'decode', points: tokens }]] as const) : []),
    [1, msm(Math.min(tokens, dIn))],
    [dOut.length, { kind: 'products', rows: rank, width: dIn }],
    [dOut.length, { kind: 'fold', rows: rank, width: dIn }]
  ])
  const pairs = groups.length - 1
  return [
    ...ofGroups,
    // W, and the first messages over Q and the adapter's rows.
    [3, msm(ranks + 1)],
    ...(pairs === 0
      ? []
      : ([
          [2 * pairs, { kind: 'inner', length: width }],
          [2 * pairs, { kind: 'foldScalars', length: width }]
        ] as const)),
    // The masks of both vectors, τ_0, τ_1, τ, and the answers.
    [2, msm(width + 1)],
    [4, { kind: 'inner', length: width }],
    [2, { kind: 'foldScalars', length: width }],
    ...halves.flatMap((half): Counted[] => [
      [2, { kind: 'inner', length: half }],
      [2, { kind: 'foldScalars', length: half }]
    ]),
    ...overGenerators(halves),
    [1, { kind: 'encode', points }]
  ]
}

export function ofVerify(shape: Shape, tokens: number): Counted[] {
  const { width, ranks, points } = sizes(shape)
  const rows = tokens * shape.groups.length
  // All over G, Q, U and H, the adapter's commitments, the rows, and the points of the proof.
  const all = width + ranks + 2 + 2 * ranks + rows + points
  return [
    [1, { kind: 'decode', points: rows + points }],
    [1, { kind: 'decode', points: 2 * ranks }],
    [1, msm(all)],
    // The halvings unrolled, twice; a weight for each coefficient.
    [2, { kind: 'mulScalars', length: width }],
    [1, { kind: 'mulScalars', length: all }]
  ]
}

const UNITS: Record<Operation['kind'], string> = {
  commit: 'entries committed',
  msm: 'points multiplied',
  decode: 'points decoded',
  encode: 'points encoded',
  foldPoints: 'points folded',
  fold: 'integers folded',
  products: 'products of integers and scalars',
  inner: 'products of scalars',
  foldScalars: 'scalars folded',
  mulScalars: 'scalars multiplied',
  hash: 'bytes hashed',
  nobleHash: 'bytes hashed'
}

/** Seconds for each operation; at least three runs. */
const EFFORT = { seconds: 0.05, most: 20 } as const

const known = new Map<string, number>()

async function take(operation: Operation): Promise<number> {
  const key = JSON.stringify(operation)
  const median = known.get(key) ?? (await sample(prepare(kernel, operation), EFFORT)).median
  known.set(key, median)
  return median
}

/** @param took what needs these operations, on one thread */
export async function unavoidable(counted: readonly Counted[], took: Sample): Promise<Unavoidable> {
  let sum = 0
  const counts: Record<string, number> = {}
  for (const [times, operation] of counted) {
    sum += times * (await take(operation))
    const unit = UNITS[operation.kind]
    counts[unit] = (counts[unit] ?? 0) + times * unitsOf(operation)
  }
  return { sum, ratio: took.median / sum, counts }
}
