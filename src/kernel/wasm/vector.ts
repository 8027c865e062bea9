/** Points as they are outside of the WebAssembly memory, and what turns results into them. */
import { kernelMemory, type KernelMemory } from './memory.js'
import type { Points } from '../types.js'

/** Bytes of an affine point made ready for additions, of two points under way, and of one (src/kernel/assembly/points.ts). */
export const ENTRY = 112
export const PAIR = 320
export const BUCKET = 144
export const SCALAR = 32
export const ENCODING = 32

/** Points that go through one call: their pairs have one inversion. */
export const POINTS_AT_ONCE = 512

/** Affine points, ENTRY bytes each; slices share the bytes. */
export class WasmPoints implements Points {
  constructor(readonly entries: Uint8Array) {}

  get length(): number {
    return this.entries.length / ENTRY
  }

  part(from: number, to: number): Uint8Array {
    return this.entries.subarray(from * ENTRY, to * ENTRY)
  }
}

/** @throws RangeError for points of another kernel */
export function wasmPoints(points: Points): WasmPoints {
  if (!(points instanceof WasmPoints)) throw new RangeError('points of another kernel')
  return points
}

/** Calls `each` for parts of 0 … count − 1. */
export function inParts(count: number, most: number, each: (from: number, to: number) => void): void {
  for (let from = 0; from < count; from += most) each(from, Math.min(count, from + most))
}

/** A vector of `count` points, of which `each` leaves those from `from` to `to` as pairs in the memory: at most POINTS_AT_ONCE. */
export function fromPairs(count: number, each: (memory: KernelMemory, from: number, to: number) => number): WasmPoints {
  const memory = kernelMemory()
  const entries = new Uint8Array(count * ENTRY)
  inParts(count, POINTS_AT_ONCE, (from, to) => {
    memory.start()
    const pairs = each(memory, from, to)
    const half = Math.ceil((to - from) / 2)
    const out = memory.room(2 * half * ENTRY)
    memory.exports.toEntries(pairs, half, out, out + ENTRY, 2 * ENTRY)
    entries.set(memory.read(out, (to - from) * ENTRY), from * ENTRY)
  })
  return new WasmPoints(entries)
}

/** Room for the pairs of `count` points. */
export function roomForPairs(memory: KernelMemory, count: number): number {
  return memory.room(Math.ceil(count / 2) * PAIR)
}
