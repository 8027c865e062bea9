/** The list of `npm run mutate` follows the code: every check that it takes out is there, and every test that is to notice exists. */
import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import { MUTATIONS, mutated } from '../../scripts/mutate/list.js'

test('every check that can be taken out stands in the code exactly once', t => {
  for (const mutation of MUTATIONS) t.notThrows(() => mutated(mutation, readFileSync(mutation.file, 'utf8')))
})

test('every check has a name of its own in its file, and tests that are to notice', t => {
  t.is(new Set(MUTATIONS.map(({ file, rule }) => `${file} ${rule}`)).size, MUTATIONS.length)
  for (const { tests, rule } of MUTATIONS) {
    t.true(tests.length > 0, rule)
    for (const name of tests) t.true(existsSync(`test/${name}.test.ts`), `test/${name}.test.ts`)
  }
})
