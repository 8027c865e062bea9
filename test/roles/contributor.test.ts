/** What all sessions of a contributor may hold together, however they are opened. */
import test from 'ava'
import { Counters } from '../../src/counters.js'
import { RefusedError } from '../../src/errors.js'
import type { Need } from '../../src/net/session/index.js'
import { CODE, type ContributorJobs, inlineContributorJobs, RefusalError } from '../../src/session/index.js'
import { kernel } from '../proof/fixture.js'
import { customer, open, random, rowsOf, servedAdapter, serving } from './settling/serving.js'

/** Bytes of x and y of 256 rows of the widest group: what every session is promised at least. */
const LEAST = 256 * (2 * 20 + 8 * 19)
const CUT = new Error('the line is cut')

test('sessions that are opened at once are promised no more together than one after the other', async t => {
  const most = 4 * LEAST
  const server = await serving({ limits: { outstandingBytesAll: most } })
  const opened = await Promise.allSettled(Array.from({ length: 12 }, async () => open(server, await customer(), { rows: 100_0 })))
  const courses = opened.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const promised = courses.reduce((sum, { session }) => sum + Number(session.terms.accept.outstandingBytes), 0)
  t.true(courses.length > 0 && promised <= most, `${promised} of ${most} bytes`)
  for (const result of opened) if (result.status === 'rejected') t.true(result.reason instanceof RefusedError)
  for (const { user, carried } of courses) {
    user.fail(CUT)
    await carried
  }
  await server.contributor.stop()
})

test('where all that may be outstanding is promised, a silent session gives its place away, and only when there is one', async t => {
  const server = await serving({ limits: { outstandingBytesAll: LEAST } })
  const first = await open(server, await customer())
  await first.user.request(0, 0, rowsOf(1))
  await t.throwsAsync(open(server, await customer()), { message: /busy/ })
  const enter = ([need]: readonly Need[]): void => {
    t.deepEqual([need!.wanted, need!.free, need!.of(first.session)], [LEAST, 0, LEAST])
    first.session.fail(new RefusalError(CODE.busy))
  }
  const second = await open(server, await customer(), { enter })
  await first.carried
  t.regex(first.user.failure!.message, /busy/)
  await second.user.request(0, 0, rowsOf(1))
  second.user.fail(CUT)
  await second.carried
  await server.contributor.stop()
})

test('a session may have so many bytes of activations until it is proved, which the contributor sets', async t => {
  const counters = new Counters()
  const rowBytes = 2 * Math.max(...servedAdapter().manifest.groups.map(({ dIn }) => dIn))
  const server = await serving({ counters, limits: { bundleInputBytes: 10 * rowBytes } })
  await t.throwsAsync(open(server, await customer(), { rows: 11 }), { message: /too many rows/ })
  t.deepEqual(counters.limits.all(), { bundleInputBytes: 1 })
  const { user, carried } = await open(server, await customer(), { rows: 10 })
  user.fail(CUT)
  await carried
  await server.contributor.stop()
})

test('a session that both sides have closed is promised nothing more', async t => {
  const server = await serving({ limits: { outstandingBytesAll: LEAST } })
  const first = await open(server, await customer())
  await first.user.request(0, 0, rowsOf(1))
  await first.user.close()
  t.is(first.session.outstandingBytesMost, 0)
  // Its user keeps the receipt back, and keeps nobody out.
  const second = await open(server, await customer())
  for (const { user, carried } of [first, second]) {
    user.fail(CUT)
    await carried
  }
  await server.contributor.stop()
})

test('sessions are answered in turn by rows: who asks for many at a time does not keep another waiting', async t => {
  const { adapter } = servedAdapter()
  const order: number[] = []
  let start = (): void => {}
  const started = new Promise<void>(resolve => (start = resolve))
  const jobs = (): ContributorJobs => {
    const inline = inlineContributorJobs({ kernel, adapter, random })
    return {
      ...inline,
      answer: async job => {
        // Until all that both ask for has come.
        await started
        order.push(job.x.length / adapter.manifest.groups[job.group]!.dIn)
        return inline.answer(job)
      }
    }
  }
  const server = await serving({ jobs })
  const [greedy, modest] = [await open(server, await customer(), { rows: 1000 }), await open(server, await customer(), { rows: 1000 })]
  const asked = [
    ...[0, 1, 2].map(n => greedy.user.request(0, 100 * n, rowsOf(100))),
    ...Array.from({ length: 12 }, (_, n) => modest.user.request(0, 10 * n, rowsOf(10)))
  ]
  setTimeout(start, 50)
  await Promise.all(asked)
  // A hundred of the other's rows first.
  t.is(order.indexOf(100, 1), 11, order.join())
  for (const { user, carried } of [greedy, modest]) {
    user.fail(CUT)
    await carried
  }
  await server.contributor.stop()
})

test('no order of sessions, cancels, breaks and restarts answers more rows than were reserved on the disk', async t => {
  const { adapter } = servedAdapter()
  const limitRows = 30
  let [server, answered] = [await serving({}, { limitRows }), 0]
  for (let round = 0; round < 3; round++) {
    const courses = await Promise.all(
      [0, 1, 2].map(async () =>
        open(server, await customer(), {
          tamper: (message, _from, bytes) => {
            if (message.kind === 'deltas') answered += message.value.count
            return [bytes]
          }
        }).catch(() => undefined)
      )
    )
    const asked = courses.flatMap(course => {
      if (course === undefined) return []
      const stop = new AbortController()
      const requests = [0, 2, 4, 6].map(position =>
        course.user.ask({ group: 0, position, x: rowsOf(2) }, position === 4 ? { signal: stop.signal } : {}).catch(() => {})
      )
      setTimeout(() => stop.abort(new Error('no more')), round)
      return requests
    })
    await Promise.all(asked)
    for (const course of courses) {
      course?.user.fail(CUT)
      await course?.carried
    }
    t.true(answered <= limitRows, `${answered} rows`)
    // The process is killed: nothing is handed back.
    await server.contributor.stop()
    const reserved = await server.store.budget.answered(adapter.content, 0)
    t.true(answered <= reserved, `${answered} of ${reserved}`)
    server = await serving({}, { limitRows, datastore: server.datastore })
    t.true((await server.store.budget.answered(adapter.content, 0)) >= answered)
  }
  t.true(answered > 0)
  await server.contributor.stop()
})
