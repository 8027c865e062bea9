/**
 * Bundles by digest, root and session. A bundle is `valid` here only through a VerifiedProof; what this node proved itself is kept
 * as its own before anybody has verified it. Own bundles never go by themselves.
 */
import { equal, fromHex, toHex } from '../bytes.js'
import { InvalidProofError } from '../errors.js'
import { hash } from '../kernel/hash.js'
import type { VerifiedProof } from '../proof/index.js'
import { contradiction, type TailStory } from './evidence/make.js'
import { Kept, type KeptLimits } from './kept.js'
import { type KeyParts, sortable, type Table, type Write } from './table.js'

const DIGEST_LABEL = 'zklora/v1/bundle'
/** Bundles of a session that a tail is held against; an honest session has a few. */
const HELD_AGAINST = 1024

/** What is told of a bundle without decoding it. */
export interface BundleInfo {
  readonly digest: string
  readonly root: string
  readonly session: string
  readonly adapter: string
  readonly base: string
  /** Rows start ≤ number < end. */
  readonly start: number
  readonly end: number
  readonly bytes: number
  /** Verified here. */
  readonly valid: boolean
  /** Of a session that this node took part in. */
  readonly own: boolean
  /** Milliseconds since 1970. */
  readonly added: number
  /** Of the contributor's tail, once verified: what later ones of the session are held against. */
  readonly tail?: { readonly accepted: number; readonly closed: boolean; readonly publicHash: string } | undefined
}

/** What a contributor knows of a bundle that it proved. */
export interface ProvedInfo {
  readonly root: Uint8Array
  readonly session: Uint8Array
  readonly adapter: Uint8Array
  readonly base: Uint8Array
  readonly start: number
  readonly end: number
}

export class Bundles {
  private readonly kept: Kept

  constructor(
    private readonly table: Table,
    limits: KeptLimits,
    private readonly now: () => number
  ) {
    this.kept = new Kept({ table, kind: 'bundle', limits, now, remove: (ids, write) => this.remove(ids, write) })
  }

  async open(): Promise<void> {
    await this.kept.open()
  }

  get bytes(): { own: number; others: number } {
    return this.kept.bytes
  }

  /**
   * Keeps a verified bundle.
   * @param own of a session that this node took part in
   * @throws InvalidProofError step `digest` for bytes of another bundle
   */
  async putVerified(proof: VerifiedProof, bytes: Uint8Array, { own }: { own: boolean }): Promise<BundleInfo> {
    const { accepted, closed, publicHash } = proof.contributorTail
    const tail = { accepted, closed, publicHash: toHex(publicHash) }
    return this.put(proof, bytes, { valid: true, own, owner: toHex(proof.owner), tail })
  }

  /** Keeps a bundle that this node proved, not verified by anybody yet. */
  async putOwn(info: ProvedInfo, bytes: Uint8Array): Promise<BundleInfo> {
    return this.put({ ...info, digest: hash(DIGEST_LABEL, bytes) }, bytes, { valid: false, own: true })
  }

  async get(digest: Uint8Array): Promise<Uint8Array | undefined> {
    return this.table.get(['bundle', toHex(digest)])
  }

  async info(digest: Uint8Array): Promise<BundleInfo | undefined> {
    return this.table.getJson<BundleInfo>(['bundle-info', toHex(digest)])
  }

  /** Bundles of a session, in the order of their rows. */
  async ofSession(session: Uint8Array): Promise<BundleInfo[]> {
    return this.named(['bundle-session', toHex(session)])
  }

  /** A verified bundle of a session whose contributor's tail contradicts this one. */
  async contradicting(session: Uint8Array, tail: TailStory): Promise<BundleInfo | undefined> {
    let held = 0
    for await (const { parts } of this.table.entries(['bundle-session', toHex(session)])) {
      const info = await this.table.getJson<BundleInfo>(['bundle-info', parts.at(-1)!])
      if (info?.tail !== undefined && contradiction({ ...info.tail, publicHash: fromHex(info.tail.publicHash) }, tail) !== undefined)
        return info
      if (++held === HELD_AGAINST) return undefined
    }
    return undefined
  }

  /** Bundles with a Merkle root: one, unless a contributor proved the same rows twice. */
  async withRoot(root: Uint8Array): Promise<BundleInfo[]> {
    return this.named(['bundle-root', toHex(root)])
  }

  async list(): Promise<BundleInfo[]> {
    return this.table.jsonList<BundleInfo>(['bundle-info'])
  }

  async evict(): Promise<number> {
    return this.kept.evict()
  }

  private async named(parts: string[]): Promise<BundleInfo[]> {
    const list: BundleInfo[] = []
    for await (const entry of this.table.entries(parts)) {
      list.push((await this.table.getJson<BundleInfo>(['bundle-info', entry.parts.at(-1)!]))!)
    }
    return list.sort((a, b) => a.start - b.start)
  }

  private async put(
    of: ProvedInfo & { readonly digest: Uint8Array },
    bytes: Uint8Array,
    flags: { valid: boolean; own: boolean; owner?: string; tail?: BundleInfo['tail'] }
  ): Promise<BundleInfo> {
    if (!equal(hash(DIGEST_LABEL, bytes), of.digest)) {
      throw new InvalidProofError('digest', `these ${bytes.length} bytes are not bundle ${toHex(of.digest)}`)
    }
    const digest = toHex(of.digest)
    return this.kept.change(async write => {
      const before = await this.table.getJson<BundleInfo>(['bundle-info', digest])
      const info: BundleInfo = {
        digest,
        root: toHex(of.root),
        session: toHex(of.session),
        adapter: toHex(of.adapter),
        base: toHex(of.base),
        start: of.start,
        end: of.end,
        bytes: bytes.length,
        valid: flags.valid || before?.valid === true,
        own: flags.own || before?.own === true,
        added: before?.added ?? this.now(),
        ...((flags.tail ?? before?.tail) && { tail: flags.tail ?? before?.tail })
      }
      if (before !== undefined) this.kept.forget({ id: [digest], ...before }, write)
      this.kept.add({ id: [digest], ...info, owner: flags.owner }, write)
      write.put(['bundle', digest], bytes).putJson(['bundle-info', digest], info)
      write.put(['bundle-session', info.session, sortable(info.start), digest], new Uint8Array(0))
      write.put(['bundle-root', info.root, digest], new Uint8Array(0))
      return info
    })
  }

  private async remove(ids: readonly KeyParts[], write: Write): Promise<void> {
    for (const [digest] of ids as readonly [string][]) {
      const info = (await this.table.getJson<BundleInfo>(['bundle-info', digest]))!
      write.delete(['bundle', digest]).delete(['bundle-info', digest])
      write.delete(['bundle-session', info.session, sortable(info.start), digest])
      write.delete(['bundle-root', info.root, digest])
    }
  }
}
