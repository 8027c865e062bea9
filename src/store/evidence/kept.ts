/** Evidence that this node keeps, and whom it convicts. */
import { toHex } from '../../bytes.js'
import { Kept, type KeptLimits } from '../kept.js'
import type { KeyParts, Table, Write } from '../table.js'
import type { CheckedEvidence } from './check.js'
import type { EvidenceKind } from './codec.js'

/** Of one key: more say nothing new. */
const PER_KEY = 4

/** Identifiers and keys are lower-case hexadecimal. */
export interface EvidenceInfo {
  readonly id: string
  readonly kind: EvidenceKind
  /** Contributor key. */
  readonly key: string
  /** Who delegated to it. */
  readonly owners: readonly string[]
  readonly adapter: string
  readonly reason: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly added: number
}

export class Evidences {
  private readonly kept: Kept
  /** By each key convicted: the evidence, oldest first. */
  private readonly convicted = new Map<string, EvidenceInfo[]>()

  constructor(
    private readonly table: Table,
    limits: KeptLimits,
    private readonly now: () => number
  ) {
    this.kept = new Kept({ table, kind: 'evidence', limits, now, remove: (ids, write) => this.remove(ids, write) })
  }

  async open(): Promise<void> {
    for (const info of await this.list()) this.remember(info)
    await this.kept.open()
  }

  get bytes(): number {
    return this.kept.bytes.others
  }

  /** Contributors' keys and owners convicted. */
  get keys(): number {
    return this.convicted.size
  }

  /** What convicts this key, as a contributor or as an owner that delegated. */
  against(key: Uint8Array): EvidenceInfo | undefined {
    return this.convicted.get(toHex(key))?.[0]
  }

  /** True when more against this contributor key would not be kept. */
  isFullOf(key: Uint8Array): boolean {
    return (this.convicted.get(toHex(key)) ?? []).filter(info => info.key === toHex(key)).length >= PER_KEY
  }

  /** @returns what is kept of it; undefined when it is there, or enough against its key */
  async put(evidence: CheckedEvidence): Promise<EvidenceInfo | undefined> {
    const { bytes, kind, reason } = evidence
    const [id, key, adapter] = [evidence.id, evidence.key, evidence.adapter].map(toHex) as [string, string, string]
    return this.kept.change(async write => {
      if (this.isFullOf(evidence.key) || (await this.table.has(['evidence', id]))) return undefined
      const owners = evidence.owners.map(toHex)
      const info: EvidenceInfo = { id, kind, key, owners, adapter, reason, bytes: bytes.length, added: this.now() }
      write.put(['evidence', id], bytes).putJson(['evidence-info', id], info)
      this.kept.add({ id: [id], bytes: bytes.length, added: info.added, own: false, owner: key }, write)
      this.remember(info)
      return info
    })
  }

  async get(id: Uint8Array): Promise<Uint8Array | undefined> {
    return this.table.get(['evidence', toHex(id)])
  }

  /** The oldest first. */
  async list(): Promise<EvidenceInfo[]> {
    const list = await this.table.jsonList<EvidenceInfo>(['evidence-info'])
    return list.sort((a, b) => a.added - b.added)
  }

  async evict(): Promise<number> {
    return this.kept.evict()
  }

  private remember(info: EvidenceInfo): void {
    for (const key of [info.key, ...info.owners]) this.convicted.set(key, [...(this.convicted.get(key) ?? []), info])
  }

  private async remove(ids: readonly KeyParts[], write: Write): Promise<void> {
    for (const [id] of ids as readonly [string][]) {
      write.delete(['evidence', id]).delete(['evidence-info', id])
      for (const [key, infos] of this.convicted) {
        const left = infos.filter(info => info.id !== id)
        if (left.length > 0) this.convicted.set(key, left)
        else this.convicted.delete(key)
      }
    }
  }
}
