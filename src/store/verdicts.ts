/**
 * What this node found of announced bundles: one verdict for each digest and contributor key, so that nobody's false announcement of
 * a bundle touches the verdict on another's.
 */
import { utf8 } from '../bytes.js'
import { Kept, type KeptItem, type KeptLimits } from './kept.js'
import type { KeyParts, Table, Write } from './table.js'

export type Verdict = 'announced' | 'valid' | 'invalid' | 'unavailable'

/** Identifiers are lower-case hexadecimal, times milliseconds. */
export interface VerdictRecord {
  readonly digest: string
  readonly root: string
  readonly session: string
  readonly adapter: string
  readonly adapterName: string | null
  readonly rows: number
  readonly bundleBytes: number
  readonly verdict: Verdict
  readonly error: string | null
  readonly elapsed: number | null
  readonly announced: number
  readonly checked: number | null
  readonly contributor: string
  readonly userSigned: boolean
}

export class Verdicts {
  private readonly kept: Kept
  /** Verdicts by kind. */
  readonly counts: Record<Verdict, number> = { announced: 0, valid: 0, invalid: 0, unavailable: 0 }

  constructor(
    private readonly table: Table,
    limits: KeptLimits,
    now: () => number
  ) {
    this.kept = new Kept({ table, kind: 'verdict', limits, now, remove: (ids, write) => this.remove(ids, write) })
  }

  async open(): Promise<void> {
    for (const { verdict } of await this.list()) this.counts[verdict]++
    await this.kept.open()
  }

  get bytes(): number {
    return this.kept.bytes.others
  }

  /**
   * What is valid stays so when it is announced again, and what its user has signed stays signed when a later announcement leaves that
   * out.
   * @returns what is kept now; undefined: what was there stays
   */
  async put(given: VerdictRecord): Promise<VerdictRecord | undefined> {
    const { digest, contributor } = given
    return this.kept.change(async write => {
      const before = await this.get(digest, contributor)
      const record = after(before, given)
      if (record === undefined) return undefined
      write.putJson(['verdict', digest, contributor], record)
      if (before !== undefined) {
        this.kept.forget(itemOf(before), write)
        this.counts[before.verdict]--
      }
      this.kept.add(itemOf(record), write)
      this.counts[record.verdict]++
      return record
    })
  }

  async get(digest: string, contributor: string): Promise<VerdictRecord | undefined> {
    return this.table.getJson<VerdictRecord>(['verdict', digest, contributor])
  }

  /** The newest first. */
  async list(): Promise<VerdictRecord[]> {
    const list = await this.table.jsonList<VerdictRecord>(['verdict'])
    return list.sort((a, b) => b.announced - a.announced)
  }

  async evict(): Promise<number> {
    return this.kept.evict()
  }

  private async remove(ids: readonly KeyParts[], write: Write): Promise<void> {
    for (const [digest, contributor] of ids as readonly [string, string][]) {
      this.counts[(await this.get(digest, contributor))!.verdict]--
      write.delete(['verdict', digest, contributor])
    }
  }
}

function after(before: VerdictRecord | undefined, given: VerdictRecord): VerdictRecord | undefined {
  if (before?.verdict !== 'valid' || given.verdict === 'invalid') return given
  return given.verdict === 'valid' ? { ...given, userSigned: given.userSigned || before.userSigned } : undefined
}

/** An adapter's owner is known by its manifest only: here each adapter stands for itself. */
function itemOf(record: VerdictRecord): KeptItem {
  const bytes = utf8(JSON.stringify(record)).length
  return { id: [record.digest, record.contributor], bytes, added: record.announced, own: false, owner: record.adapter }
}
