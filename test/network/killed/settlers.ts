/**
 * One side of many broken sessions as a process of its own that settles them: each stands still at a point of its own, and when all do,
 * the process kills itself (SIGKILL). `node settlers.js contributor FOLDER KEY`, or `node settlers.js user MULTIADDR FOLDER KEY SESSIONS …`
 * with a user for each folder, which breaks so many sessions off first. It writes its address, or the sessions, and reads the plan.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import type { ExecutionContext } from 'ava'
import { fromHex } from '../../../src/bytes.js'
import { openDatastore } from '../../../src/roles/platform.js'
import { contributor, type Home, participant } from '../people.js'
import type { Plan, Point, Role } from './points.js'
import { breakOff, MANY, registered, settlingOf } from './session.js'
import { killed, never, watch } from './watched.js'

/** Milliseconds after which a point is not reached any more. */
const STUCK = 60_000

const [role, ...args] = process.argv.slice(2) as [Role, ...string[]]
const moving = new Map<string, Point & { left: number }>()
const standing = new Set<string>()

watch({
  before: async session => {
    if (standing.has(session)) await never()
  },
  done: async (what, session) => {
    const its = moving.get(session)
    if (its?.what !== what || --its.left > 0) return
    moving.delete(session)
    standing.add(session)
    if (moving.size === 0) await killed()
    await never()
  }
})

async function planned(): Promise<string[]> {
  const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string]
  const plan = Object.entries(JSON.parse(line) as Plan)
  for (const [session, point] of plan) moving.set(session, { ...point, left: point.times })
  setTimeout(() => {
    console.error(`not reached: ${JSON.stringify([...moving])}`)
    process.exit(1)
  }, STUCK)
  return plan.map(([session]) => session)
}

const t = { teardown: () => {} } as unknown as ExecutionContext

async function homeAt(folder: string, key: string): Promise<Home> {
  return { datastore: await openDatastore(folder), privateKey: privateKeyFromRaw(fromHex(key)) as never }
}

function threes(list: readonly string[]): [string, string, string][] {
  return Array.from({ length: list.length / 3 }, (_, i) => list.slice(3 * i, 3 * i + 3) as [string, string, string])
}

if (role === 'contributor') {
  const [folder, key] = args as [string, string]
  const { net } = await contributor(t, [registered], { at: await homeAt(folder, key), session: MANY })
  console.log(net.node.getMultiaddrs()[0]!.toString())
  await planned()
  console.log('ready')
} else {
  const [address, ...homes] = args as [string, ...string[]]
  const users = await Promise.all(
    threes(homes).map(async ([folder, key, count]) => {
      const user = await participant(t, ['user'], {}, await homeAt(folder, key))
      const { remotePeer } = await user.net.node.dial(multiaddr(address))
      const settling = settlingOf(t, user)
      const broken = await Promise.all(Array.from({ length: Number(count) }, () => breakOff(user, remotePeer, settling)))
      return { user, settling, broken }
    })
  )
  console.log(users.flatMap(({ broken }) => broken).join(' '))
  const sessions = new Set(await planned())
  await Promise.all(
    users.map(async ({ user, settling }) => {
      const own = (await user.store.journals.list()).filter(({ session }) => sessions.has(session))
      await Promise.all(own.map(({ session }) => settling.settle(session)))
    })
  )
}
