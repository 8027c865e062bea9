/** What a certificate consists of, and its bytes (protocols/adapter, Certificate). */
import { concat } from '../../bytes.js'
import { encodePairsProof, pairsPoints, pairsScalars, readPairsProof, type PairsProof } from '../argument/layout.js'
import { encodeLinear, linearPoints, linearScalars, readLinear, type LinearProof } from '../argument/linear.js'
import { slice } from '../scalars.js'
import { tableSize } from './table.js'

/** What fixes the length of a module's certificate. */
export interface ModuleShape {
  readonly dIn: number
  readonly dOut: number
  readonly rank: number
  readonly weightBits: number
}

/** What of an adapter's shape its certificates depend on. */
interface Widths {
  readonly weightBits: number
  readonly groups: readonly { readonly dIn: number; readonly modules: readonly { readonly dOut: number }[] }[]
}

/** Entries that checking all certificates goes through: of both widths and of the table. */
export function certifiedEntries({ groups, weightBits }: Widths): number {
  let entries = 0
  for (const { dIn, modules } of groups) for (const { dOut } of modules) entries += dIn + dOut + tableSize(weightBits)
  return entries
}

/** A module's certificate. */
export interface Certificate {
  /** Step 1. */
  readonly m: Uint8Array
  /** Step 2: 2r points. */
  readonly cf: Uint8Array
  /** Step 3. */
  readonly va: Uint8Array
  readonly vb: Uint8Array
  /** Step 4. */
  readonly familyA: PairsProof
  readonly familyB: PairsProof
  /** Step 5. */
  readonly table: LinearProof
}

export function encodeCertificate({ m, cf, va, vb, familyA, familyB, table }: Certificate): Uint8Array {
  return concat([m, cf, va, vb, encodePairsProof(familyA), encodePairsProof(familyB), encodeLinear(table)])
}

/** @param next the next so many points or scalars */
function read(next: (count?: number) => Uint8Array, { dIn, dOut, rank, weightBits }: ModuleShape): Certificate {
  return {
    ...{ m: next(), cf: next(2 * rank), va: next(), vb: next() },
    familyA: readPairsProof(next, { count: rank, length: dIn }),
    familyB: readPairsProof(next, { count: rank, length: dOut }),
    table: readLinear(next, tableSize(weightBits))
  }
}

/** Points and scalars of a module's certificate, together. */
export function certificateItems(shape: ModuleShape): number {
  let items = 0
  read((count = 1) => {
    items += count
    return new Uint8Array()
  }, shape)
  return items
}

/** Takes a certificate apart. @param bytes as many as its items have */
export function splitCertificate(bytes: Uint8Array, shape: ModuleShape): Certificate {
  let at = 0
  return read((count = 1) => {
    at += count
    return slice(bytes, at - count, at)
  }, shape)
}

/** All points of a certificate; several of one name stand one after the other, and the parts in this order. */
export function certificatePoints({ m, cf, va, vb, familyA, familyB, table }: Certificate) {
  return { own: { m, cf, va, vb }, familyA: pairsPoints(familyA), familyB: pairsPoints(familyB), table: linearPoints(table) }
}

/** All scalars of a certificate. */
export function certificateScalars({ familyA, familyB, table }: Certificate): Uint8Array[] {
  return [...pairsScalars(familyA), ...pairsScalars(familyB), ...linearScalars(table)]
}
