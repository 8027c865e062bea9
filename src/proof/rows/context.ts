/** The context that both sides agree on before the first row, and the session identifier (protocols/bundle, Context). */
import { concat, Cursor, equal, u16, u32, u64, u8, utf8 } from '../../bytes.js'
import { LimitExceededError, MalformedMessageError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { LABELS } from '../labels.js'
import type { SessionContext } from '../types.js'
import { encodeDelegation, readDelegation } from './delegation.js'

/** The protocol that the identifier is bound to. */
export const SESSION_PROTOCOL = '/zklora/session/1.0.0'

const VERSION = 1
const FIELD_BYTES = 32

export function encodeContext(context: SessionContext): Uint8Array {
  const { delegation } = context
  return concat([
    u8(VERSION),
    context.userNonce,
    context.contributorNonce,
    context.userKey,
    context.contributorKey,
    context.adapter,
    context.base,
    u64(context.started),
    u8(context.activationBits),
    u8(context.weightBits),
    u32(context.rows),
    u16(context.groups.length),
    ...context.groups.map(u16),
    ...(delegation === undefined ? [u8(0)] : [u8(1), encodeDelegation(delegation)])
  ])
}

/** @throws MalformedMessageError, LimitExceededError */
export function decodeContext(bytes: Uint8Array): SessionContext {
  const cursor = new Cursor(bytes, 'the context')
  const context = readContext(cursor)
  cursor.end()
  return context
}

/** Reads a context at the cursor. The result has its own copies. */
export function readContext(cursor: Cursor): SessionContext {
  const version = cursor.u8()
  if (version !== VERSION) throw new MalformedMessageError(`context version ${version} is not known`)
  const field = (): Uint8Array => cursor.bytesOf(FIELD_BYTES).slice()
  const context = {
    userNonce: field(),
    contributorNonce: field(),
    userKey: field(),
    contributorKey: field(),
    adapter: field(),
    base: field(),
    started: cursor.u64(),
    activationBits: cursor.u8(),
    weightBits: cursor.u8(),
    rows: readRows(cursor),
    groups: readGroups(cursor),
    delegation: readFlag(cursor, 'delegated') ? readDelegation(cursor) : undefined
  }
  if (equal(context.userKey, context.contributorKey)) throw new MalformedMessageError('user and contributor of the context have one key')
  return context
}

function readRows(cursor: Cursor): number {
  const rows = cursor.u32()
  if (rows < 1) throw new MalformedMessageError('the context allows 0 rows')
  return rows
}

function readGroups(cursor: Cursor): number[] {
  const count = cursor.u16()
  if (count < 1) throw new MalformedMessageError('the context names no group')
  if (count > FORMAT_LIMITS.groups) throw new LimitExceededError('groups', count, FORMAT_LIMITS.groups, 'in a context')
  const groups: number[] = []
  for (let i = 0; i < count; i++) {
    const group = cursor.u16()
    if (i > 0 && group <= groups[i - 1]!) throw new MalformedMessageError(`group ${group} follows group ${groups[i - 1]} in the context`)
    groups.push(group)
  }
  return groups
}

/** A byte that is 0 or 1. */
export function readFlag(cursor: Cursor, what: string): boolean {
  const flag = cursor.u8()
  if (flag > 1) throw new MalformedMessageError(`the flag ${what} is ${flag}, neither 0 nor 1`)
  return flag === 1
}

/** 32 bytes over protocol and context. */
export function sessionId(context: SessionContext): Uint8Array {
  return sessionOf(encodeContext(context))
}

/** The same, from a context's bytes. */
export function sessionOf(contextBytes: Uint8Array): Uint8Array {
  return hash(LABELS.session, utf8(SESSION_PROTOCOL), contextBytes)
}
