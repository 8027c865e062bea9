/** The files of vectors as a whole: what they must cover, and that they are what the script makes. Nothing here writes one. */
import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { hexed, type VectorCase } from './case.js'
import { readVectors } from './check.js'
import { INPUTS, textOf } from './make.js'

const files = new Map<string, VectorCase[]>(INPUTS.map(([protocol]) => [protocol, readVectors(protocol)]))

test('every protocol has vectors, and no two cases of all have one name', t => {
  const folders = readdirSync('protocols', { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))
  t.deepEqual([...files.keys()].sort(), folders.sort())
  const names = [...files.values()].flat().map(({ name }) => name)
  t.is(new Set(names).size, names.length)
})

// Outputs are checked case by case, in the tests of each protocol.
for (const [protocol, , inputs] of INPUTS) {
  test(`protocols/${protocol}: the script makes exactly these inputs, written so`, t => {
    const cases = files.get(protocol)!
    t.deepEqual(
      cases.map(({ kind, name }) => [kind, name]),
      inputs.map(([kind, name]) => [kind, name])
    )
    for (const [i, [, name, input]] of inputs.entries()) t.true(JSON.stringify(cases[i]!.input) === JSON.stringify(hexed(input)), name)
    t.true(readFileSync(`protocols/${protocol}/vectors.json`, 'utf8') === textOf(cases))
  })
}

test('at least 80 negative cases stand in adapter, bundle, session, announce and fetch, some in each', t => {
  const counts = ['adapter', 'bundle', 'session', 'announce', 'fetch'].map(
    protocol => files.get(protocol)!.filter(({ error }) => error !== undefined).length
  )
  t.true(Math.min(...counts) >= 16, counts.join(', '))
  t.true(counts.reduce((sum, count) => sum + count) >= 80)
})
