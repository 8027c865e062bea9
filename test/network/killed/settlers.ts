/**
 * One side of many broken sessions as a process of its own that settles them: each stands still at a point of its own, and when all do,
 * the process kills itself (SIGKILL). `node settlers.js contributor FOLDER KEY`, or `node settlers.js user MULTIADDR FOLDER KEY FOLDER KEY …`
 * with a user for each party of points. A contributor reads the sessions, in the order of the points, from its input, users write them to
 * their output.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import type { ExecutionContext } from 'ava'
import { fromHex } from '../../../src/bytes.js'
import { openDatastore } from '../../../src/roles/platform.js'
import { contributor, type Home, participant } from '../people.js'
import { parties, type Point, POINTS } from './points.js'
import { breakOff, MANY, registered, settlingOf } from './session.js'
import { killed, never, watch } from './watched.js'

/** Milliseconds after which a point is not reached any more. */
const STUCK = 60_000

const [role, ...args] = process.argv.slice(2) as ['contributor' | 'user', ...string[]]
const moving = new Map<string, { readonly point: Point; left: number }>()
const standing = new Set<string>()

watch({
  before: async session => {
    if (standing.has(session)) await never()
  },
  done: async (what, session) => {
    const its = moving.get(session)
    if (its?.point.what !== what || --its.left > 0) return
    moving.delete(session)
    standing.add(session)
    if (moving.size === 0) await killed()
    await never()
  }
})

function begin(sessions: readonly string[]): void {
  sessions.forEach((session, i) => moving.set(session, { point: POINTS[role][i]!, left: POINTS[role][i]!.times }))
  setTimeout(() => {
    console.error(`not reached: ${JSON.stringify([...moving.values()])}`)
    process.exit(1)
  }, STUCK)
}

const t = { teardown: () => {} } as unknown as ExecutionContext

async function homeAt(folder: string, key: string): Promise<Home> {
  return { datastore: await openDatastore(folder), privateKey: privateKeyFromRaw(fromHex(key)) as never }
}

if (role === 'contributor') {
  const [folder, key] = args as [string, string]
  const { net } = await contributor(t, [registered], { at: await homeAt(folder, key), session: MANY })
  console.log(net.node.getMultiaddrs()[0]!.toString())
  const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string]
  begin(line.split(' '))
  console.log('ready')
} else {
  const [address, ...homes] = args as [string, ...string[]]
  const broken = await Promise.all(
    parties(POINTS.user).map(async (points, i) => {
      const user = await participant(t, ['user'], {}, await homeAt(homes[2 * i]!, homes[2 * i + 1]!))
      const { remotePeer } = await user.net.node.dial(multiaddr(address))
      const settling = settlingOf(t, user)
      return { settling, sessions: await Promise.all(points.map(() => breakOff(user, remotePeer, settling))) }
    })
  )
  const sessions = broken.flatMap(party => party.sessions)
  console.log(sessions.join(' '))
  begin(sessions)
  await Promise.all(broken.map(({ settling, sessions }) => Promise.all(sessions.map(session => settling.settle(session)))))
}
