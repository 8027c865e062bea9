/** Operations of a kernel by name and size, so that they can be run here, by a worker, and by another kernel. */
import { blake3 } from '@noble/hashes/blake3.js'
import { createBlake3, type GeneratorFamily, type Kernel, type Points, type SmallRows } from '../../../src/kernel/index.js'
import { random } from '../product.js'

/** An operation with its sizes. */
export type Operation =
  | { readonly kind: 'commit'; readonly bits: 8 | 16 | 53; readonly rows: number; readonly width: number }
  | { readonly kind: 'msm'; readonly bits: 128 | 252; readonly points: number }
  | { readonly kind: 'decode' | 'encode'; readonly points: number }
  | { readonly kind: 'foldPoints'; readonly points: number; readonly terms: number }
  | { readonly kind: 'fold' | 'products'; readonly rows: number; readonly width: number }
  | { readonly kind: 'inner' | 'foldScalars' | 'mulScalars'; readonly length: number }
  | { readonly kind: 'hash' | 'nobleHash'; readonly bytes: number }

/** How many units (entries, points, scalars, bytes) the operation handles. */
export function unitsOf(operation: Operation): number {
  switch (operation.kind) {
    case 'commit':
    case 'fold':
    case 'products':
      return operation.rows * operation.width
    case 'msm':
    case 'decode':
    case 'encode':
    case 'foldPoints':
      return operation.points
    case 'hash':
    case 'nobleHash':
      return operation.bytes
    default:
      return operation.length
  }
}

/** x·A of 16-bit activations and 12-bit weights: some 40 bits. */
const HIDDEN_BITS = 40

export function randomRows(bits: 8 | 16 | 53, entries: number): SmallRows {
  const bytes = random(entries * 8)
  if (bits === 8) return new Int8Array(bytes.buffer, 0, entries)
  if (bits === 16) return new Int16Array(bytes.buffer, 0, entries)
  const view = new DataView(bytes.buffer)
  return Float64Array.from({ length: entries }, (_, i) => Number(view.getBigInt64(8 * i) >> BigInt(64 - HIDDEN_BITS)))
}

/** Points made at a time, by one addition each. */
const BLOCK = 256

/** Points that nobody made tables for: G_i + j · K_i, through their encodings. */
function freshPoints(kernel: Kernel, count: number): Points {
  const step = kernel.generators('K', 0, BLOCK)
  const blocks: Points[] = []
  for (let block = kernel.generators('G', 0, BLOCK), have = 0; have < count; have += BLOCK, block = kernel.add(block, step))
    blocks.push(block)
  return kernel.decode(kernel.encode(kernel.slice(kernel.concat(blocks), 0, count)))
}

function scalars(kernel: Kernel, count: number, bits: 128 | 252 = 252): Uint8Array {
  const out = kernel.reduceWide(random(64 * count))
  if (bits === 128) for (let i = 0; i < count; i++) out.fill(0, 32 * i + 16, 32 * (i + 1))
  return out
}

/** The operation on random values, ready to be run again and again. */
export function prepare(kernel: Kernel, operation: Operation): () => unknown {
  switch (operation.kind) {
    case 'commit': {
      const { bits, rows: count, width } = operation
      // Every entry costs its digits: the bases do not matter, but that they come again.
      const family: GeneratorFamily = bits === 53 ? 'K' : 'G'
      const [bases, rows] = [kernel.generators(family, 0, width), randomRows(bits, count * width)]
      return () => kernel.commitRows(bases, rows, count)
    }
    case 'msm': {
      const [points, by] = [freshPoints(kernel, operation.points), scalars(kernel, operation.points, operation.bits)]
      return () => kernel.msm(by, points)
    }
    case 'decode': {
      const bytes = kernel.encode(freshPoints(kernel, operation.points))
      return () => kernel.decode(bytes)
    }
    case 'encode': {
      const points = freshPoints(kernel, operation.points)
      const shifted = kernel.add(points, points)
      return () => kernel.encode(shifted)
    }
    case 'foldPoints': {
      const { points, terms } = operation
      const [low, high, c] = [freshPoints(kernel, points), freshPoints(kernel, points * terms), scalars(kernel, terms)]
      return () => kernel.foldPoints(low, high, c)
    }
    case 'fold': {
      const { rows: count, width } = operation
      const [weights, rows] = [scalars(kernel, count), randomRows(16, count * width)]
      return () => kernel.foldRows(weights, rows, width)
    }
    case 'products': {
      const { rows: count, width } = operation
      const [rows, vector] = [randomRows(16, count * width), scalars(kernel, width)]
      return () => kernel.rowProducts(rows, vector)
    }
    case 'hash':
    case 'nobleHash': {
      const bytes = random(operation.bytes)
      return operation.kind === 'hash' ? () => createBlake3().update(bytes).digest() : () => blake3(bytes)
    }
    default:
      return prepareScalars(kernel, operation.kind, operation.length)
  }
}

function prepareScalars(kernel: Kernel, kind: 'inner' | 'foldScalars' | 'mulScalars', length: number): () => unknown {
  const [a, b, c] = [scalars(kernel, length), scalars(kernel, length), scalars(kernel, 1)]
  if (kind === 'inner') return () => kernel.innerProduct(a, b)
  return kind === 'foldScalars' ? () => kernel.foldScalars(a, b, c) : () => kernel.mulScalars(a, c)
}
