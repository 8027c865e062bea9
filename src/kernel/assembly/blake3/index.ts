/**
 * BLAKE3 (the specification of 2020): a running hash is a block of memory, absorbed into and squeezed. What src/kernel/wasm/blake3.ts calls;
 * nothing here checks an address or a length.
 *
 * A state: key 32 · number of whole chunks u64 · mode u32 · bytes of the last chunk u32 · open subtrees u32 · 12 unused · the last
 * chunk 1024 · the chaining values of the open subtrees, the largest first. The last chunk, even when it is full, is not compressed
 * before another byte has come: it could be the root.
 */
import { BLOCK, compress, CV, IV } from './compress'
import { compressLanes, MESSAGE } from './lanes'

const CHUNK: usize = 1024
const CHUNK_BLOCKS = 16
/** Chunks whose subtree is made four lanes at a time. */
const SUBTREE: usize = 16

const CHUNK_START: u32 = 1
const CHUNK_END: u32 = 2
const PARENT: u32 = 4
const ROOT: u32 = 8
const KEYED: u32 = 16

/** Places in a state. */
const CHUNKS: usize = 32
const MODE: usize = 40
const FILLED: usize = 44
const OPEN: usize = 48
const LAST: usize = 64
const SUBTREES: usize = LAST + CHUNK
/** For 2^54 chunks; the room behind is written by compress. */
const STATE_BYTES: usize = SUBTREES + 55 * CV

const STATE: usize = memory.data(64 + 1024 + 55 * 32, 16)
/** What the wrapper writes before it calls, and reads. */
const INPUT: usize = memory.data(65536, 16)
const VALUES: usize = memory.data(16 * 32 + 32, 16)
const VALUE: usize = memory.data(64, 16)
const PADDED: usize = memory.data(64, 16)

export function blakeState(): usize { return STATE }
export function blakeInput(): usize { return INPUT }

/** Bytes of the state that are in use. */
export function blakeStateBytes(): usize {
  return SUBTREES + <usize>load<u32>(STATE, OPEN) * CV
}

/** A new hash. @param keyed whether the first 32 bytes of the input are its key */
export function blakeStart(keyed: bool): void {
  memory.copy(STATE, keyed ? INPUT : IV, CV)
  memory.fill(STATE + CHUNKS, 0, LAST - CHUNKS)
  store<u32>(STATE, keyed ? KEYED : 0, MODE)
}

/** Overwrites the state, what of the input was used, and all between. */
export function blakeForget(used: usize): void {
  memory.fill(STATE, 0, STATE_BYTES)
  memory.fill(INPUT, 0, used)
  memory.fill(MESSAGE, 0, 256)
  memory.fill(VALUES, 0, 16 * CV + CV)
  memory.fill(VALUE, 0, BLOCK)
  memory.fill(PADDED, 0, BLOCK)
}

/** Adds the first bytes of the input. */
export function blakeAbsorb(length: usize): void {
  let from = INPUT
  while (length > 0) {
    let filled = <usize>load<u32>(STATE, FILLED)
    if (filled == CHUNK) {
      chunk(STATE + LAST)
      filled = 0
    }
    if (filled == 0 && length > CHUNK) {
      const whole = (length - 1) / CHUNK
      chunks(from, whole)
      from += whole * CHUNK
      length -= whole * CHUNK
    }
    const part = min(CHUNK - filled, length)
    memory.copy(STATE + LAST + filled, from, part)
    store<u32>(STATE, <u32>(filled + part), FILLED)
    from += part
    length -= part
  }
}

/** Whole chunks that another byte follows. */
function chunks(from: usize, count: usize): void {
  while (count > 0) {
    const at = load<u64>(STATE, CHUNKS)
    let taken: usize = 1
    if (count >= SUBTREE && (at & <u64>(SUBTREE - 1)) == 0) {
      taken = SUBTREE
      subtree(from, at)
    } else if (count >= 4 && (at & 3) == 0) {
      taken = 4
      fourChunks(VALUES, from, at)
      parentOfFour()
      add(VALUES, at, 4)
    } else {
      chunk(from)
    }
    from += taken * CHUNK
    count -= taken
  }
}

function chunk(from: usize): void {
  const at = load<u64>(STATE, CHUNKS), mode = load<u32>(STATE, MODE)
  memory.copy(VALUE, STATE, CV)
  for (let i = 0; i < CHUNK_BLOCKS; i++) {
    const flags = mode | (i == 0 ? CHUNK_START : 0) | (i == CHUNK_BLOCKS - 1 ? CHUNK_END : 0)
    compress(VALUE, VALUE, from + <usize>i * BLOCK, at, <u32>BLOCK, flags)
  }
  add(VALUE, at, 1)
}

function fourChunks(out: usize, from: usize, at: u64): void {
  compressLanes(out, STATE, from, CHUNK, CHUNK_BLOCKS, at, 1, load<u32>(STATE, MODE), CHUNK_START, CHUNK_END)
}

/** The first of the values = the parent of the first four. */
function parentOfFour(): void {
  parent(VALUES, VALUES)
  parent(VALUES + CV, VALUES + 2 * CV)
  parent(VALUES, VALUES)
}

function subtree(from: usize, at: u64): void {
  for (let i: usize = 0; i < SUBTREE; i += 4) fourChunks(VALUES + i * CV, from + i * CHUNK, at + i)
  // Lanes are read before they are written, and four parents take the room of two of what is read.
  const flags = load<u32>(STATE, MODE) | PARENT
  for (let level: usize = 8; level >= 4; level >>= 1) {
    for (let i: usize = 0; i < level; i += 4) compressLanes(VALUES + i * CV, STATE, VALUES + 2 * i * CV, BLOCK, 1, 0, 0, flags, 0, 0)
  }
  parentOfFour()
  add(VALUES, at, SUBTREE)
}

/** Of the two values that follow one another. */
function parent(out: usize, pair: usize): void {
  compress(VALUE, STATE, pair, 0, <u32>BLOCK, load<u32>(STATE, MODE) | PARENT)
  memory.copy(out, VALUE, CV)
}

/** Adds a whole subtree of so many chunks (a power of two), and closes those that it completes. */
function add(value: usize, at: u64, count: u64): void {
  let open = <usize>load<u32>(STATE, OPEN)
  memory.copy(STATE + SUBTREES + open * CV, value, CV)
  for (let after = (at + count) / count; (after & 1) == 0; after >>= 1) {
    open--
    parent(STATE + SUBTREES + open * CV, STATE + SUBTREES + open * CV)
  }
  store<u32>(STATE, <u32>open + 1, OPEN)
  store<u64>(STATE, at + count, CHUNKS)
}

/** Writes output blocks `from`, `from` + 1, … over the input; the state stays. */
export function blakeSqueeze(from: u32, blocks: i32): void {
  const mode = load<u32>(STATE, MODE), at = load<u64>(STATE, CHUNKS), filled = <usize>load<u32>(STATE, FILLED)
  memory.copy(VALUE, STATE, CV)
  let flags = mode | CHUNK_START, done: usize = 0
  for (; done + BLOCK < filled; done += BLOCK) {
    compress(VALUE, VALUE, STATE + LAST + done, at, <u32>BLOCK, flags)
    flags = mode
  }
  let length = <u32>(filled - done)
  memory.fill(PADDED, 0, BLOCK)
  memory.copy(PADDED, STATE + LAST + done, length)
  flags |= CHUNK_END
  let counter = at
  for (let open = <usize>load<u32>(STATE, OPEN); open > 0; open--) {
    compress(VALUE, VALUE, PADDED, counter, length, flags)
    memory.copy(PADDED, STATE + SUBTREES + (open - 1) * CV, CV)
    memory.copy(PADDED + CV, VALUE, CV)
    memory.copy(VALUE, STATE, CV)
    counter = 0
    length = <u32>BLOCK
    flags = mode | PARENT
  }
  for (let i = 0; i < blocks; i++) compress(INPUT + <usize>i * BLOCK, VALUE, PADDED, <u64>from + i, length, flags | ROOT)
}
