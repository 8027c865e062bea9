/**
 * Canonical protobuf messages (protocols/session, Frames): protons takes unknown, repeated and reordered fields and long varints, so
 * what was decoded is encoded again and any other bytes are refused. Then one message has one encoding, and its hash one meaning.
 */
import { MalformedMessageError } from '../errors.js'

const WORD = 4

/** What protons generates for each message. */
export interface MessageCodec<T extends object> {
  readonly decode: (bytes: Uint8Array) => T
  readonly encode: (message: T) => Uint8Array
}

/** Four bytes at a time: messages are long. Nothing here is secret from who sent it. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  const words = new DataView(a.buffer, a.byteOffset, a.length)
  const others = new DataView(b.buffer, b.byteOffset, b.length)
  let i = 0
  for (; i + WORD <= a.length; i += WORD) if (words.getInt32(i) !== others.getInt32(i)) return false
  for (; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * @param what the message in words, for the error
 * @returns the message; its byte fields may be views of `bytes`
 * @throws MalformedMessageError for bytes that do not decode, or that are not what encoding the result gives
 */
export function decodeCanonical<T extends object>(codec: MessageCodec<T>, bytes: Uint8Array, what: string): T {
  let message: T
  try {
    message = codec.decode(bytes)
  } catch (cause) {
    throw new MalformedMessageError(`${what} of ${bytes.length} bytes does not decode`, { cause })
  }
  if (!same(codec.encode(message), bytes)) {
    throw new MalformedMessageError(
      `${what} of ${bytes.length} bytes is not in canonical form (order, defaults, unknown or repeated fields)`
    )
  }
  return message
}

/**
 * The one field that is set in a message that is a single `oneof`.
 * @throws MalformedMessageError when there is none
 */
export function onlyField<T extends object>(message: T, what: string): keyof T & string {
  // Decoding keeps one field of a oneof, and encoding again refuses bytes with a second.
  for (const [name, value] of Object.entries(message)) if (value !== undefined) return name as keyof T & string
  throw new MalformedMessageError(`${what} has no field`)
}

/** @throws MalformedMessageError unless the field has exactly one of these lengths */
export function checkLength(what: string, bytes: Uint8Array, ...lengths: readonly number[]): void {
  if (!lengths.includes(bytes.length)) throw new MalformedMessageError(`${what} has ${bytes.length} bytes, not ${lengths.join(' or ')}`)
}
