/** The vectors of certificates by a second verifier: it accepts what is right, and finds in each forged one the equation that it names. */
import test from 'ava'
import { readFileSync } from 'node:fs'
import { concat, fromHex } from '../../src/bytes.js'
import { decodeManifest } from '../../src/proof/index.js'
import { certificateItems } from '../../src/proof/certificate/layout.js'
import type { VectorCase } from '../vectors/case.js'
import { verifySecond } from './second-certificates.js'

const cases = JSON.parse(readFileSync('protocols/adapter/vectors.json', 'utf8')) as VectorCase[]

/** What is wrong with a manifest's certificates: the first equation, or nothing. */
function faultOf(hex: string): string | undefined {
  const { groups, weightBits, bodyHash, certificates } = decodeManifest(fromHex(hex))
  let at = 0
  try {
    for (const { dIn, modules } of groups) {
      for (const { dOut, rank, index, offset, ca, cb } of modules) {
        const from = at
        at += 32 * certificateItems({ dIn, dOut, rank, weightBits })
        const points = concat([ca, cb])
        const commitments = Array.from({ length: 2 * rank }, (_, k) => points.subarray(32 * k, 32 * (k + 1)))
        verifySecond(bodyHash, { index, dIn, dOut, rank, offset, weightBits, commitments }, certificates.subarray(from, at))
      }
    }
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

const small = cases.find(({ name }) => name === 'manifest of a small adapter')!

test('a second verifier, written from the page, accepts the small adapter of the vectors', t => {
  t.is(faultOf((small.output as { manifest: string }).manifest), undefined)
})

/** Its last vector has a place in equation 1, too, which comes first. */
const EXPECTED: Readonly<Record<string, string>> = { 'equation 4': '1 A', 'a weight': '6', 'a multiplicity': '6' }

for (const { name, input } of cases.filter(({ name }) => /^manifest refused: (equation|a weight|a multiplicity)/.test(name))) {
  const [, what = ''] = /^manifest refused: (equation \d( of family [AB])?|a weight|a multiplicity)/.exec(name)!
  const expected = EXPECTED[what] ?? what.replace('equation ', '').replace('of family ', '')
  test(`a second verifier finds that equation ${expected} does not hold: ${name}`, t => {
    t.is(faultOf((input as { manifest: string }).manifest), expected)
  })
}
