import test from 'ava'
import fc from 'fast-check'
import { EDITS, runSession } from './sessions.js'

const CASES = 150

test('whatever happens to the messages of a session, both sides end: by a named error, or with the same proof', async t => {
  t.is(await runSession([]), 'proved')
  const outcomes = { proved: 0, ended: 0 }
  await fc.assert(
    fc.asyncProperty(EDITS, async edits => {
      outcomes[await runSession(edits)]++
    }),
    { numRuns: CASES, seed: 20_260 }
  )
  t.log(outcomes)
  t.true(outcomes.ended > CASES / 3 && outcomes.proved > 0)
})
