/**
 * Sessions that this node took part in, and the way to them by root and bundle digest. They never go by themselves, but for those
 * that peers opened here and that came to nothing: anybody can make as many as he likes.
 */
import { fromUtf8 } from '../bytes.js'
import { Serial, sortable, type Table } from './table.js'

/** Failed sessions of a contributor that are kept, the newest; what they cost the extraction budget is counted there. */
const FAILED = 1024

/** One bundle of a session. */
export interface SessionBundle {
  readonly digest: string
  readonly root: string
  readonly start: number
  readonly end: number
  readonly bytes: number
}

/** What is kept of a session; identifiers are lower-case hexadecimal, times milliseconds. The first fields are shown to people. */
export interface SessionRecord {
  readonly session: string
  readonly role: 'user' | 'contributor'
  readonly adapter: string
  readonly adapterName: string
  readonly base: string
  readonly peer: string
  readonly state: 'open' | 'proving' | 'announced' | 'proved' | 'broken' | 'failed'
  readonly rows: number
  readonly root: string | null
  readonly digest: string | null
  readonly bundleBytes: number | null
  readonly times: { readonly commit: number | null; readonly prove: number | null; readonly verify: number | null }
  readonly started: number
  readonly error: string | null
  /** In the order of their rows. */
  readonly bundles: readonly SessionBundle[]
  /** The announcement as published, hexadecimal; null when there is none. */
  readonly announcement: string | null
}

/** How many sessions are in each state, as user and as contributor. */
export type SessionCounts = Record<SessionRecord['role'], Record<SessionRecord['state'], number>>

const none = (): Record<SessionRecord['state'], number> => ({ open: 0, proving: 0, announced: 0, proved: 0, broken: 0, failed: 0 })

export class Sessions {
  /** Kept up with every change, so that nobody walks through all sessions to count them. */
  readonly counts: SessionCounts = { user: none(), contributor: none() }
  private readonly serial = new Serial()
  private readonly unfinished = new Set<string>()

  constructor(
    private readonly table: Table,
    private readonly mostFailed: number = FAILED
  ) {}

  /** Counts what is there. */
  async open(): Promise<void> {
    for await (const { value } of this.table.entries(['session'])) {
      this.count(JSON.parse(fromUtf8(value)) as SessionRecord)
    }
  }

  /** Sessions whose state says that they run. */
  async running(): Promise<SessionRecord[]> {
    const records = await Promise.all([...this.unfinished].map(session => this.get(session)))
    return records.filter(record => record !== undefined)
  }

  private count({ session, role, state }: SessionRecord): void {
    this.counts[role][state]++
    if (state === 'open' || state === 'proving') this.unfinished.add(session)
    else this.unfinished.delete(session)
  }

  async put(record: SessionRecord): Promise<void> {
    await this.serial.run(record.session, async () => {
      // It is open at its beginning only: there is nothing to be read, and nothing to wait for.
      const before = record.state === 'open' && !this.unfinished.has(record.session) ? undefined : await this.get(record.session)
      await this.write(record)
      this.count(record)
      if (before !== undefined) this.counts[before.role][before.state]--
    })
  }

  private async write(record: SessionRecord): Promise<void> {
    if (record.role === 'contributor' && record.state === 'failed' && record.bundles.length === 0) return this.putFailed(record)
    const write = this.table.write().putJson(['session', record.session], record)
    for (const { digest, root } of record.bundles) {
      for (const name of [digest, root]) write.putJson(['session-of', name], record.session)
    }
    await write.commit()
  }

  private async putFailed(record: SessionRecord): Promise<void> {
    await this.serial.run('failed', async () => {
      const write = this.table.write().putJson(['session', record.session], record)
      write.put(['session-failed', sortable(record.started), record.session], new Uint8Array(0))
      const before: string[][] = []
      for await (const { parts } of this.table.entries(['session-failed'])) if (parts[2] !== record.session) before.push([...parts])
      before.sort(([, a], [, b]) => (a! < b! ? -1 : 1))
      const going = before.slice(0, Math.max(0, before.length + 1 - this.mostFailed))
      for (const parts of going) write.delete(parts).delete(['session', parts[2]!])
      await write.commit()
      this.counts.contributor.failed -= going.length
    })
  }

  /** By session identifier, Merkle root or bundle digest. */
  async find(id: string): Promise<SessionRecord | undefined> {
    const session = (await this.table.getJson<string>(['session-of', id])) ?? id
    return this.get(session)
  }

  private async get(session: string): Promise<SessionRecord | undefined> {
    return this.table.getJson<SessionRecord>(['session', session])
  }

  /** The newest first. */
  async list(): Promise<SessionRecord[]> {
    const list = await this.table.jsonList<SessionRecord>(['session'])
    return list.sort((a, b) => b.started - a.started)
  }
}
