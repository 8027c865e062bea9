/** One protocol's committed vectors against the code as it is. Nothing here writes one. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { evaluate, type Evaluators, resolve, type VectorCase } from './case.js'

const PROTOCOLS = ['notation', 'adapter', 'bundle', 'announce', 'session', 'fetch', 'evidence']

export function readVectors(protocol: string): VectorCase[] {
  return JSON.parse(readFileSync(`protocols/${protocol}/vectors.json`, 'utf8')) as VectorCase[]
}

/** A test for each case. Its input may name cases of the protocols that come before. */
export function checkVectors(protocol: string, evaluators: Evaluators): void {
  const known = new Map<string, VectorCase>()
  for (const name of PROTOCOLS.slice(0, PROTOCOLS.indexOf(protocol) + 1)) for (const it of readVectors(name)) known.set(it.name, it)
  for (const { name, output, error, kind, input } of readVectors(protocol)) {
    test(name, t => {
      t.not(output === undefined, error === undefined)
      t.deepEqual(evaluate(evaluators, { kind, input: resolve(input, known) }), output === undefined ? { error } : { output })
    })
  }
}
