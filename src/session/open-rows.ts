/**
 * The user's rows that are answered and not accepted, in order: how many there are, which of them have no commitment yet, and when
 * the next batch of those is due.
 */
import { NET_LIMITS } from '../limits.js'
import { activationBytes } from './messages/packing.js'
import type { AnsweredRow } from './requests.js'
import type { Terms } from './terms/terms.js'

/**
 * Rows after which a batch is made while the session goes on: each costs both sides a signature and a multiplication of one row's
 * width. The first comes early, so that a contributor with other weights is caught after a few rows; each next is as long as all before.
 */
const FIRST_COMMIT_ROWS = 16
const COMMIT_ROWS = 256
/** Bytes of an entry of y in memory. */
const ENTRY = 8

export interface OpenRowsInit {
  readonly terms: Terms
  /** Rows after which a batch is made when no request waits; default 256. Never more than half of what may be outstanding. */
  readonly commitRows?: number | undefined
}

export class OpenRows {
  private readonly activationBytes: number
  private readonly commitRows: number
  /** A contributor may take more: this side does not keep more. */
  private readonly most: { readonly rows: number; readonly bytes: number }
  private readonly rows: AnsweredRow[] = []
  /** Rows before them. */
  private accepted = 0
  private committed = 0
  private uncommittedBytes = 0

  constructor({ terms: { accept, context }, commitRows = COMMIT_ROWS }: OpenRowsInit) {
    this.activationBytes = activationBytes(context.activationBits)
    this.commitRows = commitRows
    this.most = {
      rows: Math.min(accept.outstandingRows, NET_LIMITS.outstandingRows),
      bytes: Math.min(Number(accept.outstandingBytes), NET_LIMITS.outstandingBytes)
    }
  }

  /** Rows answered in the whole session. */
  get answered(): number {
    return this.accepted + this.rows.length
  }

  /** Rows that are not accepted. */
  get length(): number {
    return this.rows.length
  }

  /** The next rows are answered. */
  add(rows: readonly AnsweredRow[]): void {
    this.rows.push(...rows)
    for (const row of rows) this.uncommittedBytes += this.bytesOf(row)
  }

  /**
   * Whether a batch is to be made of rows without a commitment.
   * @param closing no further rows come: the rest is committed to
   * @param waiting somebody waits for deltas, and so not for commitments: they are made while the base model computes
   */
  isDue({ closing, waiting }: { readonly closing: boolean; readonly waiting: boolean }): boolean {
    const uncommitted = this.answered - this.committed
    if (uncommitted === 0) return false
    // Else the contributor could stop answering, however much is asked for.
    if (closing || uncommitted >= Math.ceil(this.most.rows / 2) || this.uncommittedBytes * 2 >= this.most.bytes) return true
    return !waiting && uncommitted >= Math.min(Math.max(FIRST_COMMIT_ROWS, this.committed), this.commitRows)
  }

  /** The rows of the next batch, which count as committed from now on. */
  takeBatch(): { readonly firstRow: number; readonly rows: readonly AnsweredRow[] } {
    const firstRow = this.committed
    const from = firstRow - this.accepted
    const rows = this.rows.slice(from, from + NET_LIMITS.rowsPerBatch)
    this.committed += rows.length
    for (const row of rows) this.uncommittedBytes -= this.bytesOf(row)
    return { firstRow, rows }
  }

  /** The first ones, whose acceptance is next. */
  first(count: number): readonly AnsweredRow[] {
    return this.rows.slice(0, count)
  }

  /** The first ones are accepted. */
  accept(count: number): void {
    this.rows.splice(0, count)
    this.accepted += count
  }

  /** Copies of all: a row must not keep the memory of its whole request. */
  copies(): AnsweredRow[] {
    return this.rows.map(({ x, y, ...row }) => ({ ...row, x: x.slice(), y: y.slice() }))
  }

  private bytesOf({ x, y }: AnsweredRow): number {
    return x.length * this.activationBytes + y.length * ENTRY
  }
}
