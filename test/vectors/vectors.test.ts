/** The committed vectors against the code as it is, and as a whole. Nothing here writes one. */
import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { evaluate, hexed, resolve, type VectorCase } from './case.js'
import { INPUTS, textOf } from './make.js'

const known = new Map<string, VectorCase>()
const negative = new Map<string, number>()

for (const [protocol, evaluators, inputs] of INPUTS) {
  const text = readFileSync(`protocols/${protocol}/vectors.json`, 'utf8')
  const cases = JSON.parse(text) as VectorCase[]
  for (const it of cases) known.set(it.name, it)
  negative.set(protocol, cases.filter(({ error }) => error !== undefined).length)

  test(`protocols/${protocol}: the script makes exactly these inputs, written so`, t => {
    t.deepEqual(
      cases.map(({ kind, name }) => [kind, name]),
      inputs.map(([kind, name]) => [kind, name])
    )
    for (const [i, [, name, input]] of inputs.entries()) t.true(JSON.stringify(cases[i]!.input) === JSON.stringify(hexed(input)), name)
    t.true(text === textOf(cases))
  })

  for (const { name, output, error, kind, input } of cases) {
    test(`protocols/${protocol}: ${name}`, t => {
      t.not(output === undefined, error === undefined)
      t.deepEqual(evaluate(evaluators, { kind, input: resolve(input, known) }), output === undefined ? { error } : { output })
    })
  }
}

test('every protocol has vectors, and no two cases of all have one name', t => {
  const folders = readdirSync('protocols', { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))
  t.deepEqual(INPUTS.map(([protocol]) => protocol).sort(), folders.sort())
  t.is(
    known.size,
    INPUTS.reduce((sum, [, , inputs]) => sum + inputs.length, 0)
  )
})

test('at least 80 negative cases stand in adapter, bundle, session, announce and fetch, some in each', t => {
  const counts = ['adapter', 'bundle', 'session', 'announce', 'fetch'].map(protocol => negative.get(protocol)!)
  t.true(Math.min(...counts) >= 16, counts.join(', '))
  t.true(counts.reduce((sum, count) => sum + count) >= 80)
})
