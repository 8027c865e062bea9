/** Messages of a session: canonical bytes in, checked values out. What depends on the session's state is checked by the sides. */
import { atLimit } from '../../counters.js'
import { LimitExceededError, MalformedMessageError } from '../../errors.js'
import { FORMAT_LIMITS, NET_LIMITS } from '../../limits.js'
import { checkLength, decodeCanonical, onlyField } from '../../wire/canonical.js'
import * as wire from '../../wire/generated/session.js'

/** Generated types ask for byte arrays over an ArrayBuffer of their own; encoding takes any. */
type Loose<T> = T extends Uint8Array
  ? Uint8Array
  : T extends readonly (infer E)[]
    ? readonly Loose<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Loose<T[K]> }
      : T

export type SessionMessage = Loose<wire.SessionMessage>
export type Open = Loose<wire.Open>
export type Accept = Loose<wire.Accept>
export type Rows = Loose<wire.Rows>
export type Deltas = Loose<wire.Deltas>
export type Batch = Loose<wire.Batch>
export type Proof = Loose<wire.Proof>
export type Receipt = Loose<wire.Receipt>
export type Settle = Loose<wire.Settle>

export type MessageKind = keyof SessionMessage
/** One message with its kind. */
export type Message = { [K in MessageKind]: { readonly kind: K; readonly value: NonNullable<SessionMessage[K]> } }[MessageKind]

/** Bytes of a credential at most. */
const CREDENTIAL_BYTES = 256
const DELEGATION_BYTES = 80
/** Bytes of a float64. */
const F64 = 8
const POINT = 32
/** Numbers of rows and positions are u32. */
const U32_END = 2 ** 32

export function encodeMessage(message: Partial<SessionMessage>): Uint8Array {
  return wire.SessionMessage.encode(message as Partial<wire.SessionMessage>)
}

/** The Accept message's bytes without its signature field: what the terms' hash covers. */
export function encodeUnsignedAccept(accept: Accept): Uint8Array {
  return wire.Accept.encode({ ...accept, signature: new Uint8Array(0) } as wire.Accept)
}

/**
 * @throws MalformedMessageError for bytes that are not canonical or fields of a wrong length, LimitExceededError for counts
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const message = decodeCanonical(wire.SessionMessage, bytes, 'a session message')
  const kind = onlyField(message, 'a session message')
  const decoded = { kind, value: message[kind] } as Message
  check(decoded)
  return decoded
}

function check(message: Message): void {
  switch (message.kind) {
    case 'open':
      return checkOpen(message.value)
    case 'accept':
      return checkAccept(message.value)
    case 'begin':
      return checkLength('begin.signature', message.value.signature, 64)
    case 'rows':
      return checkRows(message.value)
    case 'deltas':
      return checkDeltas(message.value)
    case 'batch':
      return checkBatch(message.value)
    case 'proof':
      return checkProof(message.value)
    case 'receipt':
      return checkReceipt(message.value)
    case 'announced':
      return checkMost('announcementBytes', 'bytes of an announcement', message.value.announcement.length)
    case 'settle':
      checkLength('settle.session', message.value.session, 32)
      return checkLength('settle.signature', message.value.signature, 64)
    case 'refuse':
    case 'cancel':
    case 'failure':
      return
  }
}

function checkOpen(open: Open): void {
  for (const field of ['nonce', 'chainSecret', 'sessionKey', 'adapter', 'base'] as const) checkLength(`open.${field}`, open[field], 32)
  const { groups } = open
  if (groups.length === 0) throw new MalformedMessageError('open names no group')
  checkMost('groups', 'groups of open', groups.length)
  if (groups.some((group, i) => i > 0 && group <= groups[i - 1]!)) throw new MalformedMessageError('the groups of open do not ascend')
  if (open.rows === 0) throw new MalformedMessageError('open wants 0 rows')
  if (open.credential.length > CREDENTIAL_BYTES) {
    throw new LimitExceededError('bytes of a credential', open.credential.length, CREDENTIAL_BYTES)
  }
}

function checkAccept(accept: Accept): void {
  for (const field of ['nonce', 'chainSecret', 'key', 'salt'] as const) checkLength(`accept.${field}`, accept[field], 32)
  checkLength('accept.delegation', accept.delegation, 0, DELEGATION_BYTES)
  checkLength('accept.signature', accept.signature, 64)
  if (accept.scales.length % F64 !== 0) throw new MalformedMessageError(`accept.scales has ${accept.scales.length} bytes, no multiple of 8`)
  if (accept.rows === 0 || accept.requests === 0 || accept.outstandingRows === 0 || accept.outstandingBytes === 0n) {
    throw new MalformedMessageError('accept allows no rows')
  }
}

function checkRows({ count, position }: Rows): void {
  if (count === 0) throw new MalformedMessageError('rows has no row')
  checkMost('rowsPerRequest', 'rows of one request', count)
  if (position + count > U32_END) throw new MalformedMessageError(`rows at position ${position} go beyond 2^32`)
}

function checkDeltas({ count, widths }: Deltas): void {
  if (count === 0) throw new MalformedMessageError('deltas has no row')
  if (widths.some(width => width < 1 || width > F64)) throw new MalformedMessageError('a width of deltas is not 1 to 8 bytes')
}

function checkBatch({ commitments, blindings, tail }: Batch): void {
  if (commitments.length % POINT !== 0)
    throw new MalformedMessageError(`batch.commitments has ${commitments.length} bytes, no multiple of 32`)
  checkMost('rowsPerBatch', 'rows of one batch', commitments.length / POINT)
  checkLength('batch.blindings', blindings, 0, commitments.length)
  if (tail === undefined) throw new MalformedMessageError('batch has no tail')
  checkLength('tail.publicHash', tail.publicHash, 32)
  checkLength('tail.privateHash', tail.privateHash, 32)
  checkLength('tail.signature', tail.signature, 64)
  if (tail.accepted > tail.rows) throw new MalformedMessageError(`a tail has accepted ${tail.accepted} of ${tail.rows} rows`)
}

function checkProof({ start, end, root, digest, length }: Proof): void {
  checkLength('proof.root', root, 32)
  checkLength('proof.digest', digest, 32)
  if (start >= end) throw new MalformedMessageError(`proof covers rows ${start} to ${end}`)
  checkMost('bundleBytes', 'bytes of a bundle', length)
}

function checkReceipt({ signature, code }: Receipt): void {
  checkLength('receipt.signature', signature, code === 0 ? 64 : 0)
}

const LIMITS = { ...FORMAT_LIMITS, ...NET_LIMITS }

function checkMost(
  limit: 'announcementBytes' | 'bundleBytes' | 'groups' | 'rowsPerBatch' | 'rowsPerRequest',
  what: string,
  value: number
): void {
  const most = LIMITS[limit]
  if (value > most) throw atLimit(limit, new LimitExceededError(what, value, most))
}
