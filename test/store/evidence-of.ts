/** Sessions of a small adapter whose contributor signs what it is told to. */
import { type CommittedAdapter, type SessionContext, sessionId, signTail, type Tail, type TailBody } from '../../src/proof/index.js'
import { contextOf, kernel, type KnownRow, makeRows, makeTails, OWNER_SECRET, register, seeded } from '../proof/fixture.js'

export { contextOf, kernel, makeTails, OWNER_SECRET, seeded }
export const random = seeded('evidence')

export function smallSession(): {
  adapter: CommittedAdapter
  context: SessionContext
  session: Uint8Array
  rows: readonly KnownRow[]
} {
  const { adapter } = register('evidence')
  const context = contextOf(adapter)
  return { adapter, context, session: sessionId(context), rows: makeRows(adapter, [0, 1, 0], seeded('rows')) }
}

/** Tails of the contributor's, each with its signature. */
export function signedTail(session: Uint8Array): (change: Partial<TailBody>) => Tail {
  const body = { rows: 20, accepted: 8, closed: false, publicHash: new Uint8Array(32).fill(1), privateHash: new Uint8Array(32).fill(2) }
  return change => signTail({ secretKey: OWNER_SECRET, role: 'contributor', session, tail: { ...body, ...change } })
}
