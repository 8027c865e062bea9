/**
 * Exact products of small integer matrices in WebAssembly, in blocks that fit the scratch memory: the two halves of a LoRA delta.
 * Every sum of absolute values must stay at or below 2^53; entries of 16 bits are above −2^15.
 */
import { kernelMemory, type KernelMemory } from './memory.js'
import { inParts } from './vector.js'

/** Entries of 16 bits in a vector. */
const LANES = 8
/** Rows at a time: of the widest inputs 4 MiB, and of a block of outputs 2 MiB. */
const ROWS = 64
/** Outputs in a block, a multiple of LANES: of the highest rank 1 MiB. */
const OUTPUTS = 4096

/** Rows of a matrix of 16-bit entries, one after the other, each padded with zeros to whole vectors. */
function placeRows(memory: KernelMemory, rows: Int16Array, width: number): { readonly at: number; readonly vectors: number } {
  const vectors = Math.ceil(width / LANES)
  if (width === vectors * LANES) return { at: memory.place(rows), vectors }
  const padded = new Int16Array((rows.length / width) * vectors * LANES)
  for (let from = 0, to = 0; from < rows.length; from += width, to += vectors * LANES) padded.set(rows.subarray(from, from + width), to)
  return { at: memory.place(padded), vectors }
}

function floats(memory: KernelMemory, at: number, length: number): Float64Array {
  return new Float64Array(memory.bytes().buffer, at, length)
}

/**
 * h[t, offset + k] = Σ_i x[t, i] · a[k, i].
 * @param given.x count × width
 * @param given.a columns × width
 * @param given.h count × step, of which this fills `columns` from `offset` on
 */
export function smallDots(given: {
  readonly x: Int16Array
  readonly width: number
  readonly a: Int16Array
  readonly h: Float64Array
  readonly step: number
  readonly offset: number
}): void {
  const { x, width, a, h, step, offset } = given
  const columns = a.length / width
  const memory = kernelMemory()
  inParts(x.length / width, ROWS, (from, to) => {
    memory.start()
    const { at: columnsAt, vectors } = placeRows(memory, a, width)
    const { at: rowsAt } = placeRows(memory, x.subarray(from * width, to * width), width)
    const out = memory.room((to - from) * columns * Float64Array.BYTES_PER_ELEMENT)
    memory.exports.smallDots(out, columns, rowsAt, to - from, columnsAt, columns, vectors)
    const sums = floats(memory, out, (to - from) * columns)
    for (let t = from; t < to; t++) h.set(sums.subarray((t - from) * columns, (t - from + 1) * columns), t * step + offset)
  })
}

/**
 * y[t, offset + j] = Σ_k h[t, hOffset + k] · b[k, j].
 * @param given.h count × hStep
 * @param given.b rank × outputs
 * @param given.y count × step, of which this fills `outputs` from `offset` on
 */
export function combineRows(given: {
  readonly h: Float64Array
  readonly hStep: number
  readonly hOffset: number
  readonly b: Int16Array
  readonly rank: number
  readonly y: Float64Array
  readonly step: number
  readonly offset: number
}): void {
  const { h, hStep, hOffset, b, rank, y, step, offset } = given
  const outputs = b.length / rank
  const count = h.length / hStep
  const memory = kernelMemory()
  inParts(outputs, OUTPUTS, (first, end) => {
    const width = end - first
    const block = width === outputs ? b : new Int16Array(rank * width)
    if (block !== b) for (let k = 0; k < rank; k++) block.set(b.subarray(k * outputs + first, k * outputs + end), k * width)
    inParts(count, ROWS, (from, to) => {
      memory.start()
      const { at, vectors } = placeRows(memory, block, width)
      const factors = memory.place(h.subarray(from * hStep, to * hStep)) + hOffset * Float64Array.BYTES_PER_ELEMENT
      const row = vectors * LANES
      const out = memory.room((to - from) * row * Float64Array.BYTES_PER_ELEMENT)
      memory.exports.combineRows(out, factors, hStep, to - from, at, rank, vectors)
      const sums = floats(memory, out, (to - from) * row)
      for (let t = from; t < to; t++) y.set(sums.subarray((t - from) * row, (t - from) * row + width), t * step + offset + first)
    })
  })
}
