/** Row commitments of the WebAssembly kernel. */
import { checkExact } from '../row-scalars.js'
import type { Points, SmallRows } from '../types.js'
import { kernelMemory, type KernelMemory } from './memory.js'
import { Tables } from './tables.js'
import { BUCKET, ENTRY, fromPairs, PAIR, roomForPairs, WasmPoints, wasmPoints } from './vector.js'
import { multiRows } from './windows.js'

/** Signed 8-bit digits of an entry, by its bytes; a float64 holds 53 bits and a sign. */
const DIGITS = { 1: 1, 2: 2, 8: 7 } as Readonly<Record<number, number>>
/** Digits that have a sum of their own in one pass: 128 pairs are 40 KiB, which stay near while a table is used. */
const LANES_AT_ONCE = 256

let shared: Tables | undefined

/** Those of this thread: all its kernels share them. */
function tablesOfThread(): Tables {
  return (shared ??= new Tables(kernelMemory()))
}

/** Σ_i rows[t, i] · bases_i for each row t. */
export function commitRows(bases: Points, rows: SmallRows, count: number, tables: Tables = tablesOfThread()): Points {
  const vector = wasmPoints(bases)
  const width = vector.length
  if (rows.length !== count * width) throw new RangeError(`${rows.length} entries are not ${count} rows of ${width}`)
  checkExact(rows)
  const digits = DIGITS[rows.BYTES_PER_ELEMENT]!
  const addresses = tables.of(vector, count * digits)
  if (addresses === undefined) return multiRows(vector, rows, count)
  const most = Math.floor(LANES_AT_ONCE / digits)
  const entries = new Uint8Array(count * ENTRY)
  for (let from = 0; from < count; from += most) {
    const to = Math.min(count, from + most)
    entries.set(overTables(addresses, rows.subarray(from * width, to * width), to - from, digits).entries, from * ENTRY)
  }
  return new WasmPoints(entries)
}

function overTables(addresses: Uint32Array, rows: SmallRows, count: number, digits: number): WasmPoints {
  return fromPairs(count, (memory: KernelMemory) => {
    const pairs = Math.ceil((count * digits) / 2)
    const width = addresses.length
    const sums = memory.room(pairs * PAIR)
    const column = pairs * 2 * Int16Array.BYTES_PER_ELEMENT
    const all = memory.room((width + 1) * column)
    memory.bytes().fill(0, all + width * column, all + (width + 1) * column)
    const tables = memory.place(Uint32Array.of(...addresses, addresses[width - 1]!))
    memory.exports.rowDigits(memory.place(rows), rows.BYTES_PER_ELEMENT, count, width, digits, 2 * pairs, all)
    memory.exports.setIdentities(sums, pairs)
    memory.exports.addRows(sums, tables, all, width, pairs)
    const out = roomForPairs(memory, count)
    memory.exports.joinDigits(sums, count, digits, memory.room(2 * pairs * BUCKET), out)
    return out
  })
}
