/** BLAKE3 (unkeyed) over the WebAssembly compression: the tree is kept here, whole chunks go there many at a time. */
import type { Blake3 } from '../hash.js'
import { kernelMemory } from './memory.js'

const CHUNK = 1024
const BLOCK = 64
const VALUE = 32
/** Bytes that a hash has room for at first: most are of a few items. */
const SMALL = 256
/** Chunks of one call. */
const CHUNKS = 64
const WORD = 2 ** 32

const FLAGS = { chunkStart: 1, chunkEnd: 2, parent: 4, root: 8 } as const
/** The initial chaining value: words of SHA-256's. */
const IV = new Uint8Array(
  Uint32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19).buffer
)

/** What a compression takes. */
interface Node {
  readonly chain: Uint8Array
  /** At most 64 bytes. */
  readonly block: Uint8Array
  readonly counter: number
  readonly flags: number
}

function compress({ chain, block, counter, flags }: Node): Uint8Array {
  const { exports } = kernelMemory()
  const bytes = kernelMemory().bytes()
  const input = exports.blakeInput()
  bytes.set(chain, input)
  bytes.fill(0, input + VALUE + block.length, input + VALUE + BLOCK)
  bytes.set(block, input + VALUE)
  exports.blakeCompress(counter % WORD, Math.floor(counter / WORD), block.length, flags)
  return bytes.slice(exports.blakeOutput(), exports.blakeOutput() + BLOCK)
}

/** Chaining values of whole chunks. */
function chainChunks(chunks: Uint8Array, first: number): Uint8Array {
  const memory = kernelMemory()
  const { exports } = memory
  memory.bytes().set(chunks, exports.blakeInput())
  const count = chunks.length / CHUNK
  exports.blakeChunks(count, first % WORD, Math.floor(first / WORD))
  return memory.read(exports.blakeOutput(), count * VALUE)
}

function parent(left: Uint8Array, right: Uint8Array): Node {
  const block = new Uint8Array(BLOCK)
  block.set(left)
  block.set(right, VALUE)
  return { chain: IV, block, counter: 0, flags: FLAGS.parent }
}

const chainOf = (node: Node): Uint8Array => compress(node).subarray(0, VALUE)

class RunningHash implements Blake3 {
  /** Bytes of the last chunk, which may be whole: it is the root if nothing follows. */
  private rest = new Uint8Array(SMALL)
  private held = 0
  /** Whole chunks before. */
  private chunks = 0
  /** Chaining values of whole subtrees, the largest first. */
  private stack: Uint8Array[] = []

  update(bytes: Uint8Array): this {
    let at = 0
    while (at < bytes.length) {
      if (this.held === CHUNK) {
        this.push(this.rest)
        this.held = 0
      }
      // The last chunk waits for what may follow.
      const whole = this.held > 0 ? 0 : Math.min(CHUNKS, Math.ceil((bytes.length - at) / CHUNK) - 1)
      if (whole > 0) {
        this.push(bytes.subarray(at, at + whole * CHUNK))
        at += whole * CHUNK
        continue
      }
      const part = bytes.subarray(at, at + CHUNK - this.held)
      if (this.held + part.length > this.rest.length) {
        const small = this.rest
        this.rest = new Uint8Array(CHUNK)
        this.rest.set(small)
      }
      this.rest.set(part, this.held)
      this.held += part.length
      at += part.length
    }
    return this
  }

  digest(length = VALUE): Uint8Array {
    let node = this.lastChunk()
    for (let i = this.stack.length - 1; i >= 0; i--) node = parent(this.stack[i]!, chainOf(node))
    const out = new Uint8Array(length)
    for (let counter = 0; counter * BLOCK < length; counter++) {
      const bytes = compress({ ...node, counter, flags: node.flags | FLAGS.root })
      out.set(bytes.subarray(0, length - counter * BLOCK), counter * BLOCK)
    }
    return out
  }

  clone(): Blake3 {
    const other = new RunningHash()
    other.rest = this.rest.slice()
    other.held = this.held
    other.chunks = this.chunks
    other.stack = [...this.stack]
    return other
  }

  private lastChunk(): Node {
    let chain: Uint8Array = IV
    let flags: number = FLAGS.chunkStart
    let from = 0
    for (; from + BLOCK < this.held; from += BLOCK) {
      chain = chainOf({ chain, block: this.rest.subarray(from, from + BLOCK), counter: this.chunks, flags })
      flags = 0
    }
    return { chain, block: this.rest.slice(from, this.held), counter: this.chunks, flags: flags | FLAGS.chunkEnd }
  }

  /** Takes whole chunks into the tree: a subtree is joined with one of its size as soon as there are two. */
  private push(chunks: Uint8Array): void {
    const values = chainChunks(chunks, this.chunks)
    for (let i = 0; i < values.length; i += VALUE) {
      let value = values.subarray(i, i + VALUE)
      this.chunks++
      for (let size = this.chunks; size % 2 === 0; size /= 2) value = chainOf(parent(this.stack.pop()!, value))
      this.stack.push(value)
    }
  }
}

export function wasmBlake3(): Blake3 {
  return new RunningHash()
}
