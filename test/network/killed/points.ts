/** Where a side that settles is killed: what it has done last, and how often since it began to settle. */

export interface Point {
  readonly what: string
  readonly times: number
}

/** A point, and what comes of it. Rows in no batch are known to who answered them, or asked, alone, and go with its process. */
export interface Case extends Point {
  /** Rows that are proved afterwards. */
  readonly rows: number
  /** Where it is killed again when it settles then. */
  readonly again?: string
  /** The contributor proves and announces alone before the user comes: so many rows, unless it has a receipt by then. */
  readonly alone?: number
}

export type Role = 'user' | 'contributor'

/** Each session is killed once; some are killed twice, others are left alone, where that is another story. */
export const CASES: Readonly<Record<Role, readonly Case[]>> = {
  user: [
    { what: 'sent settle', times: 1, rows: 4 },
    { what: 'sent settle', times: 1, rows: 4, again: 'sent batch' },
    { what: 'sent settle', times: 1, rows: 4, alone: 4 },
    // It has opened the contributor's second batch, and nothing on the disk says so.
    { what: 'taken batch', times: 1, rows: 4 },
    { what: 'taken batch', times: 1, rows: 4, again: 'putVerified' },
    // Of the two rows that were in none: it waits for nothing, and comes before what the contributor's opens.
    { what: 'user batch', times: 1, rows: 4 },
    { what: 'user batch', times: 1, rows: 4, again: 'sent settle' },
    { what: 'sent batch', times: 1, rows: 4 },
    { what: 'sent batch', times: 1, rows: 4, again: 'receipt' },
    // The one that closes, with all rows that it has accepted; alone the contributor has not seen it.
    { what: 'user batch', times: 2, rows: 10 },
    { what: 'user batch', times: 2, rows: 10, again: 'taken announced' },
    { what: 'user batch', times: 2, rows: 4, alone: 4 },
    { what: 'sent batch', times: 2, rows: 10 },
    { what: 'putVerified', times: 1, rows: 10 },
    { what: 'putVerified', times: 1, rows: 10, alone: 10 },
    { what: 'record proved', times: 1, rows: 10 },
    { what: 'receipt', times: 1, rows: 10 },
    { what: 'receipt', times: 1, rows: 10, again: 'sent receipt' },
    { what: 'sent receipt', times: 1, rows: 10 },
    { what: 'taken announced', times: 1, rows: 10 },
    { what: 'settled', times: 1, rows: 10 }
  ],
  contributor: [
    // What the user says is checked, and nothing answered.
    { what: 'begun', times: 1, rows: 8 },
    { what: 'begun', times: 1, rows: 8, again: 'sent proof' },
    { what: 'begun', times: 1, rows: 4, alone: 4 },
    { what: 'sent settle', times: 1, rows: 8 },
    // The one that the user lacks.
    { what: 'sent batch', times: 1, rows: 8 },
    { what: 'contributor batch', times: 1, rows: 10 },
    { what: 'contributor batch', times: 1, rows: 10, again: 'begun' },
    { what: 'contributor batch', times: 1, rows: 4, alone: 4 },
    { what: 'sent batch', times: 2, rows: 10 },
    // The one that closes.
    { what: 'contributor batch', times: 2, rows: 10 },
    { what: 'contributor batch', times: 2, rows: 10, again: 'putOwn' },
    { what: 'contributor batch', times: 2, rows: 10, alone: 10 },
    { what: 'sent batch', times: 3, rows: 10 },
    { what: 'putOwn', times: 1, rows: 10 },
    { what: 'putOwn', times: 1, rows: 10, again: 'sent announced' },
    { what: 'proved', times: 1, rows: 10 },
    { what: 'proved', times: 1, rows: 10, alone: 10 },
    { what: 'sent proof', times: 1, rows: 10 },
    { what: 'sent proof', times: 1, rows: 10, again: 'receipt' },
    { what: 'receipt', times: 1, rows: 10 },
    { what: 'announcement', times: 1, rows: 10 },
    { what: 'sent announced', times: 1, rows: 10 },
    { what: 'settled', times: 1, rows: 10 }
  ]
}

/** Where each session is to stand when the process is killed. */
export type Plan = Readonly<Record<string, Point>>
