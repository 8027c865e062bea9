/**
 * The extraction budget: rows answered per group over all peers, by the adapter's content (session-proof.md, section 8). Rows are
 * reserved on disk in blocks before answers leave; what is reserved and unspent at a crash counts as spent.
 */
import { toHex } from '../bytes.js'
import { BUDGET_BLOCK_ROWS } from '../limits.js'
import type { QuantizedAdapter } from '../lora/types.js'
import { SAME_LINEAGE, shapeOf, similarity, type Sketch, sketchOf } from './sketch.js'
import { Serial, type Table } from './table.js'

/** Peers whose rows are counted, for information; those with the fewest rows go first. */
const PEERS = 1024

/** Adapters that share one count. */
interface Lineage {
  /** Content that the count was first kept for, hexadecimal. */
  readonly root: string
  readonly base: string
  readonly shape: string
  /** Similarity to the version that it was recognised by; null for the first. */
  readonly similarity: number | null
}

/** An adapter as the budget sees it. */
export interface BudgetAdapter {
  /** 32 bytes by which the adapter is known; never shown. */
  readonly content: Uint8Array
  readonly base: Uint8Array
  readonly quantized: QuantizedAdapter
}

/** What registering an adapter found. */
export interface Registered {
  /** `same`: this content had been here; `version`: of another one; `new`: a count from zero. */
  readonly known: 'same' | 'version' | 'new'
  readonly similarity: number | null
}

export interface TakeParams {
  readonly content: Uint8Array
  /** Index in the manifest. */
  readonly group: number
  readonly rows: number
  /** Rows of this group answered at most; null: no limit. */
  readonly limit: number | null
  readonly peer?: string | undefined
}

export class Budget {
  private readonly serial = new Serial()
  /** Reserved on disk and not spent, by root and group. */
  private readonly unspent = new Map<string, number>()
  /** Rows reserved by group, as this process wrote them: not read for every answer. */
  private readonly onDisk = new Map<string, number>()
  /** Rows by root and peer that are not on disk yet. */
  private readonly peers = new Map<string, Map<string, number>>()

  /** Root of each content in use. */
  private readonly roots = new Map<string, string>()

  constructor(private readonly table: Table) {}

  /** Finds the count that an adapter belongs to, or begins one. Before its first answer. */
  async register({ content, base, quantized }: BudgetAdapter): Promise<Registered> {
    return this.serial.run('register', async () => {
      const name = toHex(content)
      if ((await this.lineage(name)) !== undefined) return { known: 'same', similarity: 1 }
      const sketch = sketchOf(quantized)
      const shape = shapeOf(quantized)
      let best: { root: string; similarity: number } | undefined
      for await (const { parts, value } of this.table.entries(['sketch'])) {
        const other = (await this.lineage(parts[1]!))!
        if (other.base !== toHex(base) || other.shape !== shape) continue
        const alike = similarity(sketch, floats(value))
        if (alike >= SAME_LINEAGE && alike > (best?.similarity ?? 0)) best = { root: other.root, similarity: alike }
      }
      const lineage: Lineage = { root: best?.root ?? name, base: toHex(base), shape, similarity: best?.similarity ?? null }
      await this.table.write().putJson(['lineage', name], lineage).put(['sketch', name], bytesOf(sketch)).commit()
      return { known: best === undefined ? 'new' : 'version', similarity: lineage.similarity }
    })
  }

  /**
   * Takes rows off the budget, on disk before this resolves true.
   * @returns false when the limit would be passed: nothing is taken then
   */
  async take(params: TakeParams): Promise<boolean> {
    const root = await this.rootOf(params.content)
    const key = `${root}/${params.group}`
    return this.serial.run(root, async () => {
      const { rows, limit, peer } = params
      const left = this.unspent.get(key) ?? 0
      const reserved = await this.reserved(root, params.group)
      // Also of what is reserved: the limit may have been lowered since.
      if (limit !== null && reserved - left + rows > limit) return false
      if (rows > left) {
        const missing = rows - left
        const blocks = Math.ceil(missing / BUDGET_BLOCK_ROWS) * BUDGET_BLOCK_ROWS
        const more = limit === null ? blocks : Math.min(blocks, limit - reserved)
        await this.reserve(root, params.group, reserved + more)
        this.unspent.set(key, left + more)
      }
      this.unspent.set(key, this.unspent.get(key)! - rows)
      if (peer !== undefined) this.count(root, peer, rows)
      return true
    })
  }

  /** Rows of a group answered or lost in a crash. */
  async answered(content: Uint8Array, group: number): Promise<number> {
    const root = await this.rootOf(content)
    return (await this.reserved(root, group)) - (this.unspent.get(`${root}/${group}`) ?? 0)
  }

  /** Rows left below a limit, in the group that has least. Null: no limit. */
  async rowsLeft(content: Uint8Array, groups: number, limit: number | null): Promise<number | null> {
    if (limit === null) return null
    let least = limit
    for (let group = 0; group < groups; group++) least = Math.min(least, limit - (await this.answered(content, group)))
    return Math.max(0, least)
  }

  /** Rows answered to each peer, for information: peers are free to make. */
  async ofPeers(content: Uint8Array): Promise<Record<string, number>> {
    const root = await this.rootOf(content)
    return this.joined(root, await this.peersOnDisk(root))
  }

  /** Hands back what is reserved and unspent, and writes the counts by peer: an orderly end, not a crash. */
  async close(): Promise<void> {
    for (const [key, left] of this.unspent) {
      const [root, group] = key.split('/') as [string, string]
      await this.serial.run(root, async () => {
        const reserved = await this.reserved(root, Number(group))
        this.unspent.delete(key)
        await this.reserve(root, Number(group), reserved - left)
      })
    }
  }

  private async lineage(content: string): Promise<Lineage | undefined> {
    return this.table.getJson<Lineage>(['lineage', content])
  }

  private async rootOf(content: Uint8Array): Promise<string> {
    const name = toHex(content)
    const root = this.roots.get(name) ?? (await this.lineage(name))?.root
    if (root === undefined) throw new RangeError('the adapter is not registered with the budget')
    this.roots.set(name, root)
    return root
  }

  private async reserved(root: string, group: number): Promise<number> {
    return this.onDisk.get(`${root}/${group}`) ?? (await this.table.getJson<number>(['budget', root, String(group)])) ?? 0
  }

  private async reserve(root: string, group: number, rows: number): Promise<void> {
    const write = this.table.write().putJson(['budget', root, String(group)], rows)
    if (this.peers.has(root)) {
      const joined = this.joined(root, await this.peersOnDisk(root))
      const most = Object.entries(joined).sort(([, a], [, b]) => b - a)
      write.putJson(['budget-peers', root], Object.fromEntries(most.slice(0, PEERS)))
      this.peers.delete(root)
    }
    // Until it is known whether the write has come to the disk, what is there is not known.
    this.onDisk.delete(`${root}/${group}`)
    await write.commit()
    this.onDisk.set(`${root}/${group}`, rows)
  }

  private async peersOnDisk(root: string): Promise<Record<string, number>> {
    return (await this.table.getJson<Record<string, number>>(['budget-peers', root])) ?? {}
  }

  private joined(root: string, onDisk: Record<string, number>): Record<string, number> {
    const joined = { ...onDisk }
    for (const [peer, rows] of this.peers.get(root) ?? []) joined[peer] = (joined[peer] ?? 0) + rows
    return joined
  }

  private count(root: string, peer: string, rows: number): void {
    const peers = this.peers.get(root) ?? new Map<string, number>()
    peers.set(peer, (peers.get(peer) ?? 0) + rows)
    this.peers.set(root, peers)
  }
}

function bytesOf(sketch: Sketch): Uint8Array {
  const bytes = new Uint8Array(4 * sketch.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < sketch.length; i++) view.setFloat32(4 * i, sketch[i]!, true)
  return bytes
}

function floats(bytes: Uint8Array): Sketch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true))
}
