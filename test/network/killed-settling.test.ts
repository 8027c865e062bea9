/** Either side is killed (SIGKILL) at every point of settling a broken session in turn, and settles it when it is back: there is one story. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'
import test, { type ExecutionContext } from 'ava'
import { fromHex, toHex } from '../../src/bytes.js'
import { BUDGET_BLOCK_ROWS } from '../../src/limits.js'
import { endStaleSessions } from '../../src/roles/session-entry.js'
import type { UserSettling } from '../../src/roles/settling/user.js'
import { openAnnouncement } from '../../src/store/index.js'
import { batchesOf, consistentBatches, type Place, place, reopened } from './killed/places.js'
import { parties, POINTS } from './killed/points.js'
import { breakOff, MANY, registered, settlingOf } from './killed/session.js'
import { contributor, home, participant, type Participant, type ServingParticipant } from './people.js'

/** Rows of each session that were answered. */
const ROWS = 10

/** What is left when one side was killed and has settled. */
interface Stage {
  /** In the order of the points. */
  readonly sessions: readonly string[]
  /** Of each session. */
  readonly users: readonly Participant[]
  readonly server: ServingParticipant
  /** Rows that are counted as answered, before and after settling. */
  readonly answered: readonly [before: number, after: number]
}

const ends: (() => unknown)[] = []
/** Stages outlive the test that makes them. */
const shared = { teardown: (end: () => unknown) => ends.push(end) } as unknown as ExecutionContext
test.after.always(async () => {
  for (const end of ends.reverse()) await end()
})

function run(role: keyof typeof POINTS, args: readonly string[]): { child: ChildProcess; lines: () => Promise<string> } {
  const child = spawn(process.execPath, ['dist/test/network/killed/settlers.js', role, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  shared.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, lines: async () => (await lines.next()).value as string }
}

const placed = ({ folder, key }: Place): [string, string] => [folder, toHex(key.raw)]

async function end(child: ChildProcess): Promise<void> {
  const [code, signal] = (child.exitCode ?? child.signalCode) === null ? await once(child, 'exit') : [child.exitCode, child.signalCode]
  if (signal !== 'SIGKILL') throw new Error(`the process ended with ${code ?? signal}, and did not kill itself`)
}

const answeredBy = ({ store }: Participant): Promise<number> => store.budget.answered(registered.adapter.content, 0)

/** A user, and what settles for it. */
interface Party {
  readonly user: Participant
  readonly settling: UserSettling
}

/** The users settle what is not settled. */
async function settle(parties: readonly Party[], server: ServingParticipant): Promise<readonly [number, number]> {
  const before = await answeredBy(server)
  for (const { user, settling } of parties) {
    await user.net.node.dial(server.net.node.getMultiaddrs())
    const left = (await user.store.journals.list()).filter(({ settled }) => !settled)
    await Promise.all(left.map(({ session }) => settling.settle(session)))
  }
  await server.contributor.stop()
  return [before, await answeredBy(server)]
}

/** A contributor is killed that settles with users who stay. */
async function contributorKilled(): Promise<Stage> {
  const where = await place(shared)
  const { child, lines } = run('contributor', placed(where))
  const address = multiaddr(await lines())
  const broken = await Promise.all(
    parties(POINTS.contributor).map(async points => {
      const user = await participant(shared, ['user'])
      const { remotePeer } = await user.net.node.dial(address)
      const settling = settlingOf(shared, user)
      return { user, settling, sessions: await Promise.all(points.map(() => breakOff(user, remotePeer, settling))) }
    })
  )
  const sessions = broken.flatMap(party => party.sessions)
  child.stdin!.write(`${sessions.join(' ')}\n`)
  await lines()
  await Promise.all(broken.map(({ settling, sessions }) => Promise.allSettled(sessions.map(session => settling.settle(session)))))
  await end(child)
  const server = await contributor(shared, [registered], { at: await reopened(shared, where), session: MANY })
  await endStaleSessions(server.store)
  return {
    sessions,
    users: broken.flatMap(({ user, sessions }) => sessions.map(() => user)),
    server,
    answered: await settle(broken, server)
  }
}

/** Users are killed that settle with a contributor who stays. */
async function userKilled(): Promise<Stage> {
  const by = parties(POINTS.user)
  const places = await Promise.all(by.map(() => place(shared)))
  const server = await contributor(shared, [registered], { at: await home(), session: MANY })
  const { child, lines } = run('user', [server.net.node.getMultiaddrs()[0]!.toString(), ...places.flatMap(placed)])
  const sessions = (await lines()).split(' ')
  const gone = new Promise<void>(resolve => {
    let left = places.length
    server.net.node.addEventListener('peer:disconnect', () => --left === 0 && resolve())
  })
  await Promise.all([end(child), gone])
  // Until it knows that its streams are gone, it is busy with them.
  await server.contributor.stop()
  const again = await Promise.all(
    places.map(async where => {
      const user = await participant(shared, ['user'], {}, await reopened(shared, where))
      await endStaleSessions(user.store)
      return { user, settling: settlingOf(shared, user) }
    })
  )
  return { sessions, users: by.flatMap((points, i) => points.map(() => again[i]!.user)), server, answered: await settle(again, server) }
}

const warnings: string[] = []
process.on('warning', ({ message }) => warnings.push(message))

/** Announcements of a session, in their order. */
async function announced({ store }: ServingParticipant, session: string): Promise<{ end: number; twoSided: boolean }[]> {
  const list: { end: number; twoSided: boolean }[] = []
  for (const { feed } of await store.feeds.list()) {
    for (const bytes of await store.feeds.range(fromHex(feed), 0n, 100)) {
      const { statement, receipt } = openAnnouncement(bytes).announcement
      if (toHex(statement.session) === session) list.push({ end: statement.end, twoSided: receipt !== null })
    }
  }
  return list
}

const STAGES = { user: userKilled, contributor: contributorKilled }

for (const role of ['user', 'contributor'] as const) {
  let made: Promise<Stage> | undefined
  const stage = (): Promise<Stage> => (made ??= STAGES[role]())
  POINTS[role].forEach(({ what, times, rows }, i) => {
    test(`a ${role} that settles and is killed after ${what} (${times}) settles again, with one story`, async t => {
      const { users, server, sessions } = await stage()
      const [session, user] = [sessions[i]!, users[i]!]
      t.deepEqual(await announced(server, session), [{ end: rows, twoSided: true }])
      for (const { store } of [user, server]) {
        t.is((await store.sessions.find(session))?.state, 'announced')
        t.true((await store.journals.list()).find(journal => journal.session === session)?.settled)
      }
      t.deepEqual(
        (await user.store.bundles.ofSession(fromHex(session))).map(({ start, end, valid }) => [start, end, valid]),
        [[0, rows, true]]
      )
      const [batches, answers] = [await batchesOf(user.store, session, 'user'), await batchesOf(server.store, session, 'contributor')]
      consistentBatches(t, batches)
      consistentBatches(t, answers)
    })
  })

  test(`a ${role} that is killed while it settles has no row sent twice, and none counted twice`, async t => {
    const { sessions, answered } = await stage()
    // What was reserved and not answered counts as answered.
    const all = sessions.length * ROWS
    const counted = role === 'user' ? all : Math.ceil(all / BUDGET_BLOCK_ROWS) * BUDGET_BLOCK_ROWS
    t.deepEqual(answered, [counted, counted])
  })

  test(`that many sessions are settled at once with a ${role} that was killed is nothing that Node warns of`, async t => {
    await stage()
    t.deepEqual(warnings, [])
  })
}
