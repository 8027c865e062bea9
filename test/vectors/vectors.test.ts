import { readFileSync } from 'node:fs'
import test from 'ava'
import { ADAPTER } from './adapter.js'
import { BUNDLE } from './bundle.js'
import { evaluate, type Evaluators, type VectorCase } from './case.js'
import { NOTATION } from './notation.js'
import { SESSION } from './session.js'

for (const [protocol, evaluators] of Object.entries<Evaluators>({
  notation: NOTATION,
  adapter: ADAPTER,
  bundle: BUNDLE,
  session: SESSION
})) {
  const cases = JSON.parse(readFileSync(`protocols/${protocol}/vectors.json`, 'utf8')) as VectorCase[]
  for (const { name, output, error, ...made } of cases) {
    test(`protocols/${protocol}: ${name}`, t => {
      t.deepEqual(evaluate(evaluators, made), output === undefined ? { error } : { output })
    })
  }
}
