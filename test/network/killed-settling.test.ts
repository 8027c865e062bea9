/** Either side is killed (SIGKILL) at every point of settling a broken session in turn, and settles it when it is back: there is one story. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { multiaddr } from '@multiformats/multiaddr'
import test, { type ExecutionContext } from 'ava'
import { equal, fromHex, toHex } from '../../src/bytes.js'
import { BUDGET_BLOCK_ROWS } from '../../src/limits.js'
import { endStaleSessions } from '../../src/roles/session-entry.js'
import type { UserSettling } from '../../src/roles/settling/user.js'
import type { SessionInfo } from '../../src/roles/types.js'
import { openAnnouncement } from '../../src/store/index.js'
import { batchesOf, consistentBatches, type Place, place, reopened } from './killed/places.js'
import { type Case, CASES, type Plan, type Role } from './killed/points.js'
import { breakOff, MANY, registered, settlingOf } from './killed/session.js'
import { contributor, type Home, home, participant, type Participant, type ServingParticipant } from './people.js'

/** Rows of each session that were answered. */
const ROWS = 10
/** Sessions that one user settles at a time, over one connection: it takes eight streams of the protocol. */
const AT_A_TIME = 7
/** A user, what settles for it, and its sessions, each with its case. */
interface Party {
  readonly user: Participant
  readonly settling: UserSettling
  readonly sessions: ReadonlyMap<string, Case>
}

/** What is left when one side was killed and all is settled. */
interface Stage {
  readonly parties: readonly Party[]
  readonly server: ServingParticipant
  /** Rows that are counted as answered, before and after settling, by each process of the contributor's. */
  readonly answered: readonly (readonly [number, number])[]
}

const ends: (() => unknown)[] = []
/** Stages outlive the test that makes them. */
const shared = { teardown: (end: () => unknown) => ends.push(end) } as unknown as ExecutionContext
test.after.always(async () => {
  for (const end of ends.reverse()) await end()
})

const warnings: string[] = []
process.on('warning', ({ message }) => warnings.push(message))

interface Process {
  readonly child: ChildProcess
  readonly line: () => Promise<string>
}

function run(role: Role, args: readonly string[]): Process {
  const child = spawn(process.execPath, ['dist/test/network/killed/settlers.js', role, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  shared.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, line: async () => (await lines.next()).value as string }
}

/** It has killed itself. */
async function killed({ child }: Process): Promise<void> {
  const isOver = child.exitCode !== null || child.signalCode !== null
  const [code, signal] = isOver ? [child.exitCode, child.signalCode] : await once(child, 'exit')
  if (signal !== 'SIGKILL') throw new Error(`the process ended with ${code ?? signal}, and did not kill itself`)
}

/** Where its sessions are to stand: all of them, or those that are killed twice. */
function plan({ child }: Process, sessions: Iterable<readonly [string, Case]>, isSecond: boolean): Set<string> {
  const planned = [...sessions].filter(([, { again }]) => !isSecond || again !== undefined)
  const points: Plan = Object.fromEntries(
    planned.map(([session, { what, times, again }]) => [session, isSecond ? { what: again!, times: 1 } : { what, times }])
  )
  child.stdin!.write(`${JSON.stringify(points)}\n`)
  return new Set(planned.map(([session]) => session))
}

const answeredBy = ({ store }: Participant): Promise<number> => store.budget.answered(registered.adapter.content, 0)

/** The users settle with a process of the contributor's. */
async function settle(parties: readonly Party[], server: ServingParticipant, isAlone: boolean): Promise<[number, number]> {
  const before = await answeredBy(server)
  await Promise.all(
    parties.map(async ({ user, settling, sessions }) => {
      await user.net.node.dial(server.net.node.getMultiaddrs())
      const open = (await user.store.journals.list()).filter(({ settled }) => !settled)
      const left = open.filter(({ session }) => (sessions.get(session)!.alone !== undefined) === isAlone)
      await Promise.all(left.map(({ session }) => settling.settle(session)))
    })
  )
  await server.contributor.stop()
  return [before, await answeredBy(server)]
}

/** Both sides are back: what is left is settled in time, or after the contributor has proved it. */
async function end(parties: readonly Party[], first: ServingParticipant, at: Home): Promise<Stage> {
  const inTime = await settle(parties, first, false)
  await Promise.all(parties.map(({ user }) => user.net.node.hangUp(first.net.node.peerId)))
  await first.net.stop()
  const left = new Set<string>()
  for (const { session, settled } of await first.store.journals.list()) if (!settled) left.add(session)
  let proved = (): void => {}
  const all = new Promise<void>(resolve => (proved = resolve))
  const onSession = ({ session, state }: SessionInfo): void => {
    if (state === 'announced' && left.delete(session) && left.size === 0) proved()
  }
  const server = await contributor(shared, [registered], { at, session: MANY, timeouts: { unsettled: 1 }, onSession })
  await all
  await server.contributor.stop()
  return { parties, server, answered: [inTime, await settle(parties, server, true)] }
}

function parts<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / AT_A_TIME) }, (_, i) => list.slice(i * AT_A_TIME, (i + 1) * AT_A_TIME))
}

const placed = ({ folder, key }: Place): [string, string] => [folder, toHex(key.raw)]

/** A contributor is killed that settles with users who stay. */
async function contributorKilled(): Promise<Stage> {
  const where = await place(shared)
  let process_ = run('contributor', placed(where))
  const address = multiaddr(await process_.line())
  const parties = await Promise.all(
    parts(CASES.contributor).map(async cases => {
      const user = await participant(shared, ['user'])
      const { remotePeer } = await user.net.node.dial(address)
      const settling = settlingOf(shared, user)
      const sessions = await Promise.all(cases.map(async its => [await breakOff(user, remotePeer, settling), its] as const))
      return { user, settling, sessions: new Map(sessions) }
    })
  )
  for (const isSecond of [false, true]) {
    if (isSecond) {
      process_ = run('contributor', placed(where))
      const again = multiaddr(await process_.line())
      await Promise.all(parties.map(({ user }) => user.net.node.dial(again)))
    }
    const planned = plan(
      process_,
      parties.flatMap(({ sessions }) => [...sessions]),
      isSecond
    )
    await process_.line()
    const begun = parties.flatMap(({ settling, sessions }) =>
      [...sessions.keys()].filter(id => planned.has(id)).map(id => settling.settle(id))
    )
    await Promise.allSettled(begun)
    await killed(process_)
  }
  const at = await reopened(shared, where)
  const server = await contributor(shared, [registered], { at, session: MANY })
  await endStaleSessions(server.store)
  return end(parties, server, at)
}

/** Users are killed that settle with a contributor who stays. */
async function userKilled(): Promise<Stage> {
  const by = parts(CASES.user)
  const places = await Promise.all(by.map(() => place(shared)))
  const at = await home()
  const server = await contributor(shared, [registered], { at, session: MANY })
  const address = server.net.node.getMultiaddrs()[0]!.toString()
  let all: [string, Case][] = []
  for (const isSecond of [false, true]) {
    const process_ = run('user', [address, ...places.flatMap((where, i) => [...placed(where), String(isSecond ? 0 : by[i]!.length)])])
    const broken = await process_.line()
    if (!isSecond) all = broken.split(' ').map((session, i) => [session, by.flat()[i]!])
    const left = gone(server, places.length)
    plan(process_, all, isSecond)
    await Promise.all([killed(process_), left])
    // Until it knows that their streams are gone, it is busy with them.
    await server.contributor.stop()
  }
  const parties = await Promise.all(
    places.map(async (where, i) => {
      const user = await participant(shared, ['user'], {}, await reopened(shared, where))
      await endStaleSessions(user.store)
      return { user, settling: settlingOf(shared, user), sessions: new Map(parts(all)[i]) }
    })
  )
  return end(parties, server, at)
}

/** Resolves when so many peers are gone. */
function gone({ net }: Participant, peers: number): Promise<void> {
  return new Promise(resolve => net.node.addEventListener('peer:disconnect', () => --peers === 0 && resolve()))
}

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

function how({ what, times, again, alone }: Case): string {
  if (again !== undefined) return `${what} (${times}), and again after ${again}, settles`
  return `${what} (${times}) settles${alone === undefined ? '' : ' when the contributor has announced alone'}`
}

for (const role of ['user', 'contributor'] as const) {
  let made: Promise<Stage> | undefined
  const stage = (): Promise<Stage> => (made ??= role === 'user' ? userKilled() : contributorKilled())
  for (const its of CASES[role]) {
    test(`a ${role} that is killed while it settles after ${how(its)}: one story`, async t => {
      const { server, parties } = await stage()
      const [[session, user]] = parties.flatMap(({ user, sessions }) =>
        [...sessions].flatMap(([session, one]) => (one === its ? [[session, user] as const] : []))
      ) as [[string, Participant]]
      const { rows: end, alone } = its
      const oneSided = alone === undefined ? [] : [{ end, twoSided: false }]
      t.deepEqual(await announced(server, session), [...oneSided, { end, twoSided: true }])
      for (const { store } of [user, server]) {
        t.is((await store.sessions.find(session))?.state, 'announced')
        t.true((await store.journals.list()).find(journal => journal.session === session)?.settled)
      }
      const bundles = await user.store.bundles.ofSession(fromHex(session))
      t.deepEqual(
        bundles.map(({ start, end, valid }) => [start, end, valid]),
        [[0, end, true]]
      )
      const own = await batchesOf(user.store, session, 'user')
      consistentBatches(t, own)
      consistentBatches(t, await batchesOf(server.store, session, 'contributor'))
      for (const record of await server.store.journals.of(fromHex(session)).load()) {
        if (record.kind === 'contributor batch')
          t.true(
            own.some(bytes => equal(bytes, record.user)),
            'what the user signed is in its journal'
          )
      }
    })
  }

  test(`a ${role} that is killed while it settles has no row sent twice, and none counted twice`, async t => {
    const { answered } = await stage()
    const all = CASES[role].length * ROWS
    // What was reserved and not answered counts as answered, once the process is over.
    const blocks = Math.ceil(all / BUDGET_BLOCK_ROWS) * BUDGET_BLOCK_ROWS
    const counted = role === 'user' ? all : blocks
    t.deepEqual(answered, [
      [counted, counted],
      [blocks, blocks]
    ])
  })

  test(`that many sessions are settled at once with a ${role} that was killed is nothing that Node warns of`, async t => {
    await stage()
    t.deepEqual(warnings, [])
  })
}
