/** Sessions over real streams that break are settled over new ones, by the same processes and by those that follow them. */
import test, { type ExecutionContext } from 'ava'
import { RefusedError } from '../../src/errors.js'
import { openAnnouncement } from '../../src/store/index.js'
import type { UserSettling } from '../../src/roles/settling/user.js'
import { fromHex } from '../../src/bytes.js'
import { register } from '../proof/fixture.js'
import {
  activations,
  contributor,
  type ContributorOptions,
  type Home,
  home,
  participant,
  type Participant,
  remote,
  settlingFor,
  type ServingParticipant
} from './people.js'

const registered = register('settling')
const { manifest } = registered
const rows = (count: number): Float32Array => activations(count, manifest.groups[0]!.dIn)

/** The user's settling, which tries when it is told to. */
const settling = (t: ExecutionContext, user: Participant, init?: Parameters<typeof settlingFor>[3]): UserSettling =>
  settlingFor(t, user, manifest, init)

interface Broken {
  readonly user: Participant
  readonly server: ServingParticipant
  readonly settling: UserSettling
  readonly session: string
  readonly homes: { readonly user: Home; readonly server: Home }
}

/** Ten rows are answered, eight of them accepted in two batches, then the line is cut. The user's last tail says: four accepted. */
async function broken(t: ExecutionContext, options: ContributorOptions = {}): Promise<Broken> {
  const homes = { user: await home(), server: await home() }
  const server = await contributor(t, [registered], { at: homes.server, ...options })
  const user = await participant(t, ['user'], {}, homes.user)
  const settles = settling(t, user)
  const adapter = await remote(user, server, { manifest, commitRows: 4, settling: settles })
  for (const position of [0, 4]) {
    await adapter.deltas({ group: 0, position, rows: rows(4) })
    while (adapter.accepted < position + 4) await new Promise(resolve => setImmediate(resolve))
  }
  await adapter.deltas({ group: 0, position: 8, rows: rows(2) })
  await adapter.abort(new Error('the line is cut'))
  return { user, server, settling: settles, session: adapter.info().session, homes }
}

async function restarted(
  t: ExecutionContext,
  { user, server, homes }: Broken,
  options: ContributorOptions = {}
): Promise<ServingParticipant> {
  await user.net.node.hangUp(server.net.node.peerId)
  await server.net.stop()
  await server.contributor.stop()
  return contributor(t, [registered], { at: homes.server, ...options })
}

async function announced(server: ServingParticipant): Promise<{ end: number; twoSided: boolean }[]> {
  const list: { end: number; twoSided: boolean }[] = []
  for (const { feed } of await server.store.feeds.list()) {
    for (const bytes of await server.store.feeds.range(fromHex(feed), 0n, 10)) {
      const { announcement } = openAnnouncement(bytes)
      list.push({ end: announcement.statement.end, twoSided: announcement.receipt !== null })
    }
  }
  return list
}

test('a session whose stream broke is settled over a new one, with every row that was answered', async t => {
  const it = await broken(t)
  t.is((await it.user.store.sessions.find(it.session))!.state, 'broken')
  const info = await it.settling.settle(it.session)
  t.is(info.state, 'announced')
  t.is(info.rows, 10)
  t.deepEqual(await announced(it.server), [{ end: 10, twoSided: true }])
  t.is((await it.server.store.sessions.find(it.session))!.state, 'announced')
  t.true((await it.user.store.bundles.list())[0]!.valid)
})

test('a contributor that restarted settles what it had committed to', async t => {
  const it = await broken(t)
  const server = await restarted(t, it)
  await it.user.net.node.dial(server.net.node.getMultiaddrs())
  const info = await it.settling.settle(it.session)
  t.is(info.state, 'announced')
  t.is(info.rows, 8)
  t.deepEqual(await announced(server), [{ end: 8, twoSided: true }])
})

test('a user that restarted settles what it had accepted', async t => {
  const it = await broken(t)
  await it.settling.stop()
  await it.user.net.stop()
  const user = await participant(t, ['user'], {}, it.homes.user)
  const again = settling(t, user)
  await user.net.node.dial(it.server.net.node.getMultiaddrs())
  const info = await again.settle(it.session)
  t.is(info.state, 'announced')
  t.is(info.rows, 4)
  t.deepEqual(await announced(it.server), [{ end: 4, twoSided: true }])
})

test('a session that nobody settles is proved and announced by the contributor alone; its user signs later', async t => {
  const it = await broken(t, { timeouts: { unsettled: 1 } })
  while ((await it.server.store.sessions.find(it.session))!.state !== 'announced') await new Promise(resolve => setImmediate(resolve))
  await it.server.contributor.stop()
  t.deepEqual(await announced(it.server), [{ end: 4, twoSided: false }])
  t.deepEqual(it.server.counters.timeouts.all(), { unsettled: 1 })
  const info = await it.settling.settle(it.session)
  t.is(info.state, 'announced')
  t.is(info.rows, 4)
  await it.server.contributor.stop()
  t.deepEqual(await announced(it.server), [
    { end: 4, twoSided: false },
    { end: 4, twoSided: true }
  ])
})

test('sessions that an earlier process left are proved by the next, and announced once', async t => {
  const it = await broken(t)
  const server = await restarted(t, it, { timeouts: { unsettled: 1 } })
  while ((await server.store.sessions.find(it.session))!.state !== 'announced') await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(await announced(server), [{ end: 4, twoSided: false }])
  t.true((await server.store.journals.list()).every(({ settled }) => settled))
  const again = await restarted(t, { ...it, server }, { timeouts: { unsettled: 1 } })
  t.deepEqual(await announced(again), [{ end: 4, twoSided: false }])
})

test('a session that cannot be settled stays broken, and says why until it is', async t => {
  const it = await broken(t)
  await it.user.net.node.hangUp(it.server.net.node.peerId)
  await it.server.net.stop()
  await it.server.contributor.stop()
  await t.throwsAsync(it.settling.settle(it.session))
  const { state, error } = (await it.user.store.sessions.find(it.session))!
  t.is(state, 'broken')
  t.regex(error!, /^settling: .+; it is tried again$/)
  t.false((await it.user.store.journals.list())[0]!.settled)
  const server = await contributor(t, [registered], { at: it.homes.server })
  await it.user.net.node.dial(server.net.node.getMultiaddrs())
  t.like(await it.settling.settle(it.session), { state: 'announced', rows: 8, error: null })
  t.like(await it.user.store.sessions.find(it.session), { state: 'announced', error: null })
})

test('a session that a contributor does not know is refused by its code, and not tried again', async t => {
  const it = await broken(t)
  await it.server.store.journals.of(fromHex(it.session)).remove()
  await t.throwsAsync(it.settling.settle(it.session), { instanceOf: RefusedError, message: /unknown session/ })
  t.is((await it.user.store.sessions.find(it.session))!.state, 'failed')
  t.true((await it.user.store.journals.list()).every(({ settled }) => settled))
  t.like(it.user.counters.refusedBy.all(), { 'unknown session': 1 })
  t.like(it.server.counters.refused.all(), { 'unknown session': 1 })
})

const MANY = 10

/** Sessions of one user with one contributor, each with rows that both accepted, that were all broken off. */
async function manyBroken(t: ExecutionContext): Promise<{ user: Participant; server: ServingParticipant; sessions: string[] }> {
  const server = await contributor(t, [registered])
  const user = await participant(t, ['user'])
  const idle = settling(t, user)
  const sessions: string[] = []
  for (let n = 0; n < MANY; n++) {
    const adapter = await remote(user, server, { manifest, commitRows: 4, settling: idle })
    for (const position of [0, 4]) {
      await adapter.deltas({ group: 0, position, rows: rows(4) })
      while (adapter.accepted < position + 4) await new Promise(resolve => setImmediate(resolve))
    }
    await adapter.abort(new Error('the line is cut'))
    const { session } = adapter.info()
    while ((await server.store.sessions.find(session))?.state !== 'broken') await new Promise(resolve => setImmediate(resolve))
    sessions.push(session)
  }
  await idle.stop()
  return { user, server, sessions }
}

test('who has many sessions to settle with one contributor settles them in turn, within its places', async t => {
  const { user, server, sessions } = await manyBroken(t)
  const left = new Set(sessions)
  const all = new Promise<void>(resolve => {
    const again = settling(t, user, {
      retry: [1, 600_000],
      onSession: ({ session, state }) => {
        if (state === 'announced') left.delete(session)
        if (left.size === 0) resolve()
      }
    })
    void again.start()
  })
  await all
  t.deepEqual((await announced(server)).length, MANY)
  t.deepEqual([server.counters.refused.all(), server.counters.limits.all()], [{}, {}])
  t.true((await user.store.sessions.list()).every(({ error }) => error === null || !error.startsWith('settling')))
})

test('that a contributor is away one finds out for all that wait', async t => {
  const { user, server, sessions } = await manyBroken(t)
  await user.net.node.hangUp(server.net.node.peerId)
  await server.net.stop()
  let asked = 0
  const told = new Map<string, string>()
  await new Promise<void>(resolve => {
    const again = settling(t, user, {
      retry: [1, 600_000],
      sessions: {
        settle: (...given) => {
          asked++
          return user.sessions.settle(...given)
        }
      },
      onSession: ({ session, error }) => {
        if (error?.startsWith('settling: ') === true) told.set(session, error)
        if (told.size === sessions.length) resolve()
      }
    })
    void again.start()
  })
  t.true(asked <= 2, `${asked} were tried`)
  for (const error of told.values()) t.regex(error, /; it is tried again$/)
})
