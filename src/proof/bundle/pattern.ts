/** Groups and positions of a bundle's rows in a few bytes (protocols/bundle, Pattern), and its varints (protocols/notation). */
import { concat, Cursor } from '../../bytes.js'
import { MalformedMessageError } from '../../errors.js'

/** Longest varint, and the bound of its value: zigzag of a difference of two u32. */
const VARINT_BYTES = 5
const VARINT_BOUND = 2 ** 33

/** Positions are u32. */
const POSITION_BOUND = 2 ** 32

export interface Place {
  readonly group: number
  readonly position: number
}

/** Unsigned LEB128. */
export function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
  return Uint8Array.from(bytes)
}

/** @throws MalformedMessageError unless it is the shortest form of a value below 2^33. */
export function readVarint(cursor: Cursor): number {
  let value = 0
  for (let i = 0; i < VARINT_BYTES; i++) {
    const byte = cursor.u8()
    value += (byte % 128) * 128 ** i
    if (byte >= 128) continue
    if (byte === 0 && i > 0) throw new MalformedMessageError('a varint is not in its shortest form')
    if (value >= VARINT_BOUND) break
    return value
  }
  throw new MalformedMessageError('a varint is not below 2^33')
}

export function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}

/** A run by its differences from the one before. */
interface Step {
  readonly dg: number
  readonly dp: number
  readonly count: number
}

function stepsOf(rows: readonly Place[]): Step[] {
  const steps: Step[] = []
  let before: Place = { group: 0, position: 0 }
  for (let from = 0; from < rows.length;) {
    const first = rows[from]!
    let count = 1
    while (from + count < rows.length && continues(rows[from + count]!, { ...first, count })) count++
    steps.push({ dg: first.group - before.group, dp: first.position - before.position, count })
    before = first
    from += count
  }
  return steps
}

function continues(row: Place, run: Place & { count: number }): boolean {
  return row.group === run.group && row.position === run.position + run.count
}

function same(a: Step, b: Step): boolean {
  return a.dg === b.dg && a.dp === b.dp && a.count === b.count
}

export function encodePattern(rows: readonly Place[]): Uint8Array {
  const steps = stepsOf(rows)
  const parts: Uint8Array[] = []
  for (let from = 0; from < steps.length;) {
    const step = steps[from]!
    let repeat = 1
    while (from + repeat < steps.length && same(step, steps[from + repeat]!)) repeat++
    parts.push(encodeVarint(repeat), encodeVarint(zigzag(step.dg)), encodeVarint(zigzag(step.dp)), encodeVarint(step.count))
    from += repeat
  }
  return concat(parts)
}

/**
 * Groups and positions of `total` rows.
 * @param groups those of the context
 * @throws MalformedMessageError for anything but the shortest form
 */
export function readPattern(cursor: Cursor, total: number, groups: readonly number[]): Place[] {
  const rows: Place[] = []
  const known = new Set(groups)
  let run = { group: 0, position: 0, count: 0 }
  let before: Step | undefined
  while (rows.length < total) {
    const repeat = readVarint(cursor)
    const step = { dg: unzigzag(readVarint(cursor)), dp: unzigzag(readVarint(cursor)), count: readVarint(cursor) }
    if (repeat < 1 || step.count < 1) throw new MalformedMessageError('a step of the row pattern is empty')
    if (repeat * step.count > total - rows.length) throw new MalformedMessageError(`the row pattern has more than ${total} rows`)
    if (before !== undefined && same(step, before)) throw new MalformedMessageError('two steps of the row pattern are one')
    before = step
    for (let i = 0; i < repeat; i++) {
      const next = { group: run.group + step.dg, position: run.position + step.dp, count: step.count }
      if (!known.has(next.group)) throw new MalformedMessageError(`the row pattern names group ${next.group}, which the context does not`)
      if (next.position < 0 || next.position + next.count > POSITION_BOUND) {
        throw new MalformedMessageError(`the row pattern leaves the positions at ${next.position}`)
      }
      if (rows.length > 0 && continues(next, run)) throw new MalformedMessageError('two runs of the row pattern are one')
      for (let k = 0; k < next.count; k++) rows.push({ group: next.group, position: next.position + k })
      run = next
    }
  }
  return rows
}
