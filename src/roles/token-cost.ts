/** What one token of a contributor's adapter costs on the network, before a session is opened. */
import type { Manifest } from '../proof/index.js'
import { rowBytes } from '../session/index.js'
import type { TokenCost } from './types.js'

/** Milliseconds: transfers that take less, beyond the round trip, tell nothing of the rate. */
const LEAST_TRANSFER = 1

/** How a peer is reached, as far as it was measured. */
export interface Link {
  /** Milliseconds of a ping; null: no answer. */
  readonly roundTrip: number | null
  /** Bytes of a transfer, and milliseconds from its request to its end; null: none came about. */
  readonly transfer: { readonly bytes: number; readonly elapsed: number } | null
}

/** Bytes a second; null when nothing was measured. */
export function rateOf({ roundTrip, transfer }: Link): number | null {
  if (transfer === null) return null
  return (1000 * transfer.bytes) / Math.max(LEAST_TRANSFER, transfer.elapsed - (roundTrip ?? 0))
}

/** A token is one row in each group; each group waits for the answer of the one before. Commitments and the proof are off that path. */
export function tokenCost(
  { groups, activationBits, weightBits }: Pick<Manifest, 'groups' | 'activationBits' | 'weightBits'>,
  link: Link
): TokenCost {
  const rows = groups.map(group => rowBytes(group, { activationBits, weightBits }))
  const bytes = rows.reduce((sum, { x, y }) => sum + x + y, 0)
  const bytesPerSecond = rateOf(link)
  const seconds =
    link.roundTrip === null || bytesPerSecond === null ? null : (groups.length * link.roundTrip) / 1000 + bytes / bytesPerSecond
  return { bytes, roundTrips: groups.length, bytesPerSecond, seconds }
}
