/** What the user keeps of rows, so that one can be shown when the session is proved. */
import test from 'ava'
import { StorageError } from '../../src/errors.js'
import { checkOpening, decodeBundle, openRow } from '../../src/proof/index.js'
import { inlineUserJobs, type OpenableRow } from '../../src/session/index.js'
import { integers, kernel, seeded } from '../proof/fixture.js'
import { bundleOf, carryPair, finish, makePair, type Pair, random, serve } from './pair.js'

const inputs = seeded('opened rows')

async function converse({ user, registered }: Pair, times: number): Promise<void> {
  const { groups } = registered.adapter.quantized
  for (let token = 0; token < times; token++)
    await Promise.all(groups.map(({ dIn }, g) => user.request(g, token, integers(inputs, dIn, 32767))))
}

test('every accepted row is handed over with what opens it, before it counts as accepted', async t => {
  const kept: OpenableRow[] = []
  const before: number[] = []
  const pair: Pair = makePair({
    user: {
      commitRows: 4,
      keepRows: async rows => {
        before.push(pair.user.accepted)
        t.is(rows[0]!.number, pair.user.accepted)
        kept.push(...rows)
      }
    }
  })
  const { user, contributor, registered } = pair
  const { manifest } = registered
  const carried = carryPair(pair)
  const served = serve(contributor)
  await converse(pair, 10)
  const proof = await finish(user, inlineUserJobs({ kernel, manifest, random }))
  await Promise.all([carried, served])
  t.true(before.length > 1, 'in several batches')
  t.deepEqual(
    kept.map(({ number }) => number),
    Array.from({ length: proof.end }, (_, number) => number)
  )
  const { session, rows } = decodeBundle(bundleOf(user), manifest).statement
  for (const row of kept) {
    const { x, y, group, position } = checkOpening({ kernel, manifest, proof, opening: openRow({ ...row, session, rows }) })
    t.deepEqual({ x, y, group, position }, { x: row.x, y: row.y, group: row.group, position: row.position })
  }
})

test('a row that cannot be kept is not accepted: the session ends with the reason', async t => {
  const full = new StorageError('the disk is full')
  const pair = makePair({ user: { keepRows: () => Promise.reject(full) } })
  const carried = carryPair(pair)
  await converse(pair, 1)
  t.is(await t.throwsAsync(pair.user.close()), full)
  t.is(pair.user.accepted, 0)
  await carried
})
