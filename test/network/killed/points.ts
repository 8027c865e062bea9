/** Where a side that settles is killed: what it has done last, and how often since it began to settle. */

export interface Point {
  readonly what: string
  readonly times: number
  /** Rows that are proved afterwards. Rows that are in no batch are known to who answered them, or asked, alone, and go with its process. */
  readonly rows: number
}

function point(what: string, times: number, rows: number): Point {
  return { what, times, rows }
}

export const POINTS: Readonly<Record<'user' | 'contributor', readonly Point[]>> = {
  user: [
    point('sent settle', 1, 4),
    // It has opened the contributor's second batch, and nothing on the disk says so.
    point('taken batch', 1, 4),
    // Of the two rows that were in none: it waits for nothing, and comes before what the contributor's opens.
    point('user batch', 1, 4),
    point('sent batch', 1, 4),
    // The one that closes, with all rows that it has accepted.
    point('user batch', 2, 10),
    point('sent batch', 2, 10),
    point('putVerified', 1, 10),
    point('record proved', 1, 10),
    point('receipt', 1, 10),
    point('sent receipt', 1, 10),
    point('taken announced', 1, 10),
    point('settled', 1, 10)
  ],
  contributor: [
    // What the user says is checked, and nothing answered.
    point('begun', 1, 8),
    point('sent settle', 1, 8),
    // The one that the user lacks.
    point('sent batch', 1, 8),
    point('contributor batch', 1, 10),
    point('sent batch', 2, 10),
    // The one that closes.
    point('contributor batch', 2, 10),
    point('sent batch', 3, 10),
    point('putOwn', 1, 10),
    point('proved', 1, 10),
    point('sent proof', 1, 10),
    point('receipt', 1, 10),
    point('announcement', 1, 10),
    point('sent announced', 1, 10),
    point('settled', 1, 10)
  ]
}

/** Sessions that one user settles at a time, over one connection: it takes eight streams of the protocol. */
const AT_A_TIME = 7

/** By user. */
export function parties(points: readonly Point[]): Point[][] {
  const count = Math.ceil(points.length / AT_A_TIME)
  return Array.from({ length: count }, (_, i) => points.slice(i * AT_A_TIME, (i + 1) * AT_A_TIME))
}
