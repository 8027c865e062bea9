/** All vectors, made anew: inputs from fixed seeds, outputs by the code as it is. */
import { ADAPTER } from './adapter.js'
import { ANNOUNCE } from './announce.js'
import { BUNDLE } from './bundle.js'
import { evaluate, type Evaluators, hexed, resolve, type VectorCase } from './case.js'
import { EVIDENCE } from './evidence.js'
import { FETCH } from './fetch.js'
import { ADAPTER_CASES } from './inputs/adapter.js'
import { ANNOUNCE_CASES } from './inputs/announce.js'
import { BUNDLE_CASES } from './inputs/bundle.js'
import type { Named } from './inputs/draw.js'
import { EVIDENCE_CASES } from './inputs/evidence.js'
import { FETCH_CASES } from './inputs/fetch.js'
import { NOTATION_CASES } from './inputs/notation.js'
import { SESSION_CASES } from './inputs/session.js'
import { NOTATION } from './notation.js'
import { SESSION } from './session.js'

/** The protocols, in the order in which their cases may name each other's. */
export const INPUTS: readonly (readonly [protocol: string, evaluators: Evaluators, inputs: readonly Named[]])[] = [
  ['notation', NOTATION, NOTATION_CASES],
  ['adapter', ADAPTER, ADAPTER_CASES],
  ['bundle', BUNDLE, BUNDLE_CASES],
  ['announce', ANNOUNCE, ANNOUNCE_CASES],
  ['session', SESSION, SESSION_CASES],
  ['fetch', FETCH, FETCH_CASES],
  ['evidence', EVIDENCE, EVIDENCE_CASES]
]

export interface VectorFile {
  readonly protocol: string
  readonly cases: readonly VectorCase[]
  /** What stands in protocols/{protocol}/vectors.json. */
  readonly text: string
}

/** @throws Error for two cases of one name */
export function makeVectors(): VectorFile[] {
  const known = new Map<string, VectorCase>()
  return INPUTS.map(([protocol, evaluators, inputs]) => {
    const cases = inputs.map(([kind, name, input]) => {
      const json = hexed(input)
      const made: VectorCase = { name, kind, input: json, ...evaluate(evaluators, { kind, input: resolve(json, known) }) }
      if (known.has(name)) throw new Error(`two cases are called ${name}`)
      known.set(name, made)
      return made
    })
    return { protocol, cases, text: textOf(cases) }
  })
}

/** What stands in a file: numbers of an array on one line. */
export function textOf(cases: readonly VectorCase[]): string {
  return `${JSON.stringify(cases, null, 1).replace(/\[\s+(-?[\d.e-]+,?\s+)+\]/g, numbers => numbers.replace(/\s+/g, ' '))}\n`
}
