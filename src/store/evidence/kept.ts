/**
 * Evidence that this node keeps, and whom it convicts. The bytes share a room that others' evidence can fill; that they were verified
 * here, and what they showed, outlives them.
 */
import { toHex } from '../../bytes.js'
import { NET_LIMITS } from '../../limits.js'
import { Kept, type KeptLimits } from '../kept.js'
import type { KeyParts, Table, Write } from '../table.js'
import type { CheckedEvidence } from './check.js'
import type { EvidenceKind } from './codec.js'

/** Pieces of one contributor key: more say nothing new. */
const PER_KEY = 4
/** Records of one owner's replicas: it can delegate to any number of keys, and each of its adapters is refused by the first. */
const PER_OWNER = 16
/** Characters of a reason: some quote what was wrong. */
const REASON = 512

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
  /** False: the bytes went for want of room, and what they showed is remembered. */
  readonly kept: boolean
  /** When it was verified here, milliseconds since 1970. */
  readonly added: number
}

export interface EvidenceLimits extends KeptLimits {
  /** Of what was verified, with its bytes or without. */
  readonly records?: number | undefined
  /** Told of records that went. */
  readonly onForgotten?: ((records: number) => void) | undefined
}

export class Evidences {
  private readonly kept: Kept
  private readonly most: number
  private readonly records = new Map<string, EvidenceInfo>()
  /** By each key convicted the identifiers, oldest first. */
  private readonly convicted = new Map<string, Set<string>>()

  constructor(
    private readonly table: Table,
    private readonly limits: EvidenceLimits,
    private readonly now: () => number
  ) {
    this.most = limits.records ?? NET_LIMITS.keptConvictions
    this.kept = new Kept({ table, kind: 'evidence', limits, now, remove: (ids, write) => this.remove(ids, write) })
  }

  async open(): Promise<void> {
    const infos = await this.table.jsonList<EvidenceInfo>(['evidence-info'])
    // An earlier version forgot the one with the other.
    for (const info of infos.sort(oldestFirst)) this.remember({ ...info, kept: info.kept !== false })
    await this.kept.open()
  }

  /** Of evidence whose bytes are kept. */
  get bytes(): number {
    return this.kept.bytes.others
  }

  /** Contributors' keys and owners convicted. */
  get keys(): number {
    return this.convicted.size
  }

  /** What convicts this key, as a contributor or as an owner that delegated: with its bytes, if there is such. */
  against(key: Uint8Array): EvidenceInfo | undefined {
    const about = this.about(toHex(key))
    return about.find(({ kept }) => kept) ?? about[0]
  }

  /** True when more against this contributor key, or a replica of these owners, would not be kept. */
  isFullOf(key: Uint8Array, owners: readonly Uint8Array[] = []): boolean {
    return this.isFullOfKey(toHex(key)) || owners.some(owner => this.ofReplicas(toHex(owner)).length >= PER_OWNER)
  }

  /** @returns what is kept of it; undefined when it is there, or enough against its key */
  async put(evidence: CheckedEvidence): Promise<EvidenceInfo | undefined> {
    const { bytes, kind, reason } = evidence
    const [id, key, adapter] = [evidence.id, evidence.key, evidence.adapter].map(toHex) as [string, string, string]
    const put = await this.kept.change(async write => {
      const before = this.records.get(id)
      const isFull = before === undefined ? this.isFullOf(evidence.key, evidence.owners) : before.kept || this.isFullOfKey(key)
      if (isFull) return undefined
      const owners = evidence.owners.map(toHex)
      const text = reason.slice(0, REASON)
      const info: EvidenceInfo = { id, kind, key, owners, adapter, reason: text, bytes: bytes.length, kept: true, added: this.now() }
      write.put(['evidence', id], bytes).putJson(['evidence-info', id], info)
      this.kept.add({ id: [id], bytes: bytes.length, added: info.added, own: false, owner: partyOf(info) }, write)
      this.remember(info)
      this.dropBeyond(info, write)
      return info
    })
    // Where there is no room it may be the first to go.
    return put === undefined ? undefined : (this.records.get(id) ?? { ...put, kept: false })
  }

  /** The bytes, when they are kept. */
  async get(id: Uint8Array): Promise<Uint8Array | undefined> {
    return this.table.get(['evidence', toHex(id)])
  }

  /** The oldest first. */
  list(): EvidenceInfo[] {
    return [...this.records.values()].sort(oldestFirst)
  }

  async evict(): Promise<number> {
    return this.kept.evict()
  }

  private about(key: string): EvidenceInfo[] {
    return [...(this.convicted.get(key) ?? [])].map(id => this.records.get(id)!)
  }

  private isFullOfKey(key: string): boolean {
    return this.about(key).filter(info => info.kept && info.key === key).length >= PER_KEY
  }

  private ofReplicas(owner: string): EvidenceInfo[] {
    return this.about(owner).filter(info => info.owners.includes(owner))
  }

  private remember(info: EvidenceInfo): void {
    this.records.set(info.id, info)
    for (const key of [info.key, ...info.owners]) this.convicted.set(key, (this.convicted.get(key) ?? new Set()).add(info.id))
  }

  /** Records beyond what is kept of the key of a new one, and of all together. */
  private dropBeyond({ id, key }: EvidenceInfo, write: Write): void {
    const ofKey = this.about(key).filter(info => info.key === key)
    if (ofKey.length > PER_KEY) {
      const needless = ofKey.find(info => !info.kept && info.id !== id && info.owners.every(owner => this.convicted.get(owner)!.size > 1))
      if (needless !== undefined) this.drop(needless, write)
    }
    while (this.records.size > this.most) {
      this.drop(this.leastMissed(), write)
      this.limits.onForgotten?.(1)
    }
  }

  /**
   * Of whom the most is known, without its bytes before with them, the oldest; of several such by lot, so that nobody knows whose
   * conviction so many of his own push out.
   */
  private leastMissed(): EvidenceInfo {
    const parties = new Map<string, EvidenceInfo[]>()
    for (const info of this.list()) {
      const infos = parties.get(partyOf(info)) ?? []
      parties.set(partyOf(info), infos)
      infos.push(info)
    }
    const longest = Math.max(...[...parties.values()].map(({ length }) => length))
    const candidates = [...parties.values()].filter(({ length }) => length === longest)
    const [lot] = crypto.getRandomValues(new Uint32Array(1))
    const infos = candidates[lot! % candidates.length]!
    return infos.find(({ kept }) => !kept) ?? infos[0]!
  }

  private drop(info: EvidenceInfo, write: Write): void {
    const { id, bytes, added, kept } = info
    if (kept) this.kept.forget({ id: [id], bytes, added, own: false }, write)
    write.delete(['evidence', id]).delete(['evidence-info', id])
    this.records.delete(id)
    for (const key of [info.key, ...info.owners]) {
      const ids = this.convicted.get(key)!
      ids.delete(id)
      if (ids.size === 0) this.convicted.delete(key)
    }
  }

  /** For want of room: what they showed is remembered. */
  private async remove(ids: readonly KeyParts[], write: Write): Promise<void> {
    for (const [id] of ids as readonly [string][]) {
      const info = { ...this.records.get(id)!, kept: false }
      write.delete(['evidence', id]).putJson(['evidence-info', id], info)
      this.records.set(id, info)
    }
  }
}

const oldestFirst = (a: EvidenceInfo, b: EvidenceInfo): number => a.added - b.added

/** Whose share of the room it takes: one owner's replicas together have one. */
function partyOf({ key, owners }: EvidenceInfo): string {
  return owners[0] ?? key
}
