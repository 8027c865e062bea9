/** The bytes of a manifest (protocols/adapter, Manifest). */
import { concat, u16, u32, u8, utf8 } from '../../bytes.js'
import { hash } from '../../kernel/hash.js'
import { LABELS } from '../labels.js'

export const MANIFEST_VERSION = 1

/** The certificate that shows every weight in its range; there is no other. */
export const CERTIFICATE_KIND = 1

/** What the part of the body from `a` to the last module is made from; a QuantizedAdapter and a Manifest both are. */
export interface AdapterShape {
  readonly activationBits: number
  readonly weightBits: number
  readonly groups: readonly {
    readonly dIn: number
    readonly modules: readonly { readonly name: string; readonly dOut: number; readonly rank: number }[]
  }[]
}

/** A module's commitments: rank × 32 bytes each. */
export interface ModuleCommitments {
  readonly ca: Uint8Array
  readonly cb: Uint8Array
}

export interface ManifestBody {
  readonly owner: Uint8Array
  readonly base: Uint8Array
  readonly name: string
  readonly baseName: string
  readonly shape: AdapterShape
  readonly scalesHash: Uint8Array
  /** Over all groups. */
  readonly commitments: readonly ModuleCommitments[]
}

function shortText(text: string): Uint8Array {
  const bytes = utf8(text)
  return concat([u16(bytes.length), bytes])
}

export function encodeShape({ activationBits, weightBits, groups }: AdapterShape): Uint8Array {
  return concat([
    u8(activationBits),
    u8(weightBits),
    u16(groups.length),
    ...groups.flatMap(({ dIn, modules }) => [
      u32(dIn),
      u16(modules.length),
      ...modules.flatMap(({ name, dOut, rank }) => [shortText(name), u32(dOut), u16(rank)])
    ])
  ])
}

export function encodeBody({ owner, base, name, baseName, shape, scalesHash, commitments }: ManifestBody): Uint8Array {
  return concat([
    u8(MANIFEST_VERSION),
    owner,
    base,
    shortText(name),
    shortText(baseName),
    encodeShape(shape),
    scalesHash,
    ...commitments.flatMap(({ ca, cb }) => [ca, cb])
  ])
}

export function encodeManifest(body: Uint8Array, certificates: Uint8Array): Uint8Array {
  return concat([u32(body.length), body, u8(CERTIFICATE_KIND), certificates])
}

/** What certificates absorb in the place of the body. */
export function hashBody(body: Uint8Array): Uint8Array {
  return hash(LABELS.manifestBody, body)
}
