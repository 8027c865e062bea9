import test from 'ava'
import { equal } from '../../src/bytes.js'
import { inlineUserJobs } from '../../src/session/index.js'
import { hidden, outputs } from '../../src/lora/delta.js'
import { integers, kernel, seeded } from '../proof/fixture.js'
import { bundleOf, carryPair, finish, makePair, random, serve } from './pair.js'

test('an honest session gives exact deltas and one bundle that verifies, which both sides sign', async t => {
  const pair = makePair({ user: { commitRows: 4 } })
  const { user, contributor, registered } = pair
  const carried = carryPair(pair)
  const served = serve(contributor)
  const inputs = seeded('inputs')
  for (let token = 0; token < 3; token++) {
    await Promise.all(
      registered.adapter.quantized.groups.map(async (group, g) => {
        const count = token === 0 ? 3 : 1
        const x = integers(inputs, count * group.dIn, 32767)
        const y = await user.request(g, token === 0 ? 0 : token + 2, x)
        t.deepEqual(y, outputs(group, hidden(group, x, count), count))
      })
    )
  }
  const proof = await finish(user, inlineUserJobs({ kernel, manifest: registered.manifest, random }))
  await carried
  t.true(proof.whole)
  t.is(proof.end, 10)
  t.is(user.accepted, 10)
  t.is(contributor.accepted, 10)
  t.true(user.finished && contributor.finished)
  const proved = await served
  t.true(equal(proved!.digest, proof.digest))
  t.is(bundleOf(user).length, proof.bundleBytes)
})
