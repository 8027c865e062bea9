/** Tails that are signed while a session is settled: their private hash covers their own batch alone (protocols/session, Settling). */
import { signTail, type TailBody, type TailRole } from '../../proof/index.js'
import { type BatchBody, PrivateChain, privateHash } from '../chains.js'
import type { Batch } from '../messages/messages.js'
import type { Terms } from '../terms/terms.js'

export function sealSettled(
  body: BatchBody,
  {
    terms,
    role,
    secretKey,
    tail
  }: {
    readonly terms: Terms
    readonly role: TailRole
    readonly secretKey: Uint8Array
    readonly tail: Omit<TailBody, 'privateHash'>
  }
): Batch {
  const { session, open, accept } = terms
  const start = (of: TailRole) => ({
    count: 0,
    value: new PrivateChain(of, session, { user: open.chainSecret, contributor: accept.chainSecret }).head
  })
  const other = role === 'user' ? 'contributor' : 'user'
  const hash = privateHash({ session, role, own: start(role), batch: body, seen: start(other) })
  return { ...body, tail: { ...signTail({ secretKey, role, session, tail: { ...tail, privateHash: hash } }), seen: 0 } }
}
