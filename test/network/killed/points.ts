/** Where a side that settles is killed: what it has done last, and how often since it began to settle. */

export interface Point {
  readonly what: string
  readonly times: number
}

/** A point, and what is proved afterwards. Rows in no batch are known to who answered them, or asked, alone, and go with its process. */
export interface Case extends Point {
  readonly rows: number
  /** Rows that the contributor proves when nobody comes, and announces alone; null when it has a receipt by then. */
  readonly alone: number | null
}

function at(what: string, times: number, { rows, alone = null }: Pick<Case, 'rows'> & Partial<Pick<Case, 'alone'>>): Case {
  return { what, times, rows, alone }
}

export type Role = 'user' | 'contributor'

export const CASES: Readonly<Record<Role, readonly Case[]>> = {
  user: [
    at('sent settle', 1, { rows: 4, alone: 4 }),
    // It has opened the contributor's second batch, and nothing on the disk says so.
    at('taken batch', 1, { rows: 4, alone: 4 }),
    // Of the two rows that were in none: it waits for nothing, and comes before what the contributor's opens.
    at('user batch', 1, { rows: 4, alone: 4 }),
    at('sent batch', 1, { rows: 4, alone: 4 }),
    // The one that closes, with all rows that it has accepted; the contributor has not seen it yet.
    at('user batch', 2, { rows: 10, alone: 4 }),
    at('sent batch', 2, { rows: 10, alone: 10 }),
    at('putVerified', 1, { rows: 10, alone: 10 }),
    at('record proved', 1, { rows: 10, alone: 10 }),
    at('receipt', 1, { rows: 10, alone: 10 }),
    at('sent receipt', 1, { rows: 10 }),
    at('taken announced', 1, { rows: 10 }),
    at('settled', 1, { rows: 10 })
  ],
  contributor: [
    // What the user says is checked, and nothing answered.
    at('begun', 1, { rows: 8, alone: 4 }),
    at('sent settle', 1, { rows: 8, alone: 4 }),
    // The one that the user lacks.
    at('sent batch', 1, { rows: 8, alone: 4 }),
    at('contributor batch', 1, { rows: 10, alone: 4 }),
    at('sent batch', 2, { rows: 10, alone: 4 }),
    // The one that closes.
    at('contributor batch', 2, { rows: 10, alone: 10 }),
    at('sent batch', 3, { rows: 10, alone: 10 }),
    at('putOwn', 1, { rows: 10, alone: 10 }),
    at('proved', 1, { rows: 10, alone: 10 }),
    at('sent proof', 1, { rows: 10, alone: 10 }),
    at('receipt', 1, { rows: 10 }),
    at('announcement', 1, { rows: 10 }),
    at('sent announced', 1, { rows: 10 }),
    at('settled', 1, { rows: 10 })
  ]
}

/** What comes in every settlement, also in one that follows another. */
export const AGAIN: Readonly<Record<Role, readonly string[]>> = {
  user: ['sent settle', 'sent batch', 'putVerified', 'receipt', 'sent receipt', 'taken announced', 'settled'],
  contributor: ['begun', 'sent settle', 'sent proof', 'sent announced', 'settled']
}

/** Where each session is to stand when the process is killed. */
export type Plan = Readonly<Record<string, Point>>
