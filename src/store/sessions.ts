/** Sessions that this node took part in, and the way to them by root and bundle digest. They never go by themselves. */
import type { Table } from './table.js'

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
  readonly state: 'open' | 'proving' | 'announced' | 'proved' | 'failed'
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
  constructor(private readonly table: Table) {}

  async put(record: SessionRecord): Promise<void> {
    const write = this.table.write().putJson(['session', record.session], record)
    for (const { digest, root } of record.bundles) {
      for (const name of [digest, root]) write.putJson(['session-of', name], record.session)
    }
    await write.commit()
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
