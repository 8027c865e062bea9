/**
 * Own adapters: what a contributor needs to serve them again after a restart. Weights and secrets are read only when an adapter is
 * opened; lists show what may be shown.
 */
import { concat, Cursor, toHex } from '../bytes.js'
import { NotFoundError } from '../errors.js'
import type { QuantizedAdapter, QuantizedGroup } from '../lora/types.js'
import type { Manifest } from '../proof/index.js'
import type { Table } from './table.js'

/** Whom an adapter is served to. */
export interface AdapterPolicy {
  /** `open`: whoever asks can extract it. `listed`: only the peers of `allow`. */
  readonly mode: 'open' | 'listed'
  readonly allow: readonly string[]
  /** Rows of each group answered at most, over all peers; null: no limit. */
  readonly limitRows: number | null
}

/** From what it was registered. */
interface Origin {
  readonly folder: string
  readonly fingerprint: string
}

/** Public side of an own adapter, and its policy. */
export interface OwnAdapterEntry {
  readonly origin?: Origin | undefined
  readonly id: string
  readonly name: string
  readonly base: string
  readonly groups: number
  readonly policy: AdapterPolicy
  /** Milliseconds since 1970. */
  readonly added: number
}

/** An own adapter with everything. Secret, but for the manifest. */
export interface OwnAdapter {
  readonly manifestBytes: Uint8Array
  readonly quantized: QuantizedAdapter
  /** 32 bytes each: Ed25519 seed of the owner key, secret of the blindings, salt of the scales, content digest. */
  readonly ownerSeed: Uint8Array
  readonly secret: Uint8Array
  readonly salt: Uint8Array
  readonly content: Uint8Array
  readonly policy: AdapterPolicy
  readonly added: number
  readonly origin?: Origin | undefined
}

/** Shape of a quantised adapter: all but its numbers. */
interface Shape {
  readonly baseModelName: string
  readonly activationBits: number
  readonly weightBits: number
  readonly groups: readonly { readonly dIn: number; readonly modules: readonly { name: string; dOut: number; rank: number }[] }[]
}

/** u32 length of the body, u8 version. */
const OWNER_AT = 5

const SECRETS = ['ownerSeed', 'secret', 'salt', 'content'] as const

export class Adapters {
  constructor(private readonly table: Table) {}

  /** Adds or replaces an adapter. Register its budget first. */
  async put(manifest: Manifest, adapter: Omit<OwnAdapter, 'manifestBytes'>): Promise<OwnAdapterEntry> {
    const id = toHex(manifest.id)
    const { policy, added, quantized, origin } = adapter
    const entry: OwnAdapterEntry = {
      ...{ id, name: manifest.name, base: toHex(manifest.base), groups: manifest.groups.length, policy, added },
      ...(origin !== undefined && { origin })
    }
    await this.table
      .write()
      .putJson(['adapter', id], entry)
      .put(['adapter-manifest', id], manifest.bytes)
      .put(['adapter-secrets', id], concat(SECRETS.map(name => adapter[name])))
      .putJson(['adapter-shape', id], shapeOf(quantized))
      .put(['adapter-weights', id], encodeWeights(quantized))
      .commit()
    return entry
  }

  async list(): Promise<OwnAdapterEntry[]> {
    const list = await this.table.jsonList<OwnAdapterEntry>(['adapter'])
    return list.sort((a, b) => a.added - b.added)
  }

  async has(id: Uint8Array): Promise<boolean> {
    return this.table.has(['adapter', toHex(id)])
  }

  async manifest(id: Uint8Array): Promise<Uint8Array | undefined> {
    return this.table.get(['adapter-manifest', toHex(id)])
  }

  /** Public owner key, in hexadecimal: it follows the lengths and the version at the manifest's head (protocols/adapter). */
  async owner(id: Uint8Array): Promise<string | undefined> {
    const bytes = await this.manifest(id)
    return bytes === undefined ? undefined : toHex(bytes.subarray(OWNER_AT, OWNER_AT + 32))
  }

  /** @throws NotFoundError */
  async get(id: Uint8Array): Promise<OwnAdapter> {
    const name = toHex(id)
    const entry = await this.table.getJson<OwnAdapterEntry>(['adapter', name])
    if (entry === undefined) throw new NotFoundError(`there is no own adapter ${name}; "zklora adapter list" shows those that there are`)
    const secrets = new Cursor((await this.table.get(['adapter-secrets', name]))!, 'the secrets of an adapter')
    const [ownerSeed, secret, salt, content] = SECRETS.map(() => secrets.bytesOf(32).slice()) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array
    ]
    const shape = (await this.table.getJson<Shape>(['adapter-shape', name]))!
    return {
      manifestBytes: (await this.table.get(['adapter-manifest', name]))!,
      quantized: decodeWeights(shape, (await this.table.get(['adapter-weights', name]))!),
      ownerSeed,
      secret,
      salt,
      content,
      policy: entry.policy,
      added: entry.added,
      ...(entry.origin !== undefined && { origin: entry.origin })
    }
  }

  /** @throws NotFoundError */
  async setPolicy(id: Uint8Array, policy: AdapterPolicy): Promise<void> {
    const name = toHex(id)
    const entry = await this.table.getJson<OwnAdapterEntry>(['adapter', name])
    if (entry === undefined) throw new NotFoundError(`there is no own adapter ${name}`)
    await this.table
      .write()
      .putJson(['adapter', name], { ...entry, policy })
      .commit()
  }

  /** Its budget's count stays: registering the adapter again goes on with it. */
  async remove(id: Uint8Array): Promise<void> {
    const name = toHex(id)
    const write = this.table.write()
    for (const kind of ['adapter', 'adapter-manifest', 'adapter-secrets', 'adapter-shape', 'adapter-weights']) write.delete([kind, name])
    await write.commit()
  }
}

function shapeOf({ baseModelName, activationBits, weightBits, groups }: QuantizedAdapter): Shape {
  const widths = groups.map(({ dIn, modules }) => ({ dIn, modules: modules.map(({ name, dOut, rank }) => ({ name, dOut, rank })) }))
  return { baseModelName, activationBits, weightBits, groups: widths }
}

/** For each module: f64 scale, then A and B as i16, little endian. */
function encodeWeights({ groups }: QuantizedAdapter): Uint8Array {
  const modules = groups.flatMap(group => group.modules)
  const bytes = new Uint8Array(modules.reduce((sum, { a, b }) => sum + 8 + 2 * (a.length + b.length), 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { scale, a, b } of modules) {
    view.setFloat64(at, scale, true)
    at += 8
    for (const weights of [a, b]) {
      for (let i = 0; i < weights.length; i++, at += 2) view.setInt16(at, weights[i]!, true)
    }
  }
  return bytes
}

function decodeWeights({ groups, ...rest }: Shape, bytes: Uint8Array): QuantizedAdapter {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const integers = (length: number): Int16Array => {
    const out = new Int16Array(length)
    for (let i = 0; i < length; i++, at += 2) out[i] = view.getInt16(at, true)
    return out
  }
  const decoded = groups.map(({ dIn, modules }): QuantizedGroup => ({
    dIn,
    modules: modules.map(({ name, dOut, rank }) => {
      const scale = view.getFloat64(at, true)
      at += 8
      return { name, dOut, rank, scale, a: integers(rank * dIn), b: integers(rank * dOut) }
    })
  }))
  return { ...rest, groups: decoded }
}
