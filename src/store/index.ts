/**
 * What a participant keeps, on a libp2p datastore: own adapters and sessions, the extraction budget, and of others manifests,
 * bundles, announcements and verdicts, within bounds. One process owns a store.
 */
import type { Datastore } from 'interface-datastore'
import type { Counters, LimitName } from '../counters.js'
import { InvalidInputError } from '../errors.js'
import { NET_LIMITS } from '../limits.js'
import { Adapters } from './adapters.js'
import { Budget } from './budget.js'
import { Bundles } from './bundles.js'
import { type EvidenceLimits, Evidences } from './evidence/index.js'
import { Feeds } from './feeds.js'
import { Journals } from './journals.js'
import type { KeptLimits } from './kept.js'
import { Manifests } from './manifests.js'
import { OpenableRows } from './rows.js'
import { Sessions } from './sessions.js'
import { Table } from './table.js'
import { Verdicts } from './verdicts.js'

export type { AdapterPolicy, OwnAdapter, OwnAdapterEntry } from './adapters.js'
export type { BudgetAdapter, Registered, TakeParams } from './budget.js'
export type { BundleInfo, ProvedInfo } from './bundles.js'
export * from './evidence/index.js'
export * from './feed.js'
export type { FeedHead, PutResult } from './feeds.js'
export type { JournalInfo, SessionJournal } from './journals.js'
export type { KeptLimits } from './kept.js'
export type { ManifestInfo } from './manifests.js'
export type { SessionBundle, SessionCounts, SessionRecord } from './sessions.js'
export { checkStatement } from './statement.js'
export type { Verdict, VerdictRecord } from './verdicts.js'

/** Layout of the keys and values; a change of it needs a migration and a new number. */
export const STORE_VERSION = 1

export interface StoreLimits {
  readonly bundles: KeptLimits
  readonly announcements: KeptLimits
  readonly manifests: KeptLimits
  readonly verdicts: KeptLimits
  readonly rows: KeptLimits
  readonly evidence: EvidenceLimits
}

export const STORE_LIMITS: StoreLimits = {
  bundles: { bytes: NET_LIMITS.keptBundleBytes, age: NET_LIMITS.keptBundleAge },
  announcements: { bytes: NET_LIMITS.keptAnnouncementBytes, age: NET_LIMITS.keptAnnouncementAge },
  manifests: { bytes: NET_LIMITS.keptManifestBytes, age: Infinity },
  /** A verdict belongs to an announcement. */
  verdicts: { bytes: NET_LIMITS.keptAnnouncementBytes, age: NET_LIMITS.keptAnnouncementAge },
  rows: { bytes: NET_LIMITS.keptRowBytes, age: NET_LIMITS.keptRowAge },
  evidence: { bytes: NET_LIMITS.keptEvidenceBytes, age: Infinity }
}

/** By which names of limits.ts it is counted when something goes; no age: it never does by that. */
const EVICTED: { readonly [kind in keyof StoreLimits]: { readonly bytes: LimitName; readonly age?: LimitName } } = {
  bundles: { bytes: 'keptBundleBytes', age: 'keptBundleAge' },
  announcements: { bytes: 'keptAnnouncementBytes', age: 'keptAnnouncementAge' },
  manifests: { bytes: 'keptManifestBytes' },
  verdicts: { bytes: 'keptAnnouncementBytes', age: 'keptAnnouncementAge' },
  rows: { bytes: 'keptRowBytes', age: 'keptRowAge' },
  evidence: { bytes: 'keptEvidenceBytes' }
}

export interface StoreInit {
  /** Of the node. */
  counters?: Counters | undefined
  datastore: Datastore
  limits?: Partial<StoreLimits> | undefined
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined
}

export class Store {
  readonly adapters: Adapters
  readonly budget: Budget
  readonly bundles: Bundles
  readonly evidence: Evidences
  readonly feeds: Feeds
  readonly journals: Journals
  readonly manifests: Manifests
  readonly rows: OpenableRows
  readonly sessions: Sessions
  readonly verdicts: Verdicts
  private readonly table: Table

  private constructor({ datastore, limits, counters, now = Date.now }: StoreInit) {
    const table = new Table(datastore)
    this.table = table
    const count = (name: LimitName | undefined, items: number): void => {
      if (name !== undefined) counters?.limits.add(name, items)
    }
    const given = { ...STORE_LIMITS, ...limits }
    const bound = <Kind extends keyof StoreLimits>(kind: Kind): StoreLimits[Kind] => ({
      ...given[kind],
      onEvicted: (by, items) => count(EVICTED[kind][by], items)
    })
    this.adapters = new Adapters(table)
    this.budget = new Budget(table)
    this.bundles = new Bundles(table, bound('bundles'), now)
    this.evidence = new Evidences(table, { ...bound('evidence'), onForgotten: records => count('keptConvictions', records) }, now)
    this.feeds = new Feeds(table, bound('announcements'), now)
    this.journals = new Journals(table, now, journals => count('keptJournalAge', journals))
    this.manifests = new Manifests(table, bound('manifests'), now)
    this.rows = new OpenableRows(table, bound('rows'), now)
    this.sessions = new Sessions(table)
    this.verdicts = new Verdicts(table, bound('verdicts'), now)
  }

  /** @throws InvalidInputError for a store that a newer program has written */
  static async open(init: StoreInit): Promise<Store> {
    const table = new Table(init.datastore)
    const version = await table.getJson<number>(['version'])
    if (version !== undefined && version > STORE_VERSION) {
      throw new InvalidInputError(
        `the data folder has version ${version}, this program knows ${STORE_VERSION}: use the newer program again, or another data folder`
      )
    }
    await table.write().putJson(['version'], STORE_VERSION).commit()
    const store = new Store(init)
    for (const part of [
      store.bundles,
      store.evidence,
      store.feeds,
      store.journals,
      store.manifests,
      store.sessions,
      store.verdicts,
      store.rows
    ]) {
      await part.open()
    }
    return store
  }

  /**
   * A secret of this node's own, the same after each restart.
   * @param make it, the first time
   */
  async secret(name: string, make: () => Uint8Array): Promise<Uint8Array> {
    const there = await this.table.get(['secret', name])
    if (there !== undefined) return there
    const made = make()
    await this.table.write().put(['secret', name], made).commit()
    return made
  }

  /** Bytes kept, by kind; `own` are bundles of own sessions, `journals` what was signed in them and is to be settled or proved. */
  sizes(): Record<string, number> {
    const { own, others } = this.bundles.bytes
    return {
      'own bundles': own,
      bundles: others,
      announcements: this.feeds.bytes,
      manifests: this.manifests.bytes,
      verdicts: this.verdicts.bytes,
      journals: this.journals.bytes,
      'own rows': this.rows.bytes,
      evidence: this.evidence.bytes
    }
  }

  /** Removes of others' data what is too old or too much. */
  async evict(): Promise<number> {
    let evicted = 0
    for (const part of [this.bundles, this.evidence, this.feeds, this.manifests, this.verdicts, this.rows]) evicted += await part.evict()
    return evicted
  }

  /** Before the datastore is closed. */
  async close(): Promise<void> {
    await this.budget.close()
  }
}

/** The manifest that this node can hand out: its own adapter's, or a verified one of another. */
export async function keptManifest(store: Store, id: Uint8Array): Promise<Uint8Array | undefined> {
  return (await store.adapters.manifest(id)) ?? (await store.manifests.get(id))
}
