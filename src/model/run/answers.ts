/** Asks the providers of deltas, and sums what they answer into the tensors that the graph adds. */
import ort from './ort.js'
import { UnsupportedError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import type { Injection } from '../cut/inject.js'
import type { DeltaProvider, TargetGroup } from '../types.js'

/** Rows of one request at most: what a session accepts in one message. */
const ROWS = NET_LIMITS.rowsPerRequest

/** Of each row Σ dOut deltas; undefined where nobody answers. */
export type Answer = readonly (Float32Array | undefined)[]

/** Answers so far of each group, for models without a KV cache: they run the whole text for each token, but each row is sent once. */
export type AnswerMemory = Map<number, Answer>

export interface Asking {
  readonly groups: readonly TargetGroup[]
  readonly deltas: DeltaProvider
  /** Rows that are new, by position in the text. */
  readonly positions: { readonly first: number; readonly count: number }
  /** Absent: the model has a KV cache, and x holds the new rows only. */
  readonly memory: AnswerMemory | undefined
  readonly signal: AbortSignal
}

/**
 * Answer of one group for all rows of x.
 * @param x (count, or first + count with a memory) × dIn
 * @returns as many rows
 * @throws UnsupportedError when the model gives another number of rows; RangeError for an answer of another length; whatever the
 *   provider throws
 */
export async function askGroup(group: number, x: Float32Array, asking: Asking): Promise<Answer> {
  const { groups, deltas, positions, memory, signal } = asking
  const { dIn, modules } = groups[group]!
  const width = modules.reduce((sum, { dOut }) => sum + dOut, 0)
  const { first, count } = positions
  const old = memory === undefined ? 0 : first
  if (x.length !== (old + count) * dIn) {
    throw new UnsupportedError(
      `${modules[0]!.name} takes ${x.length / dIn} rows for ${old + count} tokens in this model; modules that see only some of the tokens cannot be targets`
    )
  }
  const pieces = Array.from({ length: Math.ceil(count / ROWS) }, (_, i) => ({
    first: first + i * ROWS,
    count: Math.min(ROWS, count - i * ROWS)
  }))
  const answers = await Promise.all(
    pieces.map(async piece => {
      const from = (piece.first - first + old) * dIn
      const answer = await deltas({ group, positions: piece, x: x.subarray(from, from + piece.count * dIn) }, signal)
      if (answer !== null && answer.length !== piece.count * width)
        throw new RangeError(`the deltas of group ${group} have ${answer.length} values; ${piece.count} rows of ${width} were expected`)
      return Array.from({ length: piece.count }, (_, t) => answer?.subarray(t * width, (t + 1) * width))
    })
  )
  const all = [...(memory?.get(group) ?? []), ...answers.flat()]
  memory?.set(group, all)
  return all
}

/**
 * The tensors of one injection point: summed deltas, and where there are any.
 * @param answers of each group
 */
export function combined(injection: Injection, answers: ReadonlyMap<number, Answer>): { delta: ort.Tensor; mask: ort.Tensor } {
  const { width, contributions } = injection
  const rows = answers.get(contributions[0]!.group)!.length
  const sum = new Float32Array(rows * width)
  const mask = new Uint8Array(rows * width)
  for (const { group, from, offset, dOut } of contributions) {
    answers.get(group)!.forEach((row, t) => {
      if (row === undefined) return
      const at = t * width + offset
      mask.fill(1, at, at + dOut)
      for (let j = 0; j < dOut; j++) sum[at + j]! += row[from + j]!
    })
  }
  return { delta: new ort.Tensor('float32', sum, [rows, width]), mask: new ort.Tensor('bool', mask, [rows, width]) }
}
