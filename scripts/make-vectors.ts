/** Writes every vectors.json of protocols/ anew. Look at the diff: nothing of a released version may change. */
import { writeFileSync } from 'node:fs'
import { makeVectors } from '../test/vectors/make.js'

for (const { protocol, cases, text } of makeVectors()) {
  writeFileSync(`protocols/${protocol}/vectors.json`, text)
  console.log(`${protocol}: ${cases.length} cases`)
}
