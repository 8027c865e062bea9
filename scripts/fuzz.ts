/**
 * `npm run fuzz [-- --cases N] [--seed S] [--target NAME]`: any bytes against everything that takes bytes of a stranger, and sessions
 * whose messages are changed on their way. The same seed gives the same cases; a failure is shrunk and says how to see it again.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { fuzz } from '../test/fuzz/run.js'
import { EDITS, runSession } from '../test/fuzz/sessions.js'
import { TARGETS } from '../test/fuzz/targets.js'

const SESSIONS = 'sessions'
/** Of all cases, one in so many is a whole session. */
const SESSION_SHARE = 100

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    target: { type: 'string' }
  }
})
const [cases, seed] = [Number(values.cases), Number(values.seed)]
const names = [...TARGETS.map(({ name }) => name), SESSIONS]
if (!Number.isInteger(cases) || cases < 1 || !Number.isInteger(seed)) throw new Error('--cases and --seed are whole numbers')
if (values.target !== undefined && !names.includes(values.target)) {
  throw new Error(`there is no target ${JSON.stringify(values.target)}: ${names.join(', ')}`)
}
const wanted = (name: string): boolean => values.target === undefined || values.target === name
const all = TARGETS.reduce((sum, { share }) => sum + share, 0)
console.log(`${cases} cases, seed ${seed}`)

for (const target of TARGETS.filter(({ name }) => wanted(name))) {
  const numRuns = values.target === undefined ? Math.ceil((cases * target.share) / all) : cases
  const started = performance.now()
  const { accepted, refused } = fuzz(target, { cases: numRuns, seed })
  const told = [...refused].map(([name, count]) => `${count} ${name}`).join(', ')
  console.log(`${target.name}: ${numRuns} in ${((performance.now() - started) / 1000).toFixed(1)} s, ${accepted} accepted, ${told}`)
}
if (wanted(SESSIONS)) {
  const numRuns = values.target === undefined ? Math.ceil(cases / SESSION_SHARE) : cases
  const outcomes = { proved: 0, ended: 0 }
  await fc.assert(
    fc.asyncProperty(EDITS, async edits => {
      outcomes[await runSession(edits)]++
    }),
    { numRuns, seed }
  )
  console.log(`${SESSIONS}: ${outcomes.proved} proved, ${outcomes.ended} ended by an error`)
}
