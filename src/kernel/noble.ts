/** The reference kernel: @noble/curves' ristretto255. Correct and slow; not constant-time. */
import { pippenger } from '@noble/curves/abstract/curve.js'
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { u32, utf8 } from '../bytes.js'
import { MalformedMessageError } from '../errors.js'
import { hashWide } from './hash.js'
import { RowTables } from './noble-rows.js'
import * as scalars from './scalars.js'
import type { GeneratorFamily, Kernel, Points } from './types.js'

const { Point } = ristretto255
export type NoblePoint = InstanceType<(typeof ristretto255)['Point']>

const POINT_BYTES = 32
/** Below this many points separate multiplications are as fast as Pippenger's buckets. */
const PIPPENGER_FROM = 2

class NoblePoints implements Points {
  constructor(readonly points: readonly NoblePoint[]) {}
  get length(): number {
    return this.points.length
  }
}

function unwrap(points: Points): readonly NoblePoint[] {
  if (!(points instanceof NoblePoints)) throw new RangeError('points of another kernel')
  return points.points
}

function sameLength(a: { length: number }, b: { length: number }): void {
  if (a.length !== b.length) throw new RangeError(`lengths ${a.length} and ${b.length} differ`)
}

const families = new Map<GeneratorFamily, NoblePoint[]>()
const ranges = new Map<string, NoblePoints>()

function generator(family: GeneratorFamily, index: number): NoblePoint {
  return ristretto255_hasher.deriveToCurve!(hashWide('zklora/v1/generator', utf8(family), u32(index))) as NoblePoint
}

function generators(family: GeneratorFamily, from: number, count: number): NoblePoints {
  const key = `${family}/${from}/${count}`
  const known = ranges.get(key)
  if (known !== undefined) return known
  const all = families.get(family) ?? []
  families.set(family, all)
  for (let i = all.length; i < from + count; i++) all.push(generator(family, i))
  const made = new NoblePoints(all.slice(from, from + count))
  ranges.set(key, made)
  return made
}

function multiply(point: NoblePoint, scalar: bigint): NoblePoint {
  return scalar === 0n ? Point.ZERO : point.multiplyUnsafe(scalar)
}

function msm(scalarBytes: Uint8Array, points: readonly NoblePoint[]): NoblePoint {
  const values = scalars.readScalars(scalarBytes)
  sameLength(values, points)
  if (points.length < PIPPENGER_FROM) return points.reduce((sum, point, i) => sum.add(multiply(point, values[i]!)), Point.ZERO)
  return pippenger(Point, [...points], values)
}

export function nobleKernel(): Kernel {
  const tables = new RowTables()
  return {
    name: 'noble',
    generators,
    decode(encodings) {
      if (encodings.length % POINT_BYTES !== 0) throw new RangeError(`${encodings.length} bytes are no whole number of points`)
      const points: NoblePoint[] = []
      for (let at = 0; at < encodings.length; at += POINT_BYTES) {
        try {
          points.push(Point.fromBytes(encodings.slice(at, at + POINT_BYTES)))
        } catch (cause) {
          throw new MalformedMessageError(`point ${at / POINT_BYTES} is not a canonical ristretto255 encoding`, { cause })
        }
      }
      return new NoblePoints(points)
    },
    encode(points) {
      const out = new Uint8Array(points.length * POINT_BYTES)
      unwrap(points).forEach((point, i) => out.set(point.toBytes(), i * POINT_BYTES))
      return out
    },
    concat: parts => new NoblePoints(parts.flatMap(part => unwrap(part))),
    slice: (points, from, to) => new NoblePoints(unwrap(points).slice(from, to)),
    add(a, b) {
      sameLength(a, b)
      const right = unwrap(b)
      return new NoblePoints(unwrap(a).map((point, i) => point.add(right[i]!)))
    },
    indexOfIdentity: points => unwrap(points).findIndex(point => point.is0()),
    commitRows(bases, rows, count) {
      if (rows.length !== count * bases.length) throw new RangeError(`${rows.length} entries are not ${count} rows of ${bases.length}`)
      return new NoblePoints(tables.commit(unwrap(bases), rows, count))
    },
    msm: (scalarBytes, points) => new NoblePoints([msm(scalarBytes, unwrap(points))]),
    foldPoints(low, high, c) {
      sameLength(low, high)
      const [factor] = scalars.readScalars(c)
      const left = unwrap(low)
      return new NoblePoints(unwrap(high).map((point, i) => left[i]!.add(multiply(point, factor!))))
    },
    scale(scalarBytes, points) {
      const values = scalars.readScalars(scalarBytes)
      sameLength(values, points)
      return new NoblePoints(unwrap(points).map((point, i) => multiply(point, values[i]!)))
    },
    checkScalars: scalars.checkScalars,
    reduceWide: scalars.reduceWide,
    addScalars: scalars.addScalars,
    mulScalars: scalars.mulScalars,
    negateScalars: scalars.negateScalars,
    invertScalars: scalars.invertScalars,
    foldScalars: scalars.foldScalars,
    powers: scalars.powers,
    innerProduct: scalars.innerProduct,
    foldRows: scalars.foldRows,
    rowProducts: scalars.rowProducts,
    scalarsOf: scalars.scalarsOf
  }
}
