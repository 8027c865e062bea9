/** Scalars of the WebAssembly kernel: the checks of scalars.ts and row-scalars.ts, the arithmetic of assembly/scalars.ts and folds.ts. */
import { MalformedMessageError } from '../../errors.js'
import { checkExact, checkRows } from '../row-scalars.js'
import { checkCount, SCALAR_BYTES, sameLength } from '../scalars.js'
import type { SmallRows } from '../types.js'
import { kernelMemory } from './memory.js'
import { inParts } from './vector.js'

/** Scalars that go through one call. */
const AT_ONCE = 65_536
const WIDE = 64
/** Limbs of a scalar in the WebAssembly memory. */
const LIMBS = 72

function countOf(scalars: Uint8Array, size = SCALAR_BYTES): number {
  const count = scalars.length / size
  if (!Number.isInteger(count)) throw new RangeError(`${scalars.length} bytes are no whole number of values of ${size} bytes`)
  return count
}

/** `count` scalars, of which `each` makes those from `from` to `to` at an address. */
function made(count: number, each: (out: number, from: number, to: number) => void): Uint8Array {
  const memory = kernelMemory()
  const result = new Uint8Array(count * SCALAR_BYTES)
  inParts(count, AT_ONCE, (from, to) => {
    memory.start()
    const out = memory.room((to - from) * SCALAR_BYTES)
    each(out, from, to)
    result.set(memory.read(out, (to - from) * SCALAR_BYTES), from * SCALAR_BYTES)
  })
  return result
}

/** Places scalars `from` to `to`. */
function place(scalars: Uint8Array, from: number, to: number, size = SCALAR_BYTES): number {
  return kernelMemory().place(scalars.subarray(from * size, to * size))
}

export function checkScalars(scalars: Uint8Array): void {
  const memory = kernelMemory()
  inParts(countOf(scalars), AT_ONCE, (from, to) => {
    memory.start()
    const at = memory.exports.firstTooLarge(place(scalars, from, to), to - from)
    if (at >= 0) throw new MalformedMessageError(`scalar ${from + at} is not below the order of the group`)
  })
}

export function reduceWide(bytes: Uint8Array): Uint8Array {
  const { exports } = kernelMemory()
  return made(countOf(bytes, WIDE), (out, from, to) => exports.reduceWide(out, place(bytes, from, to, WIDE), to - from))
}

export function addScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
  sameLength(a, b)
  const { exports } = kernelMemory()
  return made(countOf(a), (out, from, to) => exports.addScalars(out, place(a, from, to), place(b, from, to), to - from))
}

export function mulScalars(a: Uint8Array, b: Uint8Array): Uint8Array {
  const { exports } = kernelMemory()
  if (b.length === SCALAR_BYTES) {
    return made(countOf(a), (out, from, to) => exports.foldScalars(out, 0, place(a, from, to), place(b, 0, 1), to - from))
  }
  sameLength(a, b)
  return made(countOf(a), (out, from, to) => exports.mulScalars(out, place(a, from, to), place(b, from, to), to - from))
}

export function negateScalars(a: Uint8Array): Uint8Array {
  const { exports } = kernelMemory()
  return made(countOf(a), (out, from, to) => exports.negateScalars(out, place(a, from, to), to - from))
}

export function invertScalars(a: Uint8Array): Uint8Array {
  const memory = kernelMemory()
  return made(countOf(a), (out, from, to) => {
    const zero = memory.exports.invertScalars(out, place(a, from, to), to - from, memory.room((to - from) * LIMBS))
    if (zero >= 0) throw new RangeError('zero has no inverse')
  })
}

export function foldScalars(low: Uint8Array, high: Uint8Array, c: Uint8Array): Uint8Array {
  sameLength(low, high)
  checkCount(c, 1)
  const { exports } = kernelMemory()
  return made(countOf(low), (out, from, to) =>
    exports.foldScalars(out, place(low, from, to), place(high, from, to), place(c, 0, 1), to - from)
  )
}

export function powers(x: Uint8Array, count: number): Uint8Array {
  checkCount(x, 1)
  const memory = kernelMemory()
  /** x^from. */
  let first: Uint8Array | undefined
  return made(count, (out, from, to) => {
    memory.exports.powers(out, place(x, 0, 1), to - from)
    // Later parts start from the last power of the part before, times x.
    if (first !== undefined) memory.exports.foldScalars(out, 0, out, memory.place(first), to - from)
    const next = memory.room(SCALAR_BYTES)
    memory.exports.mulScalars(next, out + (to - from - 1) * SCALAR_BYTES, place(x, 0, 1), 1)
    first = memory.read(next, SCALAR_BYTES)
  })
}

export function innerProduct(a: Uint8Array, b: Uint8Array): Uint8Array {
  sameLength(a, b)
  const memory = kernelMemory()
  let sum: Uint8Array = new Uint8Array(SCALAR_BYTES)
  inParts(countOf(a), AT_ONCE, (from, to) => {
    memory.start()
    const out = memory.room(SCALAR_BYTES)
    memory.exports.innerProduct(out, place(a, from, to), place(b, from, to), to - from)
    memory.exports.addScalars(out, out, memory.place(sum), 1)
    sum = memory.read(out, SCALAR_BYTES)
  })
  return sum
}

/** Small signed integers as scalars. */
export function scalarsOf(values: SmallRows): Uint8Array {
  checkExact(values)
  const memory = kernelMemory()
  return made(values.length, (out, from, to) =>
    memory.exports.fromIntegers(out, memory.place(Float64Array.from(values.subarray(from, to))), to - from)
  )
}

/** Bytes of small integers and of their parts that go through one call. */
const DOT_BYTES = 12 * 2 ** 20
/** i16 in a vector. */
const VECTOR = 8
const I16 = Int16Array.BYTES_PER_ELEMENT

interface Dot {
  readonly rows: SmallRows
  readonly width: number
  /** True: sums go along the rows; false: down the columns. */
  readonly along: boolean
  /** One for each entry that a sum goes over. */
  readonly scalars: Uint8Array
  readonly sums: number
}

/** Σ entry · scalar along each row or down each column. */
function dot({ rows, width, along, scalars, sums }: Dot): Uint8Array {
  const bytes = rows.BYTES_PER_ELEMENT
  const parts = bytes === 8 ? 4 : 1
  const { exports } = kernelMemory()
  let total: Uint8Array = new Uint8Array(sums * SCALAR_BYTES)
  inParts(scalars.length / SCALAR_BYTES, AT_ONCE, (from, to) => {
    const terms = to - from
    const vectors = Math.ceil(terms / VECTOR)
    const step = vectors * VECTOR
    const most = Math.max(1, Math.floor(DOT_BYTES / (step * (bytes + I16 * parts))))
    const result = new Uint8Array(sums * SCALAR_BYTES)
    inParts(sums, most, (first, end) => {
      const memory = kernelMemory()
      memory.start()
      const count = end - first
      const digits = memory.room(step * SCALAR_BYTES * I16)
      const items = memory.room(count * step * parts * I16)
      memory.bytes().fill(0, digits, items + count * step * parts * I16)
      exports.foldDigits(place(scalars, from, to), terms, step, digits)
      const [columns, lines] = along
        ? [
            { from, to },
            { from: first, to: end }
          ]
        : [
            { from: first, to: end },
            { from, to }
          ]
      const entries = memory.place(block(rows, width, lines, columns))
      const steps = along ? [step, 1] : [1, step]
      exports.splitRows(entries, bytes, lines.to - lines.from, columns.to - columns.from, ...steps, count * step, items)
      const out = memory.room(count * SCALAR_BYTES)
      exports.dotAll(out, items, count, vectors, parts, digits)
      result.set(memory.read(out, count * SCALAR_BYTES), first * SCALAR_BYTES)
    })
    total = addScalars(total, result)
  })
  return total
}

interface Range {
  readonly from: number
  readonly to: number
}

/** Entries of some rows and columns, row after row. */
function block(rows: SmallRows, width: number, lines: Range, columns: Range): SmallRows {
  if (columns.to - columns.from === width) return rows.subarray(lines.from * width, lines.to * width)
  const across = columns.to - columns.from
  const out = new (rows.constructor as Int16ArrayConstructor)((lines.to - lines.from) * across)
  for (let t = lines.from; t < lines.to; t++) {
    out.set(rows.subarray(t * width + columns.from, t * width + columns.to), (t - lines.from) * across)
  }
  return out
}

/** Σ_t weights_t · rows[t, ·]. */
export function foldRows(weights: Uint8Array, rows: SmallRows, width: number): Uint8Array {
  checkCount(weights, width === 0 ? countOf(weights) : checkRows(rows, width))
  return dot({ rows, width, along: false, scalars: weights, sums: width })
}

/** Σ_i rows[t, i] · vector_i for each row t. */
export function rowProducts(rows: SmallRows, vector: Uint8Array): Uint8Array {
  const width = countOf(vector)
  return dot({ rows, width, along: true, scalars: vector, sums: checkRows(rows, width) })
}
