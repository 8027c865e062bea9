/** A user that settles as often and in as many ways as it likes: nothing is signed in two ways, kept without a bound, or put off. */
import test from 'ava'
import { toHex } from '../../../src/bytes.js'
import { RefusedError } from '../../../src/errors.js'
import { CODE, codeOf, type Machine } from '../../../src/session/index.js'
import { bundleOf, type Course, customer, type Customer, open, rowsOf, type Serving, serving, settler } from './serving.js'
import { carryPair } from '../../session/pair.js'

const CUT = new Error('the line is cut')
const soon = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A session in which four rows are answered, and accepted by both. */
async function accepted(server: Serving, user: Customer): Promise<Course> {
  const course = await open(server, user, { commitRows: 4 })
  await course.user.request(0, 0, rowsOf(4))
  while (course.user.accepted < 4) await soon()
  return course
}

/** Four rows are answered, none is accepted, and the line is cut. */
async function broken(server: Serving, user: Customer): Promise<Course> {
  const course = await open(server, user, { commitRows: 100 })
  await course.user.request(0, 0, rowsOf(4))
  course.user.fail(CUT)
  await course.carried
  while (server.contributor.sessions().length > 0) await soon()
  return course
}

/** The user settles, and signs for what it is offered. */
async function settle(server: Serving, user: Customer, course: Course): Promise<number> {
  const { machine, first, outgoing } = await settler(user, course)
  const other: Machine = await server.contributor.settle(first, user.peers)
  const carried = carryPair({ user: machine, contributor: other, outgoing })
  let bundles = 0
  for (let offer = await machine.offer(); offer !== undefined; offer = await machine.offer()) {
    machine.accept(await bundleOf(server, offer.digest))
    await machine.announcement()
    bundles++
  }
  await carried
  return bundles
}

test('a session that two streams want to settle at once is settled over one: else the same rows are signed for twice, in two ways', async t => {
  const server = await serving()
  const user = await customer()
  const course = await broken(server, user)
  const two = [await settler(user, course), await settler(user, course)]
  const settled = await Promise.allSettled(two.map(({ first }) => server.contributor.settle(first, user.peers)))
  t.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected']
  )
  const refused = (settled[1] as PromiseRejectedResult).reason
  t.true(refused instanceof RefusedError)
  t.is(codeOf(refused), CODE.busy)
  // Nor is it proved without the user meanwhile; and afterwards it is settled as if nobody had tried.
  ;(settled[0] as PromiseFulfilledResult<Machine>).value.fail(CUT)
  await soon()
  t.is(await settle(server, user, course), 1)
  await server.contributor.stop()
})

test('a session that runs is given up for its settling, and two that want it find one', async t => {
  const server = await serving()
  const user = await customer()
  const course = await open(server, user, { commitRows: 100 })
  await course.user.request(0, 0, rowsOf(4))
  const two = [await settler(user, course), await settler(user, course)]
  const settled = await Promise.allSettled(two.map(({ first }) => server.contributor.settle(first, user.peers)))
  t.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected']
  )
  await course.carried
  t.truthy(course.session.failure)
  ;(settled[0] as PromiseFulfilledResult<Machine>).value.fail(CUT)
  await server.contributor.stop()
})

test('a third peer, or one with counts of its own, cannot settle, and the session that runs goes on', async t => {
  const server = await serving()
  const [user, third] = [await customer(), await customer()]
  const course = await open(server, user)
  await course.user.request(0, 0, rowsOf(4))
  const { first } = await settler(user, course)
  const refuses = { name: 'InvalidProofError', message: /signature over settle does not verify/ }
  await t.throwsAsync(server.contributor.settle(first, third.peers), refuses)
  for (const change of [{ rows: first.rows + 1 }, { userRows: first.userRows + 1 }, { contributorRows: 1, userRows: 1 }]) {
    await t.throwsAsync(server.contributor.settle({ ...first, ...change }, user.peers), refuses)
  }
  const other = await open(server, user)
  await t.throwsAsync(server.contributor.settle({ ...first, session: other.user.id }, user.peers), refuses)
  await t.throwsAsync(server.contributor.settle({ ...first, session: new Uint8Array(32) }, user.peers), { message: /unknown session/ })
  t.is((await course.user.request(0, 4, rowsOf(1))).length, 19)
  for (const { user: side, carried } of [course, other]) {
    side.fail(CUT)
    await carried
  }
  await server.contributor.stop()
})

test('a user that begins to settle and does not end it puts nothing off: in its time the contributor proves what both signed', async t => {
  const announced: boolean[] = []
  const server = await serving({
    timeouts: { unsettled: 150 },
    announce: async ({ receipt }) => {
      announced.push(receipt !== null)
      return new Uint8Array(0)
    }
  })
  const user = await customer()
  const course = await accepted(server, user)
  // One more batch, whose tail says that the user has accepted four.
  await course.user.request(0, 4, rowsOf(4))
  while (course.user.accepted < 8) await soon()
  course.user.fail(CUT)
  await course.carried
  const until = performance.now() + 5_000
  while (announced.length === 0 && performance.now() < until) {
    const { first } = await settler(user, course)
    const machine = await server.contributor.settle(first, user.peers).catch(() => undefined)
    machine?.fail(CUT)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.deepEqual(announced, [false])
  await server.contributor.stop()
})

test('a session of which the contributor could prove nothing alone is refused afterwards: its user would else wait for a proof for ever', async t => {
  const server = await serving({ timeouts: { unsettled: 1 } })
  const user = await customer()
  // Nothing that the user has sent says so.
  const course = await accepted(server, user)
  course.user.fail(CUT)
  await course.carried
  while ((await server.store.sessions.find(toHex(course.user.id)))?.state !== 'failed') await soon()
  await server.contributor.stop()
  const { first } = await settler(user, course)
  await t.throwsAsync(server.contributor.settle(first, user.peers), { instanceOf: RefusedError, message: /unknown session/ })
  t.deepEqual(await server.store.journals.list(), [])
})

test('however often a user settles and signs, the journal keeps one receipt', async t => {
  const server = await serving()
  const user = await customer()
  const course = await broken(server, user)
  for (let time = 0; time < 3; time++) {
    t.is(await settle(server, user, course), 1)
    while ((await server.store.journals.list()).some(({ settled }) => !settled)) await soon()
  }
  const records = await server.store.journals.of(course.user.id).load()
  t.is(records.filter(({ kind }) => kind === 'receipt').length, 1, `${records.map(({ kind }) => kind)}`)
  await server.contributor.stop()
})

test('rows that are settled count among those held for proofs', async t => {
  const server = await serving({ limits: { heldInputBytesAll: 4 * 2 * 20 } })
  const user = await customer()
  const course = await accepted(server, user)
  course.user.fail(CUT)
  await course.carried
  while (server.contributor.sessions().length > 0) await soon()
  const next = await open(server, user, { commitRows: 4 })
  await next.user.request(0, 0, rowsOf(1))
  // The rows of the session that runs and those of the one to be settled are more than may be held.
  const { first } = await settler(user, course)
  await t.throwsAsync(server.contributor.settle(first, user.peers), { message: /busy/ })
  next.user.fail(CUT)
  await next.carried
  while (server.contributor.sessions().length > 0) await soon()
  t.is(await settle(server, user, course), 1, toHex(course.user.id))
  await server.contributor.stop()
})
