/**
 * What `--json` writes: every command names its shape when it is bound (program.ts), its result is typed by it, docs/commands.md is
 * made from it, and tests hold what real processes write against it.
 */
import { z } from 'zod'
import { EVENTS, type EventName } from './events.js'
import { failure } from './results.js'

/** One document at the end, or a line for each event and the result, if there is one, last. */
export interface JsonShape<R = unknown> {
  readonly result: z.ZodType<R> | null
  /** Null: one document. */
  readonly events: readonly EventName[] | null
}

export const document = <T extends z.ZodType>(result: T): JsonShape<z.infer<T>> => ({
  result: result as z.ZodType<z.infer<T>>,
  events: null
})

export const lines = (events: readonly EventName[]): JsonShape<never> => ({ result: null, events })

export const linesWithResult = <T extends z.ZodType>(events: readonly EventName[], result: T): JsonShape<z.infer<T>> => ({
  result: result as z.ZodType<z.infer<T>>,
  events
})

/** What a command writes nothing of under `--json`: it has no such flag. */
export const NO_JSON: JsonShape<never> = { result: null, events: null }

/** What each document or line of a command is: its result, one of its events, or its error. */
export function written({ result, events }: JsonShape): z.ZodType {
  if (events === null) return z.union([...(result === null ? [] : [result]), z.strictObject({ error: failure })])
  return z.union([
    ...events.map(name => EVENTS[name]),
    ...(result === null ? [] : [z.strictObject({ type: z.literal('result'), result })]),
    z.strictObject({ type: z.literal('error'), error: failure })
  ])
}

export { EVENTS, type Event, type EventName } from './events.js'
export * from './proofs.js'
export * from './results.js'
