/** Either side is killed (SIGKILL) at every state of a session in turn, and opens its store again: what both signed is proved, announced once and verified. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'
import test, { type ExecutionContext } from 'ava'
import { fromHex, toHex } from '../../src/bytes.js'
import { BUDGET_BLOCK_ROWS } from '../../src/limits.js'
import { endStaleSessions } from '../../src/roles/session-entry.js'
import type { UserSettling } from '../../src/roles/settling/user.js'
import { openAnnouncement } from '../../src/store/index.js'
import { consistent, type Place, place, reopened } from './killed/places.js'
import { converse, registered, settlingOf } from './killed/session.js'
import { contributor, home, participant, type Participant, type ServingParticipant } from './people.js'

/** Runs one side until it kills itself. */
function run(
  t: ExecutionContext,
  role: string,
  { folder, key }: Place,
  [point, times]: Point,
  address = ''
): { address: Promise<string>; killed: Promise<string> } {
  const args = ['dist/test/network/killed/side.js', role, folder, toHex(key.raw), point, String(times), address]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  return {
    address: once(createInterface({ input: child.stdout }), 'line').then(([line]) => line as string),
    killed: once(child, 'exit').then(([, signal]) => signal as string)
  }
}

/** Rows that the contributor has answered, or lost in the crash. */
async function answered({ store }: ServingParticipant): Promise<number> {
  return store.budget.answered(registered.adapter.content, 0)
}

async function settled(
  t: ExecutionContext,
  { user, server, settling, end }: { user: Participant; server: ServingParticipant; settling: UserSettling; end: number }
): Promise<void> {
  for (const { session, settled: over } of await user.store.journals.list()) if (!over) await settling.settle(session).catch(() => {})
  await server.contributor.stop()
  const [session] = await user.store.sessions.list()
  const announcements: Uint8Array[] = []
  for (const { feed } of await server.store.feeds.list()) announcements.push(...(await server.store.feeds.range(fromHex(feed), 0n, 10)))
  t.deepEqual(
    announcements.map(bytes => openAnnouncement(bytes).announcement).map(({ statement, receipt }) => [statement.end, receipt !== null]),
    end === 0 ? [] : [[end, true]]
  )
  t.is(session?.state ?? 'failed', end === 0 ? 'failed' : 'announced', session?.error ?? '')
  t.is((await user.store.bundles.list()).filter(({ valid }) => valid).length, end === 0 ? 0 : 1)
  await consistent(t, user.store, 'user')
  await consistent(t, server.store, 'contributor')
}

type Point = readonly [what: string, times: number]

/** What is written, how often before the end, and the rows that are proved afterwards. */
const CONTRIBUTOR: readonly (readonly [...Point, rows: number])[] = [
  ['opened', 1, 0],
  ['reserved', 1, 0],
  ['contributor batch', 1, 4],
  ['reserved', 2, 4],
  ['contributor batch', 2, 8],
  ['contributor batch', 3, 8],
  ['putOwn', 1, 8],
  ['proved', 1, 8],
  ['receipt', 1, 8],
  ['announcement', 1, 8]
]

for (const [what, times, end] of CONTRIBUTOR) {
  test.serial(`a contributor that is killed when it has written ${what} (${times}) settles when it is back`, async t => {
    const where = await place(t)
    const process_ = run(t, 'contributor', where, [what, times])
    const user = await participant(t, ['user'])
    const settling = settlingOf(t, user)
    const { remotePeer } = await user.net.node.dial(multiaddr(await process_.address))
    const broken = converse(user, remotePeer, {
      broken: (...given) => settling.broken(...given),
      settled: id => settling.settled(id),
      settle: async () => Promise.reject(new Error('later'))
    })
    t.is(await process_.killed, 'SIGKILL')
    await t.throwsAsync(broken)
    const server = await contributor(t, [registered], { at: await reopened(t, where) })
    await endStaleSessions(server.store)
    await user.net.node.dial(server.net.node.getMultiaddrs())
    await settled(t, { user, server, settling, end })
    // What was reserved and not answered counts as answered; settling asks for nothing.
    t.is(await answered(server), what === 'opened' ? 0 : BUDGET_BLOCK_ROWS)
  })
}

test.serial('a contributor that is killed again and again while it settles ends with one proof and one announcement', async t => {
  const where = await place(t)
  const user = await participant(t, ['user'])
  const settling = settlingOf(t, user)
  const keep = {
    broken: (...given: Parameters<UserSettling['broken']>) => settling.broken(...given),
    settled: (id: string) => settling.settled(id),
    settle: async () => Promise.reject(new Error('later'))
  }
  for (const what of ['contributor batch', 'contributor batch', 'putOwn', 'announcement']) {
    const process_ = run(t, 'contributor', where, [what, 1])
    const { remotePeer } = await user.net.node.dial(multiaddr(await process_.address))
    const [begun] = await user.store.journals.list()
    const work = begun === undefined ? converse(user, remotePeer, keep) : settling.settle(begun.session)
    await t.throwsAsync(work, undefined, what)
    t.is(await process_.killed, 'SIGKILL', what)
    await user.net.node.hangUp(remotePeer)
  }
  const server = await contributor(t, [registered], { at: await reopened(t, where) })
  await endStaleSessions(server.store)
  await user.net.node.dial(server.net.node.getMultiaddrs())
  await settled(t, { user, server, settling, end: 4 })
  t.is(await answered(server), BUDGET_BLOCK_ROWS)
})

const USER: readonly (readonly [...Point, rows: number])[] = [
  ['opened', 1, 0],
  ['user batch', 1, 0],
  ['user batch', 2, 4],
  ['user batch', 3, 8],
  ['putVerified', 1, 8],
  ['receipt', 1, 8]
]

for (const [what, times, end] of USER) {
  test.serial(`a user that is killed when it has written ${what} (${times}) settles when it is back`, async t => {
    const where = await place(t)
    const server = await contributor(t, [registered], { at: await home() })
    const process_ = run(t, 'user', where, [what, times], server.net.node.getMultiaddrs()[0]!.toString())
    t.is(await process_.killed, 'SIGKILL')
    const user = await participant(t, ['user'], {}, await reopened(t, where))
    await endStaleSessions(user.store)
    await user.net.node.dial(server.net.node.getMultiaddrs())
    const before = await answered(server)
    await settled(t, { user, server, settling: settlingOf(t, user), end })
    t.is(await answered(server), before, 'no row is sent twice')
    t.true(before === end || before === end + 4, `${before} rows were answered`)
  })
}
