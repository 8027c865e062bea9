/** Merkle tree over the rows of a bundle (protocols/bundle, Merkle root and opened rows). */
import { u32 } from '../../bytes.js'
import { hash } from '../../kernel/hash.js'
import { LABELS } from '../labels.js'
import { encodeRow } from '../rows/tail.js'
import type { PublicRow } from '../types.js'

export function leafOf(row: PublicRow): Uint8Array {
  return hash(LABELS.leaf, encodeRow(row))
}

/** Level by level from the leaves to the top; an odd last node goes up unchanged. */
function levels(leaves: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  const all = [leaves]
  for (let level = leaves; level.length > 1; all.push(level)) {
    const below = level
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, i) => {
      const right = below[2 * i + 1]
      return right === undefined ? below[2 * i]! : hash(LABELS.node, below[2 * i]!, right)
    })
  }
  return all
}

function rootOf(session: Uint8Array, { start, rows, top }: { start: number; rows: number; top: Uint8Array }): Uint8Array {
  return hash(LABELS.root, session, u32(start), u32(rows), top)
}

/** Root over rows s … e − 1 of a session, in order. */
export function merkleRoot(session: Uint8Array, rows: readonly PublicRow[]): Uint8Array {
  const top = levels(rows.map(leafOf)).at(-1)![0]!
  return rootOf(session, { start: rows[0]!.number, rows: rows.length, top })
}

/** Siblings of a leaf from below; levels where its node goes up alone have none. */
export function merklePath(rows: readonly PublicRow[], index: number): Uint8Array[] {
  return levels(rows.map(leafOf)).flatMap((level, height) => {
    const sibling = level[Math.floor(index / 2 ** height) ^ 1]
    return sibling === undefined ? [] : [sibling]
  })
}

/** Siblings that a leaf has in a tree of `rows` leaves. */
export function pathLength(index: number, rows: number): number {
  let length = 0
  for (let i = index, n = rows; n > 1; i = Math.floor(i / 2), n = Math.ceil(n / 2)) if ((i ^ 1) < n) length++
  return length
}

/** The root that a row and its path lead to. @param path pathLength siblings */
export function rootFromPath(
  session: Uint8Array,
  { start, rows, row }: { start: number; rows: number; row: PublicRow },
  path: readonly Uint8Array[]
): Uint8Array {
  let top = leafOf(row)
  let used = 0
  for (let i = row.number - start, n = rows; n > 1; i = Math.floor(i / 2), n = Math.ceil(n / 2)) {
    if ((i ^ 1) >= n) continue
    const sibling = path[used++]!
    top = i % 2 === 0 ? hash(LABELS.node, top, sibling) : hash(LABELS.node, sibling, top)
  }
  return rootOf(session, { start, rows, top })
}
