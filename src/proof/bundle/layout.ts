/** What a bundle consists of, how long each part is, and its bytes (protocols/bundle, Layout). */
import { concat, u32, u8 } from '../../bytes.js'
import { encodePairsProof, type PairsProof } from '../argument/layout.js'
import type { PublicRow, SessionContext, Tail } from '../types.js'

export const BUNDLE_VERSION = 1

/** A group of the bundle: with its number of rows in it. */
export interface BundleGroup {
  /** In the manifest. */
  readonly index: number
  readonly rows: number
  readonly dIn: number
  /** Σ rank of its modules. */
  readonly rank: number
}

/** What everything is absorbed from first: all that both sides know before the proof. */
export interface Statement {
  readonly context: SessionContext
  readonly contextBytes: Uint8Array
  readonly session: Uint8Array
  readonly start: number
  readonly end: number
  readonly publicStart: Uint8Array
  readonly publicEnd: Uint8Array
  readonly rows: readonly PublicRow[]
  readonly userTail: Tail
  readonly contributorTail: Tail
  /** Groups with rows, in manifest order. */
  readonly groups: readonly BundleGroup[]
}

/** Step 2. */
export interface Hidden {
  readonly w: Uint8Array
  /** M points. */
  readonly p: Uint8Array
}

/** Step 4: first messages. */
export interface FirstMessages {
  readonly ew: Uint8Array
  readonly ed: Uint8Array
  readonly ev: Uint8Array
}

/** Step 4: answers; z has R scalars. */
export interface Answers {
  readonly z: Uint8Array
  readonly zOmega: Uint8Array
  readonly zSigma: Uint8Array
  readonly zNu: Uint8Array
}

/** Everything that the prover sends. */
export interface Proof extends PairsProof {
  readonly hidden: Hidden
  readonly value: Uint8Array
  readonly first: FirstMessages
  readonly answers: Answers
}

/** R. */
export function rankOf(groups: readonly BundleGroup[]): number {
  return groups.reduce((sum, { rank }) => sum + rank, 0)
}

/** d. */
export function widthOf(groups: readonly BundleGroup[]): number {
  return Math.max(...groups.map(({ dIn }) => dIn))
}

/** Groups with rows, in manifest order. */
export function groupsOf(rows: readonly { group: number }[], shapes: readonly { dIn: number; rank: number }[]): BundleGroup[] {
  const counts = new Map<number, number>()
  for (const { group } of rows) counts.set(group, (counts.get(group) ?? 0) + 1)
  return [...counts.keys()]
    .sort((a, b) => a - b)
    .map(index => ({ index, rows: counts.get(index)!, dIn: shapes[index]!.dIn, rank: shapes[index]!.rank }))
}

/** All bytes before the rows' points, given the encoded pattern and tails. */
export function encodeBundle(statement: Statement, encoded: { pattern: Uint8Array; tails: Uint8Array }, proof: Proof): Uint8Array {
  const { start, end, contextBytes, publicStart, rows } = statement
  return concat([
    u8(BUNDLE_VERSION),
    contextBytes,
    u32(start),
    u32(end),
    ...(start > 0 ? [publicStart] : []),
    encoded.pattern,
    ...rows.map(({ s }) => s),
    encoded.tails,
    encodeProof(proof)
  ])
}

function encodeProof(proof: Proof): Uint8Array {
  const { hidden, value, first, answers } = proof
  return concat([
    ...[hidden.w, hidden.p, value, first.ew, first.ed, first.ev],
    ...[answers.z, answers.zOmega, answers.zSigma, answers.zNu],
    encodePairsProof(proof)
  ])
}
