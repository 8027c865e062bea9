/**
 * Points of ristretto255 over @noble/curves: its encodings, its one-way map and its inversion; additions of our own over BigInt, since
 * noble's check and reduce more than sums of thousands of points need (1.2 µs in the place of 2.1).
 *
 * Coordinates are extended (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z on −x² + y² = 1 + d x² y² (Hisil, Wong, Carter, Dawson,
 * "Twisted Edwards Curves Revisited", 2008). The formulas are complete: no exception for equal points, opposite ones or the identity.
 */
import { ed25519, ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'

const { Point: EdwardsPoint } = ed25519
type RistrettoPoint = InstanceType<typeof ristretto255.Point>

const { p: P, d: D } = EdwardsPoint.CURVE()
const TWO_D = (2n * D) % P

export const POINT_BYTES = 32

/** Coordinates are any integers of the right residue mod p, after an addition of about 256 bits: sizes matter for speed only. */
export interface Extended {
  readonly X: bigint
  readonly Y: bigint
  readonly Z: bigint
  readonly T: bigint
}

/** An affine point, made ready for additions: y + x, y − x and 2dxy, each in [0, p). */
export interface Addend {
  readonly plus: bigint
  readonly minus: bigint
  readonly t: bigint
}

/** A point that is kept, with what was worked out for it. */
export class Element implements Extended {
  readonly X: bigint
  readonly Y: bigint
  readonly Z: bigint
  readonly T: bigint
  /** Made by `addendsOf`. */
  addend: Addend | undefined
  /** i-th entry: (i + 1) times the point (rows.ts). */
  multiples: readonly Addend[] | undefined
  /** Digits of entries that it has been a base for, since its multiples were last dropped. */
  digits = 0

  constructor({ X, Y, Z, T }: Extended) {
    this.X = X
    this.Y = Y
    this.Z = Z
    this.T = T
  }
}

export const IDENTITY: Extended = { X: 0n, Y: 1n, Z: 1n, T: 0n }

// Field

/** 2^256 ≡ 38 mod p. */
const FOLD_BITS = 256
const FOLD_SHIFT = 256n
const FOLD = 38n

/** The same residue; a product of two sums of `reduce`d values comes down to about 262 bits. */
function fold(value: bigint): bigint {
  return BigInt.asUintN(FOLD_BITS, value) + FOLD * (value >> FOLD_SHIFT)
}

/** The same residue in about 256 bits. Two folds are quicker than one division. */
function reduce(value: bigint): bigint {
  return fold(fold(value))
}

function canonical(value: bigint): bigint {
  const rest = value % P
  return rest < 0n ? rest + P : rest
}

// Formulas (dbl-2008-hwcd, add-2008-hwcd-3 and its mixed form for a = −1)

/** p + q. */
export function addAddend({ X, Y, Z, T }: Extended, q: Addend): Extended {
  const a = (Y - X) * q.minus
  const b = (Y + X) * q.plus
  const c = fold(T * q.t)
  const d = Z + Z
  const e = fold(b - a)
  const f = d - c
  const g = d + c
  const h = fold(b + a)
  return { X: reduce(e * f), Y: reduce(g * h), Z: reduce(f * g), T: reduce(e * h) }
}

/** p − q: −q has plus and minus exchanged and the other sign of t. */
export function subtractAddend({ X, Y, Z, T }: Extended, q: Addend): Extended {
  const a = (Y - X) * q.plus
  const b = (Y + X) * q.minus
  const c = fold(T * q.t)
  const d = Z + Z
  const e = fold(b - a)
  const f = d + c
  const g = d - c
  const h = fold(b + a)
  return { X: reduce(e * f), Y: reduce(g * h), Z: reduce(f * g), T: reduce(e * h) }
}

export function add(p: Extended, q: Extended): Extended {
  const a = (p.Y - p.X) * (q.Y - q.X)
  const b = (p.Y + p.X) * (q.Y + q.X)
  const c = fold(fold(p.T * q.T) * TWO_D)
  const d = 2n * fold(p.Z * q.Z)
  const e = fold(b - a)
  const f = d - c
  const g = d + c
  const h = fold(b + a)
  return { X: reduce(e * f), Y: reduce(g * h), Z: reduce(f * g), T: reduce(e * h) }
}

export function negate({ X, Y, Z, T }: Extended): Extended {
  return { X: -X, Y, Z, T: -T }
}

export function double({ X, Y, Z }: Extended): Extended {
  const a = X * X
  const b = Y * Y
  const sum = X + Y
  const h = fold(a + b)
  const e = h - fold(sum * sum)
  const g = fold(a - b)
  const f = fold(2n * Z * Z) + g
  return { X: reduce(e * f), Y: reduce(g * h), Z: reduce(f * g), T: reduce(e * h) }
}

/** The neutral element of ristretto255 is a coset of four points of the curve: those with x = 0 or y = 0 (RFC 9496, 4.3.3). */
export function isIdentity({ X, Y }: Extended): boolean {
  return X % P === 0n || Y % P === 0n
}

/** With one inversion for all (Montgomery). Z is never 0. */
export function toAddends(points: readonly Extended[]): Addend[] {
  let product = 1n
  /** Product of all Z before. */
  const before = points.map(({ Z }) => {
    const sofar = product
    product = reduce(product * Z)
    return sofar
  })
  let inverse = EdwardsPoint.Fp.inv(canonical(product))
  const addends = new Array<Addend>(points.length)
  for (let i = points.length - 1; i >= 0; i--) {
    const { X, Y, Z } = points[i]!
    const ofZ = reduce(inverse * before[i]!)
    inverse = reduce(inverse * Z)
    const x = reduce(X * ofZ)
    const y = reduce(Y * ofZ)
    addends[i] = { plus: canonical(y + x), minus: canonical(y - x), t: canonical(reduce(TWO_D * fold(x * y))) }
  }
  return addends
}

/** As `toAddends`, worked out once for each element. */
export function addendsOf(elements: readonly Element[]): Addend[] {
  const missing = elements.filter(({ addend }) => addend === undefined)
  if (missing.length > 0) {
    const made = toAddends(missing)
    missing.forEach((element, i) => (element.addend = made[i]))
  }
  return elements.map(({ addend }) => addend!)
}

// Bytes

/** The representative inside of noble's wrapper, which keeps it to its subclasses. */
function representative(point: RistrettoPoint): Element {
  return new Element((point as unknown as { ep: Extended }).ep)
}

/** RFC 9496, 4.3.1. @throws Error for anything but a canonical encoding. */
export function decodeElement(encoding: Uint8Array): Element {
  return representative(ristretto255.Point.fromBytes(encoding))
}

/** RFC 9496, 4.3.2. */
export function encodeElement({ X, Y, Z, T }: Extended): Uint8Array {
  return new ristretto255.Point(new EdwardsPoint(canonical(X), canonical(Y), canonical(Z), canonical(T))).toBytes()
}

/** The one-way map of RFC 9496, 4.3.4. @param wide 64 bytes */
export function mapToElement(wide: Uint8Array): Element {
  return representative(ristretto255_hasher.deriveToCurve!(wide) as RistrettoPoint)
}
