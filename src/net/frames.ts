/**
 * Frames in a stream of bytes (protocols/session, Frames): an unsigned varint length and that many bytes. They are put together here and
 * not by it-length-prefixed, which keeps every part that arrives: a frame of 1 MiB in parts of one byte costs it 100 MiB, and minutes to
 * take the parts from its list one by one.
 */
import { encode } from 'it-length-prefixed'
import type { Uint8ArrayList } from 'uint8arraylist'
import { atLimit } from '../counters.js'
import { LimitExceededError, MalformedMessageError } from '../errors.js'

export type Chunk = Uint8Array | Uint8ArrayList

/** Bytes of a frame's length: 1 MiB takes three; one more is read before the length is refused. */
const LENGTH_BYTES = 4
/** Bytes made room for when no more than a length has come. */
const FIRST_BYTES = 64 * 1024
const MORE = 0x80

/** The length of a frame, byte by byte. */
export class LengthReader {
  private value = 0
  private bytes = 0

  get isBegun(): boolean {
    return this.bytes > 0
  }

  /** @returns the length with its last byte. @throws MalformedMessageError */
  push(byte: number): number | undefined {
    this.value += (byte % MORE) * MORE ** this.bytes
    this.bytes++
    if (byte >= MORE && this.bytes < LENGTH_BYTES) return undefined
    // Shortest: the last byte of several is not 0.
    if (byte >= MORE || (byte === 0 && this.bytes > 1)) {
      throw new MalformedMessageError(`a frame starts with a length that is no varint of at most ${LENGTH_BYTES} bytes`)
    }
    const { value } = this
    this.value = this.bytes = 0
    return value
  }
}

class FrameReader {
  private readonly lengths = new LengthReader()
  /** Of the frame that is being read; undefined while its length is. */
  private length: number | undefined
  private frame = new Uint8Array(0)
  private filled = 0

  /** @param first bytes of the first frame */
  constructor(
    private readonly maxBytes: number,
    private first: number
  ) {}

  /** True between two frames. */
  get isBetween(): boolean {
    return this.length === undefined && !this.lengths.isBegun
  }

  /** @returns the frames that this part completes. @throws LimitExceededError, MalformedMessageError */
  *push(part: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < part.length;) {
      if (this.length === undefined) {
        this.begin(this.lengths.push(part[at++]!))
        if (this.length === 0) yield this.take()
        continue
      }
      const end = Math.min(part.length, at + this.length - this.filled)
      this.append(part.subarray(at, end))
      at = end
      if (this.filled === this.length) yield this.take()
    }
  }

  private begin(length: number | undefined): void {
    if (length === undefined) return
    if (length > this.first) {
      const limit = this.first < this.maxBytes ? 'openBytes' : 'frameBytes'
      throw atLimit(limit, new LimitExceededError('bytes of a frame', length, this.first))
    }
    this.length = length
    this.first = this.maxBytes
  }

  private append(bytes: Uint8Array): void {
    const filled = this.filled + bytes.length
    if (filled > this.frame.length) {
      // No more than twice what has come, whatever the length says.
      const room = new Uint8Array(Math.min(this.length!, Math.max(FIRST_BYTES, 2 * filled)))
      room.set(this.frame.subarray(0, this.filled))
      this.frame = room
    }
    this.frame.set(bytes, this.filled)
    this.filled = filled
  }

  private take(): Uint8Array {
    const { frame } = this
    this.length = undefined
    this.filled = 0
    this.frame = new Uint8Array(0)
    return frame
  }
}

/**
 * An it-pipe transform from bytes to frames, each at most `maxBytes` long, the first at most `first`; nothing is kept for a longer one.
 * @throws LimitExceededError, MalformedMessageError
 */
export function decodeFrames(maxBytes: number, first = maxBytes): (source: AsyncIterable<Chunk>) => AsyncGenerator<Uint8Array> {
  return async function* (source) {
    const reader = new FrameReader(maxBytes, first)
    for await (const chunk of source) {
      if (chunk instanceof Uint8Array) yield* reader.push(chunk)
      else for (const part of chunk) yield* reader.push(part)
    }
    if (!reader.isBetween) throw new MalformedMessageError('the stream ended inside of a frame')
  }
}

/** An it-pipe transform from frames to bytes. */
export async function* encodeFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8ArrayList> {
  for await (const frame of source) yield encode.single(frame)
}
