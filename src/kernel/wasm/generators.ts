/** The generators of protocols/notation, made in WebAssembly, once for the thread. */
import { concat, u32, utf8 } from '../../bytes.js'
import { hashWide } from '../hash.js'
import type { GeneratorFamily, Points } from '../types.js'
import { ENTRY, fromPairs, roomForPairs, WasmPoints } from './vector.js'

const LABEL = 'zklora/v1/generator'
/** One more than the largest index. */
const INDICES = 2 ** 32
/** Vectors that are kept, so that the same arguments give the same object; the longest unused goes first. */
const MOST_RANGES = 256
/** Generators of a family that are kept from the first one on: twice what an adapter at the format's limits has, 14 MiB. */
const MOST_KEPT = 131_072

const ranges = new Map<string, WasmPoints>()
const kept = new Map<GeneratorFamily, Uint8Array>()

function made(family: GeneratorFamily, from: number, count: number): Uint8Array {
  const name = utf8(family)
  return fromPairs(count, (memory, start, end) => {
    const wide = memory.place(concat(Array.from({ length: end - start }, (_, i) => hashWide(LABEL, name, u32(from + start + i)))))
    const pairs = roomForPairs(memory, end - start)
    memory.exports.mapAll(wide, pairs, end - start)
    return pairs
  }).entries
}

/** Entries from the first generator to `to`. */
function upTo(family: GeneratorFamily, to: number): Uint8Array {
  let entries = kept.get(family) ?? new Uint8Array()
  const length = entries.length / ENTRY
  if (to > length) {
    entries = concat([entries, made(family, length, to - length)])
    kept.set(family, entries)
  }
  return entries
}

export function generators(family: GeneratorFamily, from: number, count: number): Points {
  const to = from + count
  if (!Number.isInteger(from) || !Number.isInteger(count) || from < 0 || count < 0 || to > INDICES) {
    throw new RangeError(`there are no ${count} generators from ${from} on`)
  }
  const key = `${family}/${from}/${count}`
  let points = ranges.get(key)
  if (points === undefined) {
    points = new WasmPoints(to <= MOST_KEPT ? upTo(family, to).subarray(from * ENTRY, to * ENTRY) : made(family, from, count))
  }
  ranges.delete(key)
  ranges.set(key, points)
  if (ranges.size > MOST_RANGES) ranges.delete(ranges.keys().next().value!)
  return points
}
