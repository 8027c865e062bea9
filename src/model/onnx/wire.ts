/**
 * Protobuf at wire level (protobuf.dev, "Encoding"): fields as views into the bytes they were read from, so that what is not
 * understood is written back byte for byte. ONNX needs varints, length-delimited and fixed-length fields, no more.
 */
import { InvalidInputError } from '../../errors.js'
import { concat, utf8 } from '../../bytes.js'

const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const

/** Bytes of a varint at most: 64 bits, 7 a byte. */
const MOST_VARINT_BYTES = 10
/** Bytes of a tag and a length at most. */
export const MOST_HEADER_BYTES = 2 * MOST_VARINT_BYTES

/** One field of a message. */
export interface Field {
  readonly number: number
  /** Of a varint: its value as an unsigned 64-bit integer; else 0. */
  readonly value: bigint
  /** Where the field begins (its tag), where its content begins, where both end. */
  readonly at: number
  readonly from: number
  readonly to: number
}

/**
 * The fields of a message in order.
 * @param what names the message in errors
 * @throws InvalidInputError for bytes that are no fields
 */
export function* fieldsOf(bytes: Uint8Array, what: string): Generator<Field> {
  for (let at = 0; at < bytes.length;) {
    const field = fieldAt(bytes, at, what)
    if (field.to > bytes.length) throw damaged(what, at)
    yield field
    at = field.to
  }
}

/** The field whose tag is at `at`. Its content may end beyond the bytes, its tag and length may not. */
export function fieldAt(bytes: Uint8Array, at: number, what: string): Field {
  const tag = readVarint(bytes, at, what)
  const number = Number(tag.value >> 3n)
  const wireType = Number(tag.value & 7n)
  if (wireType === WIRE.varint) {
    const { value, next } = readVarint(bytes, tag.next, what)
    return { number, value, at, from: tag.next, to: next }
  }
  if (wireType === WIRE.delimited) {
    const { value, next } = readVarint(bytes, tag.next, what)
    return { number, value: 0n, at, from: next, to: next + Number(value) }
  }
  if (wireType === WIRE.fixed32) return { number, value: 0n, at, from: tag.next, to: tag.next + 4 }
  if (wireType === WIRE.fixed64) return { number, value: 0n, at, from: tag.next, to: tag.next + 8 }
  throw new InvalidInputError(`${what} is damaged: byte ${at} begins no protobuf field. Download or export the model again`)
}

/** Content of a field: a view. */
export function contentOf(bytes: Uint8Array, field: Field): Uint8Array {
  return bytes.subarray(field.from, field.to)
}

/** The whole field with its tag: a view. */
export function rawOf(bytes: Uint8Array, field: Field): Uint8Array {
  return bytes.subarray(field.at, field.to)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws InvalidInputError for bytes that are not UTF-8 */
export function textOf(bytes: Uint8Array, field: Field, what: string): string {
  try {
    return decoder.decode(contentOf(bytes, field))
  } catch (cause) {
    throw new InvalidInputError(`${what} is damaged: a name at byte ${field.from} is not UTF-8. Download or export the model again`, {
      cause
    })
  }
}

/** Integers of a repeated field: one varint, or many packed. */
export function* integersOf(bytes: Uint8Array, field: Field, what: string): Generator<number> {
  const content = contentOf(bytes, field)
  for (let at = 0; at < content.length;) {
    const { value, next } = readVarint(content, at, what)
    yield signed(value)
    at = next
  }
}

/** A 64-bit two's complement integer from a varint's unsigned value. */
export function signed(value: bigint): number {
  return Number(BigInt.asIntN(64, value))
}

function readVarint(bytes: Uint8Array, at: number, what: string): { value: bigint; next: number } {
  let value = 0n
  for (let i = 0; i < MOST_VARINT_BYTES && at + i < bytes.length; i++) {
    const byte = bytes[at + i]!
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), next: at + i + 1 }
  }
  throw damaged(what, at)
}

export function damaged(what: string, at: number): InvalidInputError {
  return new InvalidInputError(`${what} is damaged: it breaks off after byte ${at}. Download or export the model again`)
}

function encodeVarint(value: bigint): Uint8Array {
  const out: number[] = []
  let rest = BigInt.asUintN(64, value)
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
  out.push(Number(rest))
  return Uint8Array.from(out)
}

/** A field that holds an integer; negative ones as 64-bit two's complement, as ONNX has them. */
export function varintField(number: number, value: number): Uint8Array {
  return concat([encodeVarint(BigInt(number) << 3n), encodeVarint(BigInt(value))])
}

/** A field that holds bytes or a message. */
export function bytesField(number: number, content: Uint8Array): Uint8Array {
  return concat([encodeVarint((BigInt(number) << 3n) | BigInt(WIRE.delimited)), encodeVarint(BigInt(content.length)), content])
}

export function textField(number: number, text: string): Uint8Array {
  return bytesField(number, utf8(text))
}
