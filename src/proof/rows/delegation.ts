/** Delegation: the owner lets another key answer for the adapter (protocols/adapter). */
import { concat, Cursor, u64 } from '../../bytes.js'
import { LABELS } from '../labels.js'
import { sign, verifySignature } from '../signature.js'
import type { Delegation } from '../types.js'

const SIGNATURE_BYTES = 64

/** u64 expiry, u64 share, signature. */
export const DELEGATION_BYTES = 80

/** What the owner's signature covers. */
export interface DelegationBody {
  /** Adapter identifier. */
  readonly adapter: Uint8Array
  /** The key that may answer. */
  readonly key: Uint8Array
  /** Seconds since 1970. */
  readonly expiry: bigint
  /** Rows of each group that it may answer. */
  readonly share: bigint
}

export function signDelegation(ownerSecret: Uint8Array, { adapter, key, expiry, share }: DelegationBody): Delegation {
  return { expiry, share, signature: sign(ownerSecret, LABELS.signDelegation, adapter, key, u64(expiry), u64(share)) }
}

/** Whether the owner let `key` answer for the adapter; its expiry is the caller's to compare. */
export function verifyDelegation(owner: Uint8Array, adapter: Uint8Array, key: Uint8Array, delegation: Delegation): boolean {
  const { expiry, share, signature } = delegation
  return verifySignature(owner, signature, LABELS.signDelegation, adapter, key, u64(expiry), u64(share))
}

export function encodeDelegation({ expiry, share, signature }: Delegation): Uint8Array {
  return concat([u64(expiry), u64(share), signature])
}

/** Reads the 80 bytes at the cursor. */
export function readDelegation(cursor: Cursor): Delegation {
  return { expiry: cursor.u64(), share: cursor.u64(), signature: cursor.bytesOf(SIGNATURE_BYTES).slice() }
}

/** @throws MalformedMessageError unless there are 80 bytes. */
export function decodeDelegation(bytes: Uint8Array): Delegation {
  const cursor = new Cursor(bytes, 'the delegation')
  const delegation = readDelegation(cursor)
  cursor.end()
  return delegation
}
