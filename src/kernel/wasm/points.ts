/** Points of the WebAssembly kernel. */
import { MalformedMessageError } from '../../errors.js'
import { checkCount, foldTerms, sameLength } from '../scalars.js'
import type { Points } from '../types.js'
import { kernelMemory } from './memory.js'
import { ENCODING, ENTRY, fromPairs, inParts, PAIR, roomForPairs, SCALAR, WasmPoints, wasmPoints } from './vector.js'
import { multiScalar, scalarWindows } from './windows.js'

/** Points that are decoded, encoded or looked through in one call. */
const AT_ONCE = 8192

export function decode(encodings: Uint8Array): Points {
  const count = encodings.length / ENCODING
  if (!Number.isInteger(count)) throw new RangeError(`${encodings.length} bytes are no whole number of points`)
  const memory = kernelMemory()
  const entries = new Uint8Array(count * ENTRY)
  inParts(count, AT_ONCE, (from, to) => {
    memory.start()
    const source = memory.place(encodings.subarray(from * ENCODING, to * ENCODING))
    const out = memory.room((to - from) * ENTRY)
    const bad = memory.exports.decode(source, out, to - from)
    if (bad >= 0) throw new MalformedMessageError(`point ${from + bad} is not a canonical ristretto255 encoding`)
    entries.set(memory.read(out, (to - from) * ENTRY), from * ENTRY)
  })
  return new WasmPoints(entries)
}

export function encode(points: Points): Uint8Array {
  const vector = wasmPoints(points)
  const memory = kernelMemory()
  const encodings = new Uint8Array(vector.length * ENCODING)
  inParts(vector.length, AT_ONCE, (from, to) => {
    memory.start()
    const source = memory.place(vector.part(from, to))
    const out = memory.room((to - from) * ENCODING)
    memory.exports.encode(source, out, to - from)
    encodings.set(memory.read(out, (to - from) * ENCODING), from * ENCODING)
  })
  return encodings
}

export function concat(parts: readonly Points[]): Points {
  const vectors = parts.map(wasmPoints)
  const entries = new Uint8Array(vectors.reduce((sum, { length }) => sum + length, 0) * ENTRY)
  let at = 0
  for (const vector of vectors) {
    entries.set(vector.entries, at)
    at += vector.entries.length
  }
  return new WasmPoints(entries)
}

export function slice(points: Points, from: number, to: number): Points {
  if (from < 0 || to < from || to > points.length) throw new RangeError(`${from} to ${to} is no part of ${points.length} points`)
  return new WasmPoints(wasmPoints(points).part(from, to))
}

export function add(a: Points, b: Points): Points {
  sameLength(a, b)
  const [left, right] = [wasmPoints(a), wasmPoints(b)]
  return fromPairs(left.length, (memory, from, to) => {
    const pairs = roomForPairs(memory, to - from)
    memory.exports.pairsOf(pairs, memory.place(left.part(from, to)), to - from)
    memory.exports.addToPairs(pairs, memory.place(right.part(from, to)), to - from)
    return pairs
  })
}

export function indexOfIdentity(points: Points): number {
  const vector = wasmPoints(points)
  const memory = kernelMemory()
  for (let from = 0; from < vector.length; from += AT_ONCE) {
    memory.start()
    const part = vector.part(from, from + AT_ONCE)
    const at = memory.exports.indexOfIdentity(memory.place(part), part.length / ENTRY)
    if (at >= 0) return from + at
  }
  return -1
}

export function msm(scalars: Uint8Array, points: Points): Points {
  checkCount(scalars, points.length)
  return multiScalar(scalars, wasmPoints(points))
}

/** Digits of single multiplications (src/kernel/assembly/multiples.ts). */
const SINGLE_BITS = 5

/** Bytes of a table of a pair's multiples. */
const TABLE = 17 * PAIR

/** scalars_i · points_i. */
export function scale(scalars: Uint8Array, points: Points): Points {
  checkCount(scalars, points.length)
  const vector = wasmPoints(points)
  return fromPairs(vector.length, (memory, from, to) => {
    const pairs = roomForPairs(memory, to - from)
    const { digits, windows } = scalarWindows(memory, scalars.subarray(from * SCALAR, to * SCALAR), SINGLE_BITS)
    memory.exports.multiples(pairs, memory.place(vector.part(from, to)), to - from, digits, to - from, windows)
    return pairs
  })
}

export function foldPoints(low: Points, high: Points, c: Uint8Array): Points {
  const [kept, vector] = [wasmPoints(low), wasmPoints(high)]
  const { length } = kept
  const terms = foldTerms(low, high, c)
  return fromPairs(length, (memory, from, to) => {
    const pairs = roomForPairs(memory, to - from)
    const { digits, windows } = scalarWindows(memory, c, SINGLE_BITS)
    const entries = memory.room(terms * (to - from) * ENTRY)
    for (let k = 0; k < terms; k++) {
      memory.bytes().set(vector.part(k * length + from, k * length + to), entries + k * (to - from) * ENTRY)
    }
    memory.exports.combinations(pairs, entries, to - from, digits, terms, windows, memory.room(terms * TABLE))
    memory.exports.addToPairs(pairs, memory.place(kept.part(from, to)), to - from)
    return pairs
  })
}
