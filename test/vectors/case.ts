/** Vectors: a case is inputs and what comes of them, bytes in lower-case hexadecimal, or the error by which they are refused. */
import { toHex } from '../../src/bytes.js'
import { InvalidProofError, isPeerError, UnsupportedError } from '../../src/errors.js'

export interface VectorCase {
  readonly name: string
  readonly kind: string
  readonly input: unknown
  readonly output?: unknown
  readonly error?: { readonly name: string; readonly step?: string }
}

/** Stands in an input for a part of an earlier case: keys from the case on. */
export interface Reference {
  readonly of: string
  readonly at: readonly string[]
}

/** A case's part by its name. */
export function ref(of: string, ...at: readonly string[]): Reference {
  return { of, at }
}

/** The input with all references replaced by what they name. */
export function resolve(value: unknown, cases: ReadonlyMap<string, VectorCase>): unknown {
  if (Array.isArray(value)) return value.map(part => resolve(part, cases))
  if (typeof value !== 'object' || value === null) return value
  if (isReference(value)) {
    const there = cases.get(value.of)
    if (there === undefined) throw new Error(`no case is called ${value.of}`)
    return resolve(
      value.at.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], there),
      cases
    )
  }
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolve(part, cases)]))
}

function isReference(value: object): value is Reference {
  return 'of' in value && 'at' in value
}

/** How each kind of case is computed from its input alone. */
export type Evaluators = Readonly<Record<string, (input: never) => unknown>>

/** What comes of a case's input. */
export function evaluate(
  evaluators: Evaluators,
  { kind, input }: Pick<VectorCase, 'kind' | 'input'>
): Pick<VectorCase, 'output' | 'error'> {
  try {
    return { output: hexed(evaluators[kind]!(input as never)) }
  } catch (error) {
    if (!isPeerError(error) && !(error instanceof UnsupportedError)) throw error
    return { error: { name: error.name, ...(error instanceof InvalidProofError ? { step: error.step } : {}) } }
  }
}

/** Bytes as hexadecimal, wherever they stand in a value; bigints as decimal text; typed arrays as numbers. */
export function hexed(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Int16Array || value instanceof Float64Array) return [...value]
  if (Array.isArray(value)) return value.map(hexed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([key, field]) => [key, hexed(field)])
  )
}

/** Hands out exactly these bytes, call by call. */
export function fixedRandom(...parts: readonly Uint8Array[]): (bytes: number) => Uint8Array {
  let next = 0
  return bytes => {
    const part = parts[next++]
    if (part?.length !== bytes) throw new Error(`call ${next} asks for ${bytes} random bytes, the vector has ${part?.length}`)
    return part
  }
}
