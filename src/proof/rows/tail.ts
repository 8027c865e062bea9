/** The public running hash, and what each side signs about the rows so far (protocols/bundle, Public running hash and Tail). */
import { concat, u16, u32, u8, utf8 } from '../../bytes.js'
import { hash } from '../../kernel/hash.js'
import { LABELS } from '../labels.js'
import { sign, verifySignature } from '../signature.js'
import type { PublicRow, Tail, TailBody, TailRole } from '../types.js'

/** public_0 of a session. */
export function publicStart(session: Uint8Array): Uint8Array {
  return hash(LABELS.publicStart, session)
}

/** public_(n+1) from public_n, with n the row's number. */
export function publicNext(running: Uint8Array, row: PublicRow): Uint8Array {
  return hash(LABELS.publicRow, running, encodeRow(row))
}

/** number, group, position, S. */
export function encodeRow({ number, group, position, s }: PublicRow): Uint8Array {
  return concat([u32(number), u16(group), u32(position), s])
}

function signedItems(role: TailRole, session: Uint8Array, tail: TailBody): Uint8Array[] {
  const counts = concat([u32(tail.rows), u32(tail.accepted), u8(Number(tail.closed))])
  return [utf8(role), session, counts, tail.publicHash, tail.privateHash]
}

export function signTail(init: { secretKey: Uint8Array; role: TailRole; session: Uint8Array; tail: TailBody }): Tail {
  const { secretKey, role, session, tail } = init
  return { ...tail, signature: sign(secretKey, LABELS.signTail, ...signedItems(role, session, tail)) }
}

/** Whether the signature is this key's over the tail, for this role and session. */
export function verifyTail(init: { publicKey: Uint8Array; role: TailRole; session: Uint8Array; tail: Tail }): boolean {
  const { publicKey, role, session, tail } = init
  return verifySignature(publicKey, tail.signature, LABELS.signTail, ...signedItems(role, session, tail))
}

/** As it stands in a bundle, where accepted and the public hash follow from the rows. */
export function encodeTail({ rows, closed, privateHash, signature }: Tail): Uint8Array {
  return concat([u32(rows), u8(Number(closed)), privateHash, signature])
}
