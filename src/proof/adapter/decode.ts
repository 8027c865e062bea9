/** Reading a manifest's bytes: layout and limits, in the order of its fields (protocols/adapter, Manifest). Nothing is proved here. */
import { Cursor } from '../../bytes.js'
import { LimitExceededError, MalformedMessageError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { certificateItems, certifiedEntries } from '../certificate/layout.js'
import { LABELS } from '../labels.js'
import { POINT_BYTES, SCALAR_BYTES } from '../scalars.js'
import type { Manifest, ManifestGroup, ManifestModule } from '../types.js'
import { CERTIFICATE_KIND, hashBody, MANIFEST_VERSION } from './encode.js'

const HASH_BYTES = 32
const KEY_BYTES = 32

/** C0 and C1 controls and DEL: a name must not move a terminal's cursor. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** What is wrong with a display name, or undefined. */
export function nameFault(name: string, bytes: number, most: number): string | undefined {
  if (bytes < 1 || bytes > most) return `is ${bytes} bytes long; 1 to ${most} are allowed`
  return CONTROL.test(name) ? 'contains control characters' : undefined
}

/**
 * Decodes a manifest. The result has its own copy of the bytes.
 * @throws MalformedMessageError, LimitExceededError
 */
export function decodeManifest(received: Uint8Array): Manifest {
  if (received.length > FORMAT_LIMITS.manifestBytes) {
    throw new LimitExceededError('bytes of a manifest', received.length, FORMAT_LIMITS.manifestBytes)
  }
  const bytes = received.slice()
  const cursor = new Cursor(bytes, 'the manifest')
  const body = cursor.bytesOf(cursor.u32())
  const parsed = decodeBody(body)
  const certificateKind = cursor.u8()
  if (certificateKind !== CERTIFICATE_KIND) throw new MalformedMessageError(`certificate kind ${certificateKind} is not known`)
  const certificates = cursor.bytesOf(certificateBytes(parsed))
  cursor.end()
  return { ...parsed, bytes, id: hash(LABELS.adapter, bytes), bodyHash: hashBody(body), certificateKind, certificates }
}

function certificateBytes({ groups, weightBits }: Pick<Manifest, 'groups' | 'weightBits'>): number {
  let items = 0
  for (const { dIn, modules } of groups) for (const { dOut, rank } of modules) items += certificateItems({ dIn, dOut, rank, weightBits })
  return items * SCALAR_BYTES
}

function decodeBody(body: Uint8Array): Omit<Manifest, 'bytes' | 'id' | 'bodyHash' | 'certificateKind' | 'certificates'> {
  const cursor = new Cursor(body, 'the body of the manifest')
  const version = cursor.u8()
  if (version !== MANIFEST_VERSION) throw new MalformedMessageError(`manifest version ${version} is not known`)
  const owner = cursor.bytesOf(KEY_BYTES)
  const base = cursor.bytesOf(HASH_BYTES)
  const name = readName(cursor, 'name', FORMAT_LIMITS.adapterNameBytes)
  const baseName = readName(cursor, 'base model name', FORMAT_LIMITS.nameBytes)
  const activationBits = readBits(cursor, 'activation', FORMAT_LIMITS.activationBits)
  const weightBits = readBits(cursor, 'weight', FORMAT_LIMITS.weightBits)
  const shapes = readGroups(cursor)
  const entries = certifiedEntries({ groups: shapes, weightBits })
  if (entries > FORMAT_LIMITS.certifiedEntries) {
    throw new LimitExceededError('entries of certificates', entries, FORMAT_LIMITS.certifiedEntries, 'in a manifest')
  }
  const scalesHash = cursor.bytesOf(HASH_BYTES)
  const groups = readCommitments(cursor, shapes)
  cursor.end()
  return { owner, base, name, baseName, activationBits, weightBits, groups, scalesHash }
}

function readName(cursor: Cursor, what: string, most: number): string {
  const length = cursor.u16()
  if (length > most) throw new LimitExceededError(`bytes of the ${what}`, length, most, 'in a manifest')
  const name = cursor.text(length)
  const fault = nameFault(name, length, most)
  if (fault !== undefined) throw new MalformedMessageError(`the ${what} in the manifest ${fault}`)
  return name
}

function readBits(cursor: Cursor, what: string, [least, most]: readonly [number, number]): number {
  const bits = cursor.u8()
  if (bits < least || bits > most) throw new MalformedMessageError(`${what} bits are ${bits}; the format has ${least} to ${most}`)
  return bits
}

/** A count or width that is at least 1. */
function readCount(value: number, what: string, most: number): number {
  if (value < 1) throw new MalformedMessageError(`${what} is 0 in the manifest`)
  if (value > most) throw new LimitExceededError(what, value, most, 'in a manifest')
  return value
}

type Shape = Omit<ManifestGroup, 'modules'> & { modules: Omit<ManifestModule, 'ca' | 'cb'>[] }

function readGroups(cursor: Cursor): Shape[] {
  const groups: Shape[] = []
  const names = new Set<string>()
  let rankSum = 0
  const count = readCount(cursor.u16(), 'groups', FORMAT_LIMITS.groups)
  for (let g = 0; g < count; g++) {
    const dIn = readCount(cursor.u32(), 'd_in', FORMAT_LIMITS.dIn)
    const modules: Shape['modules'] = []
    let outputs = 0
    let rank = 0
    const members = readCount(cursor.u16(), 'modules', FORMAT_LIMITS.modules - names.size)
    for (let m = 0; m < members; m++) {
      const index = names.size
      const name = readName(cursor, 'module name', FORMAT_LIMITS.nameBytes)
      if (names.has(name)) throw new MalformedMessageError(`the manifest has two modules called ${name}`)
      names.add(name)
      const dOut = readCount(cursor.u32(), 'd_out', FORMAT_LIMITS.groupOutputs - outputs)
      const r = readCount(cursor.u16(), 'rank', FORMAT_LIMITS.rank)
      modules.push({ name, dOut, rank: r, offset: outputs, index })
      outputs += dOut
      rank += r
      rankSum += r
      if (rankSum > FORMAT_LIMITS.rankSum) throw new LimitExceededError('sum of ranks', rankSum, FORMAT_LIMITS.rankSum, 'in a manifest')
    }
    groups.push({ dIn, outputs, rank, modules })
  }
  return groups
}

function readCommitments(cursor: Cursor, shapes: readonly Shape[]): ManifestGroup[] {
  return shapes.map(shape => ({
    ...shape,
    modules: shape.modules.map(module => ({
      ...module,
      ca: cursor.bytesOf(module.rank * POINT_BYTES),
      cb: cursor.bytesOf(module.rank * POINT_BYTES)
    }))
  }))
}
