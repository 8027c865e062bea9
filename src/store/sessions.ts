/**
 * Sessions that this node took part in, and the way to them by root and bundle digest. They never go by themselves, but for those
 * that peers opened here and that came to nothing: anybody can make as many as he likes.
 */
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

export class Sessions {
  private readonly serial = new Serial()

  constructor(
    private readonly table: Table,
    private readonly mostFailed: number = FAILED
  ) {}

  async put(record: SessionRecord): Promise<void> {
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
      for (const parts of before.slice(0, Math.max(0, before.length + 1 - this.mostFailed))) {
        write.delete(parts).delete(['session', parts[2]!])
      }
      await write.commit()
    })
  }

  /** By session identifier, Merkle root or bundle digest. */
  async find(id: string): Promise<SessionRecord | undefined> {
    const session = (await this.table.getJson<string>(['session-of', id])) ?? id
    return this.table.getJson<SessionRecord>(['session', session])
  }

  /** The newest first. */
  async list(): Promise<SessionRecord[]> {
    const list = await this.table.jsonList<SessionRecord>(['session'])
    return list.sort((a, b) => b.started - a.started)
  }
}
