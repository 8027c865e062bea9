/** Bytes: joining, comparing, hex, and a bounded cursor for the canonical encodings (little endian throughout). */
import { MalformedMessageError } from './errors.js'

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Not constant-time: for public values only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order of unsigned bytes; the shorter first when one begins with the other. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

export function toHex(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += HEX[byte]
  return out
}

/** @throws MalformedMessageError unless `text` is an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new MalformedMessageError(`not hexadecimal: ${JSON.stringify(text.slice(0, 80))}`)
  }
  const out = new Uint8Array(text.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16)
  return out
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** @throws MalformedMessageError for bytes that are not well-formed UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new MalformedMessageError('text is not well-formed UTF-8', { cause })
  }
}

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value)
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8)
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
}

export function u64(value: bigint | number): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(value), true)
  return out
}

/** A length-prefixed string of bytes: u32 length, then the bytes. */
export function prefixed(bytes: Uint8Array): Uint8Array {
  return concat([u32(bytes.length), bytes])
}

/** Reads canonical encodings from front to back; every read past the end is a MalformedMessageError. */
export class Cursor {
  private at = 0
  private readonly view: DataView

  constructor(
    private readonly bytes: Uint8Array,
    private readonly what: string
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get offset(): number {
    return this.at
  }

  get remaining(): number {
    return this.bytes.length - this.at
  }

  private take(length: number): number {
    if (length > this.remaining) {
      throw new MalformedMessageError(`${this.what} ends at byte ${this.bytes.length}, ${length} more were expected from byte ${this.at}`)
    }
    const from = this.at
    this.at += length
    return from
  }

  u8(): number {
    return this.view.getUint8(this.take(1))
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true)
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true)
  }

  /** A view, not a copy. */
  bytesOf(length: number): Uint8Array {
    const from = this.take(length)
    return this.bytes.subarray(from, from + length)
  }

  /** UTF-8 text of `length` bytes. */
  text(length: number): string {
    return fromUtf8(this.bytesOf(length))
  }

  /** @throws MalformedMessageError when bytes are left. */
  end(): void {
    if (this.remaining > 0) throw new MalformedMessageError(`${this.what} has ${this.remaining} trailing bytes`)
  }
}
