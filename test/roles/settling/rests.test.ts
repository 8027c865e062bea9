import test from 'ava'
import { Counters } from '../../../src/counters.js'
import { NET_LIMITS } from '../../../src/limits.js'
import { Rests } from '../../../src/roles/settling/rests.js'
import { UserSettling } from '../../../src/roles/settling/user.js'
import { customer, open, rowsOf, serving } from './serving.js'

const MiB = 2 ** 20

test('what is known of broken sessions in memory alone is bounded: of the peer that has most the oldest goes', t => {
  const counters = new Counters()
  const rests = new Rests<string>(NET_LIMITS.restBytesAll, counters)
  rests.set('honest', { peer: 'a', bytes: 60 * MiB, rest: 'honest' })
  for (let i = 0; i < 100; i++) {
    rests.set(`${i}`, { peer: 'b', bytes: 40 * MiB, rest: `${i}` })
    t.true(rests.bytes <= NET_LIMITS.restBytesAll)
  }
  t.is(rests.get('honest'), 'honest')
  t.deepEqual(
    [94, 95, 96, 97, 98, 99].map(i => rests.get(`${i}`)),
    [undefined, undefined, '96', '97', '98', '99']
  )
  t.deepEqual(counters.limits.all(), { restBytesAll: 96 })
  rests.set('huge', { peer: 'c', bytes: NET_LIMITS.restBytesAll + 1, rest: 'huge' })
  t.is(rests.get('huge'), undefined)
  rests.delete('honest')
  t.is(rests.get('honest'), undefined)
})

test('a row that was answered and not accepted keeps no more than itself in memory', async t => {
  const server = await serving()
  const { session, user, carried } = await open(server, await customer(), { commitRows: 4, tamper: (_message, _from, bytes) => [bytes] })
  await user.request(0, 0, rowsOf(4))
  const { rows } = session.rest()
  t.is(rows.length, 4)
  for (const { x } of rows) t.is(x.buffer.byteLength, x.byteLength)
  for (const { x, y } of user.rest().open) t.deepEqual([x.buffer.byteLength, y.buffer.byteLength], [x.byteLength, y.byteLength])
  user.fail(new Error('enough'))
  await carried
  await server.contributor.stop()
})

test('a user that cannot keep the rows of a broken session counts the limit, and settles without them', async t => {
  const server = await serving()
  const someone = await customer()
  const { user, carried } = await open(server, someone, { commitRows: 4 })
  await user.request(0, 0, rowsOf(2))
  user.fail(new Error('the line is cut'))
  await carried
  const counters = new Counters()
  const unused = (): never => t.fail() as never
  const settling = new UserSettling({
    ...{ store: someone.store, sessions: { settle: unused }, fetch: { bundle: unused }, manifest: unused, jobs: unused },
    ...{ counters, restBytes: 100, retry: [600_000] }
  })
  settling.broken(user.id, user.rest())
  t.deepEqual(counters.limits.all(), { restBytesAll: 1 })
  await settling.stop()
  await server.contributor.stop()
})
