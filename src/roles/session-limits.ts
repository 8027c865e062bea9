/** What a contributor accepts in one session, so that the whole session fits into one bundle. */
import type { LimitName } from '../counters.js'
import { FORMAT_LIMITS, NET_LIMITS } from '../limits.js'
import type { Manifest, ManifestGroup } from '../proof/index.js'

/** Bytes of a row in a bundle at most: S, and a step of the pattern for each (repeat 1, group 2, position 5, count 1). */
const ROW_BYTES = 32 + 9
/** Bytes of a bundle that depend on no count: context, hashes, tails, and all points and scalars of steps 3 to 6. */
const FIXED_BYTES = 16 * 1024
/** Bytes that each group adds (an index and P), and each rank (z). */
const GROUP_BYTES = 34
const RANK_BYTES = 32
/** Bytes in memory of an entry of x and of y. */
const X_BYTES = 2
const Y_BYTES = 8
/** What is left for all sessions is handed out in such parts: 32 long sessions of a small adapter find room instead of four. */
const SHARES = 8

/**
 * Rows that one session over these groups can have, and the limit that says so: the tightest of those that a bundle has.
 * @param inputBytes of x that a bundle covers
 */
export function boundOfRows(
  manifest: Manifest,
  groups: readonly number[],
  inputBytes: number
): { readonly rows: number; readonly limit: LimitName } {
  const used = groups.map(group => manifest.groups[group]!)
  const fixed = FIXED_BYTES + used.reduce((sum, { rank }) => sum + GROUP_BYTES + RANK_BYTES * rank, 0)
  const widest = Math.max(...used.map(({ dIn }) => dIn))
  const bounds = [
    { rows: FORMAT_LIMITS.bundleRows, limit: 'bundleRows' },
    { rows: Math.floor((FORMAT_LIMITS.bundleBytes - fixed) / ROW_BYTES), limit: 'bundleBytes' },
    { rows: Math.floor(inputBytes / (widest * X_BYTES)), limit: 'bundleInputBytes' }
  ] as const
  return bounds.reduce((a, b) => (b.rows < a.rows ? b : a))
}

/**
 * Bytes of x and y that may be outstanding in one session: all of a short one, one request at least, and never more than a share of
 * what is left for all, so that a few sessions that ask for much do not keep everybody else out.
 */
export function outstandingBytesOf(manifest: Manifest, groups: readonly number[], { rows, left }: { rows: number; left: number }): number {
  const widest = Math.max(...groups.map(group => rowBytes(manifest.groups[group]!)))
  const least = NET_LIMITS.rowsPerRequest * widest
  return Math.max(least, Math.min(NET_LIMITS.outstandingBytes, rows * widest, Math.floor(left / SHARES)))
}

function rowBytes({ dIn, outputs }: ManifestGroup): number {
  return dIn * X_BYTES + outputs * Y_BYTES
}
