/** Rows of many groups in one batch: together by group for the commitments, in runs for the openings. */

/** Bytes of a point or scalar. */
const POINT = 32

export interface GroupedRow {
  /** Manifest index. */
  readonly group: number
}

/** Indices of the rows of each group. */
export function byGroup(rows: readonly GroupedRow[]): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  rows.forEach(({ group }, i) => {
    const indices = groups.get(group)
    if (indices === undefined) groups.set(group, [i])
    else indices.push(i)
  })
  return groups
}

/** Rows that follow one another and have one group. */
export function runsOf<Row extends GroupedRow>(rows: readonly Row[]): { group: number; rows: Row[] }[] {
  const runs: { group: number; rows: Row[] }[] = []
  for (const row of rows) {
    const last = runs.at(-1)
    if (last?.group === row.group) last.rows.push(row)
    else runs.push({ group: row.group, rows: [row] })
  }
  return runs
}

/** Arrays of one kind, one after the other: those that are a whole buffer as they are, others copied. */
export function joined<T extends Int16Array | Float64Array>(parts: readonly T[]): T {
  if (parts.length === 1) return parts[0]!
  const Kind = parts[0]!.constructor as new (length: number | ArrayBufferLike) => T
  const whole = wholeBuffer(parts)
  if (whole !== undefined) return new Kind(whole)
  const out = new Kind(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** The buffer that the parts are, one after the other, all of it. */
function wholeBuffer(parts: readonly (Int16Array | Float64Array)[]): ArrayBufferLike | undefined {
  const { buffer } = parts[0]!
  let end = 0
  for (const part of parts) {
    if (part.buffer !== buffer || part.byteOffset !== end) return undefined
    end += part.byteLength
  }
  return end === buffer.byteLength ? buffer : undefined
}

/** Puts the i-th 32 bytes of `values` at the row `indices[i]` of `out`. */
export function scatter(out: Uint8Array, values: Uint8Array, indices: readonly number[]): void {
  indices.forEach((row, i) => out.set(values.subarray(i * POINT, (i + 1) * POINT), row * POINT))
}

/** The 32 bytes of a row. */
export function pointAt(values: Uint8Array, row: number): Uint8Array {
  return values.subarray(row * POINT, (row + 1) * POINT)
}
