/** Writes protocols/{notation,adapter,bundle,announce,session}/vectors.json anew: inputs from a fixed seed, outputs by the code as it is. Look at the diff. */
import { writeFileSync } from 'node:fs'
import { ADAPTER } from '../test/vectors/adapter.js'
import { ANNOUNCE } from '../test/vectors/announce.js'
import { BUNDLE } from '../test/vectors/bundle.js'
import { evaluate, hexed, resolve, type Evaluators, type VectorCase } from '../test/vectors/case.js'
import { ADAPTER_CASES } from '../test/vectors/inputs/adapter.js'
import { ANNOUNCE_CASES } from '../test/vectors/inputs/announce.js'
import { BUNDLE_CASES } from '../test/vectors/inputs/bundle.js'
import type { Named } from '../test/vectors/inputs/draw.js'
import { NOTATION_CASES } from '../test/vectors/inputs/notation.js'
import { SESSION_CASES } from '../test/vectors/inputs/session.js'
import { NOTATION } from '../test/vectors/notation.js'
import { SESSION } from '../test/vectors/session.js'

const known = new Map<string, VectorCase>()

function write(protocol: string, evaluators: Evaluators, inputs: readonly Named[]): void {
  const cases = inputs.map(([kind, name, input]) => {
    const json = hexed(input)
    const made: VectorCase = { name, kind, input: json, ...evaluate(evaluators, { kind, input: resolve(json, known) }) }
    if (known.has(name)) throw new Error(`two cases are called ${name}`)
    known.set(name, made)
    return made
  })
  // Numbers of an array on one line.
  const json = JSON.stringify(cases, null, 1).replace(/\[\s+(-?[\d.e-]+,?\s+)+\]/g, numbers => numbers.replace(/\s+/g, ' '))
  writeFileSync(`protocols/${protocol}/vectors.json`, `${json}\n`)
  console.log(`${protocol}: ${cases.length} cases`)
}

write('notation', NOTATION, NOTATION_CASES)
write('adapter', ADAPTER, ADAPTER_CASES)
write('bundle', BUNDLE, BUNDLE_CASES)
write('announce', ANNOUNCE, ANNOUNCE_CASES)
write('session', SESSION, SESSION_CASES)
