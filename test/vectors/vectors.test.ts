import { readFileSync } from 'node:fs'
import test from 'ava'
import { ADAPTER } from './adapter.js'
import { BUNDLE } from './bundle.js'
import { ANNOUNCE } from './announce.js'
import { evaluate, type Evaluators, resolve, type VectorCase } from './case.js'
import { NOTATION } from './notation.js'
import { SESSION } from './session.js'

const known = new Map<string, VectorCase>()

for (const [protocol, evaluators] of Object.entries<Evaluators>({
  notation: NOTATION,
  adapter: ADAPTER,
  bundle: BUNDLE,
  announce: ANNOUNCE,
  session: SESSION
})) {
  const cases = JSON.parse(readFileSync(`protocols/${protocol}/vectors.json`, 'utf8')) as VectorCase[]
  for (const it of cases) known.set(it.name, it)
  for (const { name, output, error, kind, input } of cases) {
    test(`protocols/${protocol}: ${name}`, t => {
      t.deepEqual(evaluate(evaluators, { kind, input: resolve(input, known) }), output === undefined ? { error } : { output })
    })
  }
}
