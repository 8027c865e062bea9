/**
 * Manifests of others' adapters, verified ones only. The bytes stay on the disk; that they are verified is a type that only
 * `verifyManifest` makes, so it is kept in memory for those in use and made again from the bytes after a restart.
 */
import { toHex } from '../bytes.js'
import type { VerifiedManifest } from '../proof/index.js'
import { Kept, type KeptLimits } from './kept.js'
import type { KeyParts, Table, Write } from './table.js'

/** Bytes of verified manifests held in memory; the least recently used go first. */
const IN_MEMORY_BYTES = 64 * 1024 * 1024

/** What is told of a manifest without decoding it. */
export interface ManifestInfo {
  readonly id: string
  readonly base: string
  readonly owner: string
  readonly name: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly added: number
}

export class Manifests {
  private readonly kept: Kept
  private readonly inMemory = new Map<string, VerifiedManifest>()
  private memory = 0

  constructor(
    private readonly table: Table,
    limits: KeptLimits,
    private readonly now: () => number
  ) {
    this.kept = new Kept({ table, kind: 'manifest', limits, now, remove: (ids, write) => this.remove(ids, write) })
  }

  async open(): Promise<void> {
    await this.kept.open()
  }

  get bytes(): number {
    return this.kept.bytes.others
  }

  async put(manifest: VerifiedManifest): Promise<void> {
    const id = toHex(manifest.id)
    this.remember(id, manifest)
    const { bytes, base, owner, name } = manifest
    const info: ManifestInfo = { id, base: toHex(base), owner: toHex(owner), name, bytes: bytes.length, added: this.now() }
    await this.kept.change(async write => {
      if (await this.table.has(['manifest', id])) return
      write.put(['manifest', id], bytes).putJson(['manifest-info', id], info)
      this.kept.add({ id: [id], bytes: bytes.length, added: info.added, own: false, owner: info.owner }, write)
    })
  }

  /** The bytes of a manifest that was verified here. */
  async get(id: Uint8Array): Promise<Uint8Array | undefined> {
    return this.table.get(['manifest', toHex(id)])
  }

  async has(id: Uint8Array): Promise<boolean> {
    return this.table.has(['manifest', toHex(id)])
  }

  async info(id: Uint8Array): Promise<ManifestInfo | undefined> {
    return this.table.getJson<ManifestInfo>(['manifest-info', toHex(id)])
  }

  async list(): Promise<ManifestInfo[]> {
    return this.table.jsonList<ManifestInfo>(['manifest-info'])
  }

  /** A manifest verified by this process and still in memory. */
  verified(id: Uint8Array): VerifiedManifest | undefined {
    const name = toHex(id)
    const manifest = this.inMemory.get(name)
    if (manifest !== undefined) this.remember(name, manifest)
    return manifest
  }

  async evict(): Promise<number> {
    return this.kept.evict()
  }

  private remember(id: string, manifest: VerifiedManifest): void {
    if (this.inMemory.delete(id)) this.memory -= manifest.bytes.length
    this.inMemory.set(id, manifest)
    this.memory += manifest.bytes.length
    for (const [oldest, { bytes }] of this.inMemory) {
      if (this.memory <= IN_MEMORY_BYTES || oldest === id) break
      this.inMemory.delete(oldest)
      this.memory -= bytes.length
    }
  }

  private async remove(ids: readonly KeyParts[], write: Write): Promise<void> {
    for (const [id] of ids as readonly [string][]) write.delete(['manifest', id]).delete(['manifest-info', id])
  }
}
