/**
 * BLAKE3 in WebAssembly (src/kernel/assembly/blake3): four chunks at a time, plain and keyed. What a hash leaves behind in the memory,
 * keys among it, is overwritten before each function here returns; until then it is with the hash itself.
 */
import type { Blake3 } from '../hash.js'
import { kernelMemory } from './memory.js'

/** Bytes that are handed over at a time: what the other side has room for. */
const INPUT = 65_536
const BLOCK = 64
const CHUNK = 1024
const HASH_BYTES = 32

/** One hash, in the memory. */
class Feed {
  private readonly exports = kernelMemory().exports
  /** Does not grow meanwhile. */
  private readonly bytes = kernelMemory().bytes()
  private readonly input = this.exports.blakeInput()
  private at = 0
  /** Bytes of the input to be overwritten at the end. */
  private used = 0

  start(key?: Uint8Array): void {
    if (key !== undefined) {
      this.bytes.set(key, this.input)
      this.used = key.length
    }
    this.exports.blakeStart(key === undefined ? 0 : 1)
  }

  /** Goes on with what `save` gave. */
  load(state: Uint8Array): void {
    this.bytes.set(state, this.exports.blakeState())
  }

  save(): Uint8Array {
    this.flush()
    const state = this.exports.blakeState()
    return this.bytes.slice(state, state + this.exports.blakeStateBytes())
  }

  add(bytes: Uint8Array): void {
    let from = 0
    while (bytes.length - from > INPUT - this.at) {
      const to = from + INPUT - this.at
      this.bytes.set(bytes.subarray(from, to), this.input + this.at)
      this.at = INPUT
      this.flush()
      from = to
    }
    this.bytes.set(from === 0 ? bytes : bytes.subarray(from), this.input + this.at)
    this.at += bytes.length - from
  }

  /** A u32, little endian. */
  addLength(length: number): void {
    if (this.at + 4 > INPUT) this.flush()
    const to = this.input + this.at
    for (let i = 0; i < 4; i++) this.bytes[to + i] = length >>> (8 * i)
    this.at += 4
  }

  squeeze(length: number): Uint8Array {
    this.flush()
    const out = new Uint8Array(length)
    for (let from = 0; from < length; from += INPUT) {
      const part = Math.min(INPUT, length - from)
      this.exports.blakeSqueeze(from / BLOCK, Math.ceil(part / BLOCK))
      out.set(this.bytes.subarray(this.input, this.input + part), from)
    }
    this.used = Math.max(this.used, Math.min(INPUT, Math.ceil(length / BLOCK) * BLOCK))
    return out
  }

  /** Ends the use of the memory. */
  forget(): void {
    this.exports.blakeForget(this.used)
  }

  private flush(): void {
    this.exports.blakeAbsorb(this.at)
    this.used = Math.max(this.used, this.at)
    this.at = 0
  }
}

class RunningHash implements Blake3 {
  /** What has come since the state was saved: many pieces are small. */
  private readonly pending = new Uint8Array(CHUNK)
  private held = 0
  private state: Uint8Array | undefined

  update(bytes: Uint8Array): this {
    if (bytes.length > CHUNK - this.held) {
      const feed = this.resume()
      feed.add(bytes)
      this.state = feed.save()
      this.held = 0
      feed.forget()
    } else {
      this.pending.set(bytes, this.held)
      this.held += bytes.length
    }
    return this
  }

  digest(length = HASH_BYTES): Uint8Array {
    const feed = this.resume()
    const out = feed.squeeze(length)
    feed.forget()
    return out
  }

  clone(): Blake3 {
    const other = new RunningHash()
    other.pending.set(this.pending)
    other.held = this.held
    other.state = this.state
    return other
  }

  private resume(): Feed {
    const feed = new Feed()
    if (this.state === undefined) feed.start()
    else feed.load(this.state)
    feed.add(this.pending.subarray(0, this.held))
    return feed
  }
}

export function wasmBlake3(): Blake3 {
  return new RunningHash()
}

/** BLAKE3 of items, each after its length as a u32. @param key 32 bytes: the keyed mode */
export function hashPrefixed(items: readonly Uint8Array[], { length, key }: { length: number; key?: Uint8Array }): Uint8Array {
  const feed = new Feed()
  feed.start(key)
  for (const item of items) {
    feed.addLength(item.length)
    feed.add(item)
  }
  const out = feed.squeeze(length)
  feed.forget()
  return out
}
