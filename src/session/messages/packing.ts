/** Integer rows on the wire (protocols/session: rows, deltas): little endian, in as few bytes as the text says. */
import { InvalidProofError, MalformedMessageError, ProtocolViolationError } from '../../errors.js'

/** Activations of at most this many bits travel in one byte. */
const BYTE_BITS = 8
/** |y| never exceeds it (protocols/adapter). */
const EXACT = 2 ** 53
const LOW = 2 ** 32
/** Bytes behind the last entry that are written and not used. */
const SPARE = 8

/** Bytes of one activation. */
export function activationBytes(activationBits: number): 1 | 2 {
  return activationBits <= BYTE_BITS ? 1 : 2
}

/** @param x integers of activationBits */
export function packActivations(x: Int16Array, activationBits: number): Uint8Array {
  if (activationBytes(activationBits) === 1) return new Uint8Array(Int8Array.from(x).buffer)
  const out = new Uint8Array(2 * x.length)
  const view = new DataView(out.buffer)
  for (let i = 0; i < x.length; i++) view.setInt16(2 * i, x[i]!, true)
  return out
}

/**
 * @param bytes `entries` integers
 * @throws MalformedMessageError for another length, ProtocolViolationError for an entry beyond 2^(activationBits − 1) − 1
 */
export function unpackActivations(bytes: Uint8Array, entries: number, activationBits: number): Int16Array {
  const width = activationBytes(activationBits)
  if (bytes.length !== entries * width) throw new MalformedMessageError(`rows has ${bytes.length} bytes of x, not ${entries * width}`)
  const out = new Int16Array(entries)
  // JavaScript's engines all run little endian.
  if (width === 1) out.set(new Int8Array(bytes.buffer, bytes.byteOffset, entries))
  else new Uint8Array(out.buffer).set(bytes)
  const most = 2 ** (activationBits - 1) - 1
  const beyond = firstBeyond(out, most)
  if (beyond !== undefined) {
    throw new ProtocolViolationError(`an activation is ${beyond}, at most ${most} with ${activationBits} bits`)
  }
  return out
}

/** On its own: inside of a function that makes other arrays, V8 leaves the loop unoptimized, at 40 times the time. */
function firstBeyond(entries: Int16Array, most: number): number | undefined {
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!
    if (entry > most || entry < -most) return entry
  }
  return undefined
}

/** Least bytes in two's complement that hold every integer from `least` to `most`. */
export function widthOf(least: number, most: number): number {
  let width = 1
  // 2^55 holds everything up to 2^53: float64 is exact here.
  while (most > 2 ** (8 * width - 1) - 1 || least < -(2 ** (8 * width - 1))) width++
  return width
}

/** Widths and bytes of one deltas frame. */
export interface PackedDeltas {
  /** One byte for each module. */
  readonly widths: Uint8Array
  /** For each module: count × dOut × width. */
  readonly y: Uint8Array
}

/**
 * @param outputs dOut of each module, in order
 * @param y count × Σ dOut, row-major integers
 */
export function packDeltas(outputs: readonly number[], y: Float64Array, count: number): PackedDeltas {
  const total = y.length / count
  const widths = new Uint8Array(outputs.length)
  let length = 0
  let offset = 0
  outputs.forEach((dOut, m) => {
    let [least, most] = [0, 0]
    for (let t = 0; t < count; t++) {
      for (let i = t * total + offset, end = i + dOut; i < end; i++) {
        if (y[i]! > most) most = y[i]!
        else if (y[i]! < least) least = y[i]!
      }
    }
    widths[m] = widthOf(least, most)
    length += count * dOut * widths[m]!
    offset += dOut
  })
  const out = new Uint8Array(length + SPARE)
  const view = new DataView(out.buffer)
  let at = 0
  offset = 0
  outputs.forEach((dOut, m) => {
    const width = widths[m]!
    for (let t = 0; t < count; t++) {
      for (let i = t * total + offset, end = i + dOut; i < end; i++, at += width) writeInteger(view, at, y[i]!)
    }
    offset += dOut
  })
  return { widths, y: out.subarray(0, length) }
}

/**
 * @param modules dOut and the bound on |y| of each module, in order
 * @param out gets count × Σ dOut, row-major
 * @returns out
 * @throws MalformedMessageError for lengths or a width that is not the least, InvalidProofError('bound') for an entry beyond its bound
 */
export function unpackDeltas(
  modules: readonly { readonly dOut: number; readonly bound: number }[],
  { widths, y }: PackedDeltas,
  out: Float64Array
): Float64Array {
  if (widths.length !== modules.length)
    throw new MalformedMessageError(`deltas has ${widths.length} widths, the group has ${modules.length} modules`)
  const total = modules.reduce((sum, { dOut }) => sum + dOut, 0)
  const count = out.length / total
  const length = modules.reduce((sum, { dOut }, m) => sum + count * dOut * widths[m]!, 0)
  if (y.length !== length) throw new MalformedMessageError(`deltas has ${y.length} bytes of y, not ${length}`)
  const view = new DataView(y.buffer, y.byteOffset, y.length)
  let at = 0
  let offset = 0
  modules.forEach(({ dOut, bound }, m) => {
    const width = widths[m]!
    let [least, most] = [0, 0]
    for (let t = 0; t < count; t++) {
      for (let i = t * total + offset, end = i + dOut; i < end; i++, at += width) {
        const entry = readInteger(view, at, width)
        if (entry > most) most = entry
        else if (entry < least) least = entry
        out[i] = entry
      }
    }
    if (Math.max(most, -least) > bound) throw new InvalidProofError('bound', `an entry of module ${m} is beyond ±${bound}`)
    if (widthOf(least, most) !== width)
      throw new MalformedMessageError(`deltas uses ${width} bytes an entry where ${widthOf(least, most)} do`)
    offset += dOut
  })
  return out
}

/** |y| ≤ min(2^53, d_in · r · (2^(a−1) − 1) · (2^(b−1) − 1)²): protocols/adapter, Integers. */
export function outputBound(given: {
  readonly dIn: number
  readonly rank: number
  readonly activationBits: number
  readonly weightBits: number
}): number {
  const weight = 2 ** (given.weightBits - 1) - 1
  return Math.min(EXACT, given.dIn * given.rank * (2 ** (given.activationBits - 1) - 1) * weight * weight)
}

/** Bytes of one row of a group on the wire: x as it is sent, and y at most. */
export function rowBytes(
  { dIn, modules }: { readonly dIn: number; readonly modules: readonly { readonly dOut: number; readonly rank: number }[] },
  bits: { readonly activationBits: number; readonly weightBits: number }
): { readonly x: number; readonly y: number } {
  const widths = modules.map(({ dOut, rank }) => {
    const bound = outputBound({ dIn, rank, ...bits })
    return dOut * widthOf(-bound, bound)
  })
  return { x: dIn * activationBytes(bits.activationBits), y: widths.reduce((sum, width) => sum + width, 0) }
}

/** Two's complement, little endian, 8 bytes: those beyond its width are overwritten by the next entry. */
function writeInteger(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / LOW)
  view.setInt32(at, value - high * LOW, true)
  view.setInt32(at + 4, high, true)
}

function readInteger(view: DataView, at: number, width: number): number {
  switch (width) {
    case 1:
      return view.getInt8(at)
    case 2:
      return view.getInt16(at, true)
    case 3:
      return view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16
    case 4:
      return view.getInt32(at, true)
    case 5:
      return view.getUint32(at, true) + view.getInt8(at + 4) * LOW
    case 6:
      return view.getUint32(at, true) + view.getInt16(at + 4, true) * LOW
    case 7:
      return view.getUint32(at, true) + (view.getUint16(at + 4, true) + view.getInt8(at + 6) * 2 ** 16) * LOW
    default:
      // Rounds beyond 2^53, where every entry is refused by its bound anyway.
      return view.getUint32(at, true) + view.getInt32(at + 4, true) * LOW
  }
}
