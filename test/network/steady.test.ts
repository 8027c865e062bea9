/** Generation goes on when a session breaks: in a new one, with the same contributor or another, and no row is answered twice. */
import test from 'ava'
import { ConnectionLostError, InvalidProofError, RefusedError } from '../../src/errors.js'
import { SteadyAdapter, type SteadyAdapterInit } from '../../src/roles/steady-adapter.js'
import { register } from '../proof/fixture.js'
import { kernel } from '../proof/fixture.js'
import { answersOtherWeights } from './dishonest.js'
import { activations, contributor, participant, type Participant, random, type ServingParticipant } from './people.js'

const registered = register('steady')
const { adapter, manifest } = registered
const dInOf = (group: number): number => manifest.groups[group]!.dIn
const rows = (count: number): Float32Array => activations(count, manifest.groups[0]!.dIn)

async function steady(
  user: Participant,
  servers: readonly ServingParticipant[],
  change: Partial<SteadyAdapterInit> = {}
): Promise<SteadyAdapter> {
  for (const { net } of servers) await user.net.node.dial(net.node.getMultiaddrs())
  return SteadyAdapter.open({
    kernel,
    random,
    sessions: user.sessions,
    fetch: user.net.fetch,
    store: user.store,
    peer: servers[0]!.net.node.peerId,
    manifest: manifest as SteadyAdapterInit['manifest'],
    rows: 1000,
    another: async lost => servers.find(({ net }) => !net.node.peerId.equals(lost))!.net.node.peerId,
    ...change
  })
}

test('a contributor that goes away is replaced, and what it had answered is not asked for again', async t => {
  const servers = [await contributor(t, [registered]), await contributor(t, [registered])]
  const user = await participant(t, ['user'])
  const going = await steady(user, servers)
  const first = await going.deltas({ group: 0, position: 0, rows: rows(3) })
  await servers[0]!.net.stop()
  t.deepEqual(await going.deltas({ group: 0, position: 0, rows: rows(3) }), first)
  await going.finish()
  t.deepEqual(
    going.infos().map(({ state, rows: answered }) => [state, answered]),
    [
      ['broken', 3],
      ['announced', 3]
    ]
  )
  t.is(await servers[1]!.store.budget.answered(adapter.content, 0), 3)
})

test('of a long request only the rows that are not answered are asked of the next contributor', async t => {
  const policy = { mode: 'open', allow: [], limitRows: 256 } as const
  const servers = [await contributor(t, [registered], { policy }), await contributor(t, [registered])]
  const user = await participant(t, ['user'])
  const going = await steady(user, servers)
  const whole = await going.deltas({ group: 0, position: 0, rows: rows(300) })
  await going.finish()
  t.deepEqual(
    going.infos().map(({ rows: answered }) => answered),
    [256, 44]
  )
  const alone = await steady(user, [servers[1]!])
  t.deepEqual(await alone.deltas({ group: 0, position: 0, rows: rows(300) }), whole)
  await alone.abort(new Error('enough'))
})

test('nobody to go on with: the error of the session that broke is told', async t => {
  const server = await contributor(t, [registered], { policy: { mode: 'open', allow: [], limitRows: 1 } })
  const user = await participant(t, ['user'])
  const going = await steady(user, [server], {
    another: async (_lost, error) => {
      throw error
    }
  })
  await t.throwsAsync(going.deltas({ group: 0, position: 0, rows: rows(2) }), {
    instanceOf: RefusedError,
    message: /extraction budget spent/
  })
  const stuck = await steady(user, [server], { another: async lost => lost })
  await t.throwsAsync(stuck.deltas({ group: 0, position: 0, rows: rows(2) }), { instanceOf: RefusedError })
  t.true(stuck.infos().length <= 4)
})

test('with a contributor that broke its word nothing goes on', async t => {
  const servers = [await contributor(t, [registered], { jobs: answersOtherWeights }), await contributor(t, [registered])]
  const user = await participant(t, ['user'])
  const going = await steady(user, servers, { commitRows: 4 })
  await going.deltas({ group: 0, position: 0, rows: rows(4) })
  await t.throwsAsync(going.finish(), { instanceOf: InvalidProofError })
  t.is(going.infos().length, 1)
})

test('a session that is full ends with its proof while rows go on in the next', async t => {
  const server = await contributor(t, [registered], { limits: { rows: 5 } })
  const user = await participant(t, ['user'])
  const going = await steady(user, [server], { rows: 5 })
  // Two groups at a time: whoever finds the session full waits for the same next one.
  const both = await Promise.all([0, 1].map(group => going.deltas({ group, position: 0, rows: activations(6, dInOf(group)) })))
  await going.finish()
  const infos = going.infos()
  t.deepEqual(
    infos.map(({ state, rows: answered }) => [state, answered]),
    [
      ['announced', 5],
      ['announced', 5],
      ['announced', 2]
    ]
  )
  t.is(new Set(infos.map(({ root }) => root)).size, 3)
  const whole = await steady(user, [await contributor(t, [registered])])
  for (const group of [0, 1]) t.deepEqual(await whole.deltas({ group, position: 0, rows: activations(6, dInOf(group)) }), both[group])
  await whole.abort(new Error('enough'))
})

test('when the contributor is gone that has filled a session, another goes on', async t => {
  const servers = [await contributor(t, [registered]), await contributor(t, [registered])]
  const user = await participant(t, ['user'])
  const going = await steady(user, servers, { rows: 3 })
  await going.deltas({ group: 0, position: 0, rows: rows(3) })
  await servers[0]!.net.stop()
  await going.deltas({ group: 0, position: 3, rows: rows(2) })
  await t.throwsAsync(going.finish(), { instanceOf: ConnectionLostError })
  t.deepEqual(
    going.infos().map(({ state, rows: answered }) => [state, answered]),
    [
      ['broken', 3],
      ['announced', 2]
    ]
  )
})

test('after a proof that does not hold nothing more is asked of its contributor', async t => {
  const servers = [await contributor(t, [registered], { jobs: answersOtherWeights }), await contributor(t, [registered])]
  const user = await participant(t, ['user'])
  const going = await steady(user, servers, { rows: 2 })
  await going.deltas({ group: 0, position: 0, rows: rows(2) })
  // The second session begins before the first is proved; the third does not.
  await t.throwsAsync(going.deltas({ group: 0, position: 2, rows: rows(4) }), { instanceOf: InvalidProofError })
  t.true(going.infos().length <= 2)
})
