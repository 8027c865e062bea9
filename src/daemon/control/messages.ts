/**
 * What is said on the control socket: one JSON document a line (docs/control-socket.md).
 *
 *     server  {"zklora": "0.1.0", "protocol": 1, "pid": 4242, "peerId": "12D3…"}      once, at the start
 *     client  {"id": 1, "command": "find", "params": {…}}
 *     server  {"id": 1, "event": {…}}                                                 any number
 *     server  {"id": 1, "result": …}   or   {"id": 1, "error": {"code", "name", "message"}}
 *     client  {"id": 1, "cancel": true}
 */
import { z } from 'zod'
import * as errors from '../../errors.js'

export const CONTROL_PROTOCOL = 1

/** Bytes of one line: a text for `loss` fits; bytes of proof files travel in pieces. */
export const MOST_LINE_BYTES = 8 * 1024 * 1024
/** Bytes of a proof file in one `bytes` event. */
export const PIECE_BYTES = 768 * 1024
/** Commands that one connection runs at a time. */
export const MOST_RUNNING = 16
/** Connections at a time. */
export const MOST_CONNECTIONS = 64
/** Bytes written and not read by the client; beyond that it is cut off. */
export const MOST_UNREAD_BYTES = 32 * 1024 * 1024

const id = z.number().int().min(0).describe('a whole number from 0')

export const helloSchema = z.object({ zklora: z.string(), protocol: z.number(), pid: z.number(), peerId: z.string() })
export type Hello = z.infer<typeof helloSchema>

export const requestSchema = z.union([
  z.strictObject({ id, cancel: z.literal(true) }),
  z.strictObject({ id, command: z.string(), params: z.unknown().optional() })
])
export type Request = z.infer<typeof requestSchema>

export interface WireError {
  code: string
  name: string
  message: string
}

const wireError = z.object({ code: z.string(), name: z.string(), message: z.string() })
/** One of error, event and result; which one is told by its key. */
export const replySchema = z.union([
  z.object({ id: z.number().nullable(), error: wireError }),
  z.object({ id: z.number(), event: z.object({ type: z.string() }).loose() }),
  z.object({ id: z.number(), result: z.json() })
])
export type Reply = { id: number | null; error: WireError } | { id: number; event: unknown } | { id: number; result: unknown }

/** A command that was cancelled by its caller. */
export class CancelledError extends errors.ZkloraError {
  constructor(command: string) {
    super('CancelledError', 'ERR_CANCELLED', `${command} was cancelled`)
  }
}

/** Only errors that were made for people keep their text; anything else is a bug of ours and named so. */
export function toWireError(error: unknown): WireError {
  if (error instanceof errors.ZkloraError) return { code: error.code, name: error.name, message: error.message }
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return { code: 'ERR_INTERNAL', name: 'InternalError', message: `this is a bug in zklora: ${name}: ${message}` }
}

/** The same sentence and code on the other side of the socket. */
export function fromWireError({ code, name, message }: WireError): errors.ZkloraError {
  return new errors.ZkloraError(name, code, message)
}
