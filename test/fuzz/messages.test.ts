/** 20,000 messages that a stranger could send, from the schemas and from accepted bytes. `npm run fuzz` goes on for longer. */
import test from 'ava'
import { fuzz } from './run.js'
import { TARGETS } from './targets.js'

test('there are 20,000 cases', t => {
  t.is(
    TARGETS.reduce((sum, { share }) => sum + share, 0),
    20_000
  )
})

for (const target of TARGETS) {
  test(`${target.name}: any bytes are refused by one of the four errors, or are the only encoding of what they say, and allocate no more than they are`, t => {
    const { accepted, refused } = fuzz(target, { cases: target.share, seed: 20_260 })
    t.log(accepted, Object.fromEntries(refused))
    t.true(refused.size > 0)
    // Cases that are all refused at the first byte would show nothing.
    if (!target.name.startsWith('verification')) t.true(accepted > target.share / 100, `${accepted} were accepted`)
  })
}
