/**
 * The kernel over @noble/curves: portable, needs no WASM, and what every other kernel is tested against.
 * Not constant-time: additions, tables and BigInt all depend on values.
 */
import { MalformedMessageError } from '../../errors.js'
import { add, decodeElement, Element, encodeElement, IDENTITY, isIdentity, POINT_BYTES, type Extended } from './curve.js'
import { generator } from './generators.js'
import { RowTables } from './rows.js'
import { multiples, multiScalar } from './windows.js'
import { checkExact, foldRows, rowProducts, scalarsOf } from '../row-scalars.js'
import * as scalars from '../scalars.js'
import type { GeneratorFamily, Kernel, Points, SmallRows } from '../types.js'

class NoblePoints implements Points {
  constructor(readonly elements: readonly Element[]) {}

  get length(): number {
    return this.elements.length
  }
}

function elementsOf(points: Points): readonly Element[] {
  if (!(points instanceof NoblePoints)) throw new RangeError('points of another kernel')
  return points.elements
}

function pointsOf(extended: readonly Extended[]): NoblePoints {
  return new NoblePoints(extended.map(point => (point instanceof Element ? point : new Element(point))))
}

/** Vectors of generators that are kept, so that the same arguments give the same object; the longest unused goes first. */
const MOST_RANGES = 256
const ranges = new Map<string, NoblePoints>()
/** One more than the largest index. */
const INDICES = 2 ** 32

function generators(family: GeneratorFamily, from: number, count: number): Points {
  if (!Number.isInteger(from) || !Number.isInteger(count) || from < 0 || count < 0 || from + count > INDICES) {
    throw new RangeError(`there are no ${count} generators from ${from} on`)
  }
  const key = `${family}/${from}/${count}`
  const points = ranges.get(key) ?? new NoblePoints(Array.from({ length: count }, (_, i) => generator(family, from + i)))
  ranges.delete(key)
  ranges.set(key, points)
  if (ranges.size > MOST_RANGES) ranges.delete(ranges.keys().next().value!)
  return points
}

function decode(encodings: Uint8Array): Points {
  const count = encodings.length / POINT_BYTES
  if (!Number.isInteger(count)) throw new RangeError(`${encodings.length} bytes are no whole number of points`)
  return new NoblePoints(
    Array.from({ length: count }, (_, i) => {
      try {
        return decodeElement(encodings.subarray(i * POINT_BYTES, (i + 1) * POINT_BYTES))
      } catch (cause) {
        throw new MalformedMessageError(`point ${i} is not a canonical ristretto255 encoding`, { cause })
      }
    })
  )
}

function encode(points: Points): Uint8Array {
  const out = new Uint8Array(points.length * POINT_BYTES)
  elementsOf(points).forEach((element, i) => out.set(encodeElement(element), i * POINT_BYTES))
  return out
}

function slice(points: Points, from: number, to: number): Points {
  if (from < 0 || to < from || to > points.length) throw new RangeError(`${from} to ${to} is no part of ${points.length} points`)
  return new NoblePoints(elementsOf(points).slice(from, to))
}

function sum(a: Points, b: Points): Points {
  scalars.sameLength(a, b)
  const right = elementsOf(b)
  return pointsOf(elementsOf(a).map((point, i) => add(point, right[i]!)))
}

/** Tables stand on the elements themselves, so all kernels of the process share them. */
const tables = new RowTables()

function commit(bases: Points, rows: SmallRows, count: number): Points {
  if (rows.length !== count * bases.length) throw new RangeError(`${rows.length} entries are not ${count} rows of ${bases.length}`)
  checkExact(rows)
  return pointsOf(tables.commit(elementsOf(bases), rows, count))
}

function scale(scalarBytes: Uint8Array, points: Points): Points {
  scalars.checkCount(scalarBytes, points.length)
  return pointsOf(points.length === 0 ? [] : multiples(scalarBytes, elementsOf(points)))
}

function foldPoints(low: Points, high: Points, c: Uint8Array): Points {
  const terms = scalars.foldTerms(low, high, c)
  const elements = elementsOf(high)
  const sums: Extended[] = [...elementsOf(low)]
  for (let k = 0; k < terms; k++) {
    const part = elements.slice(k * sums.length, (k + 1) * sums.length)
    multiples(c.subarray(32 * k, 32 * (k + 1)), part).forEach((point, i) => (sums[i] = add(sums[i]!, point)))
  }
  return pointsOf(sums)
}

function msm(scalarBytes: Uint8Array, points: Points): Points {
  scalars.checkCount(scalarBytes, points.length)
  return pointsOf([points.length === 0 ? IDENTITY : multiScalar(scalarBytes, elementsOf(points))])
}

/** The kernel; generators and tables belong to the process, so any number of kernels share them. */
export function nobleKernel(): Kernel {
  return {
    name: 'noble',
    generators,
    decode,
    encode,
    concat: parts => new NoblePoints(parts.flatMap(elementsOf)),
    slice,
    add: sum,
    indexOfIdentity: points => elementsOf(points).findIndex(isIdentity),
    commitRows: commit,
    msm,
    foldPoints,
    scale,
    checkScalars: scalars.checkScalars,
    reduceWide: scalars.reduceWide,
    addScalars: scalars.addScalars,
    mulScalars: scalars.mulScalars,
    negateScalars: scalars.negateScalars,
    invertScalars: scalars.invertScalars,
    foldScalars: scalars.foldScalars,
    powers: scalars.powers,
    innerProduct: scalars.innerProduct,
    foldRows,
    rowProducts,
    scalarsOf
  }
}
