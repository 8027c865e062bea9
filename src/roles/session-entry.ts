/** What a participant keeps and shows of one of its sessions: live while it runs, in the store at each change of its state. */
import { fromHex, toHex } from '../bytes.js'
import type { SessionRecord, Store } from '../store/index.js'
import type { Manifest } from '../proof/index.js'
import type { ContributorJobs, UserJobs } from '../session/index.js'
import type { Statement } from '../wire/announcement.js'
import type { SessionInfo } from './types.js'

/** Milliseconds of heavy work. */
type Times = { -readonly [K in keyof SessionInfo['times']]: SessionInfo['times'][K] }

export interface SessionEntryInit {
  readonly session: Uint8Array
  readonly role: 'user' | 'contributor'
  readonly manifest: Manifest
  readonly peer: string
  /** Milliseconds since 1970. */
  readonly started: number
  readonly save: (record: SessionRecord) => Promise<void>
  readonly onChange?: ((info: SessionInfo) => void) | undefined
}

export class SessionEntry {
  readonly times: Times
  private record: SessionRecord

  private constructor(
    private readonly init: Pick<SessionEntryInit, 'save' | 'onChange'>,
    record: SessionRecord
  ) {
    this.times = { ...record.times }
    this.record = record
  }

  /** Of a session that is over and is settled now. */
  static restored(record: SessionRecord, init: Pick<SessionEntryInit, 'save' | 'onChange'>): SessionEntry {
    return new SessionEntry(init, record)
  }

  static opened(init: SessionEntryInit): SessionEntry {
    const { session, role, manifest, peer, started } = init
    return new SessionEntry(init, {
      session: toHex(session),
      role,
      adapter: toHex(manifest.id),
      adapterName: manifest.name,
      base: toHex(manifest.base),
      peer,
      state: 'open',
      rows: 0,
      root: null,
      digest: null,
      bundleBytes: null,
      times: { commit: null, prove: null, verify: null },
      started,
      error: null,
      bundles: [],
      announcement: null
    })
  }

  get state(): SessionInfo['state'] {
    return this.record.state
  }

  /** @param rows answered so far */
  info(rows: number = this.record.rows): SessionInfo {
    const { bundles: _bundles, announcement: _announcement, ...info } = this.record
    return { ...info, rows, times: { ...this.times } }
  }

  async set(change: Partial<Pick<SessionRecord, 'state' | 'rows' | 'error' | 'announcement'>>): Promise<void> {
    this.record = { ...this.record, ...change, times: { ...this.times } }
    await this.init.save(this.record)
    this.init.onChange?.(this.info())
  }

  /** A word on a session that failed; when the store cannot take it any more, it is still shown while this node runs. */
  async end(change: Parameters<SessionEntry['set']>[0]): Promise<void> {
    await this.set(change).catch(() => {})
  }

  /** The bundle exists. */
  async proved({ root, digest, length, start, end }: Statement): Promise<void> {
    const bundle = { root: toHex(root), digest: toHex(digest), start, end, bytes: length }
    const bundles = [...this.record.bundles.filter(other => other.start !== start), bundle]
    this.record = { ...this.record, root: bundle.root, digest: bundle.digest, bundleBytes: length, bundles }
    await this.set({ state: 'proved', rows: end })
  }

  /** Adds what a job takes to one of the times. */
  timed<A extends unknown[], R>(time: keyof Times, job: (...given: A) => Promise<R>): (...given: A) => Promise<R> {
    return async (...given) => {
      const before = performance.now()
      try {
        return await job(...given)
      } finally {
        this.times[time] = (this.times[time] ?? 0) + performance.now() - before
      }
    }
  }
}

/** Sessions that were running when the process ended are over, or to be settled: called before any begins. */
export async function endStaleSessions({ sessions, journals }: Pick<Store, 'sessions' | 'journals'>): Promise<void> {
  for (const record of await sessions.running()) {
    const journal = journals.of(fromHex(record.session))
    // Nothing was signed in it but the terms.
    const state = (await journal.load()).length > 1 ? 'broken' : 'failed'
    if (state === 'failed') await journal.remove()
    await sessions.put({ ...record, state, error: 'the node stopped before the session had ended' })
  }
}

/** The same jobs, with their times told to the entry. */
export function timedContributorJobs(entry: SessionEntry, jobs: ContributorJobs): ContributorJobs {
  return {
    answer: job => jobs.answer(job),
    checkInputs: job => jobs.checkInputs(job),
    commitOutputs: entry.timed('commit', job => jobs.commitOutputs(job)),
    prove: entry.timed('prove', job => jobs.prove(job))
  }
}

/** The same jobs, with their times told to the entry. */
export function timedUserJobs(entry: SessionEntry, jobs: UserJobs): UserJobs {
  return {
    commitInputs: entry.timed('commit', job => jobs.commitInputs(job)),
    checkOutputs: job => jobs.checkOutputs(job),
    verify: entry.timed('verify', bundle => jobs.verify(bundle))
  }
}
