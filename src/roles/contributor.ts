/**
 * The contributor: holds adapters, answers activations with deltas within the extraction budget, proves, hands the bundle out, takes
 * the user's receipt, and has it announced.
 */
import { equal, toHex } from '../bytes.js'
import type { Counters } from '../counters.js'
import type { Kernel } from '../kernel/index.js'
import { NET_LIMITS, TIMEOUTS } from '../limits.js'
import type { SessionHost, SessionUser } from '../net/session/index.js'
import type { CommittedAdapter, Delegation, Manifest, Random } from '../proof/index.js'
import {
  checkOpen,
  CODE,
  type ContributorJobs,
  ContributorSession,
  inlineContributorJobs,
  type Machine,
  makeAccept,
  type Open,
  type Peers,
  openedRecord,
  RefusalError,
  type SessionTimeouts,
  type Settle
} from '../session/index.js'
import type { AdapterPolicy, Store } from '../store/index.js'
import type { Statement } from '../wire/announcement.js'
import { SessionEntry, timedContributorJobs } from './session-entry.js'
import { boundOfRows, outstandingBytesOf } from './session-limits.js'
import { announceable, ContributorSettling } from './settling/contributor.js'
import { Turns } from './turns.js'
import type { SessionInfo } from './types.js'
import { isListed, limitOf } from './listed.js'

const SECOND = 1000

/** An adapter that is served. */
export interface ServedAdapter {
  readonly adapter: CommittedAdapter
  readonly policy: AdapterPolicy
  /** Ed25519 seed of the owner's key, or of the one that `delegation` names. */
  readonly secretKey: Uint8Array
  readonly delegation?: Delegation | undefined
}

/** What an announcement is made from, beside time, place in the feed and holder. */
export interface Announceable {
  readonly statement: Statement
  /** Null: announced by this side alone. */
  readonly receipt: Uint8Array | null
  readonly delegation: (Delegation & { readonly owner: Uint8Array }) | null
  /** Seed of the statement's contributor key. */
  readonly secretKey: Uint8Array
}

export interface ContributorInit {
  readonly kernel: Kernel
  readonly random: Random
  readonly store: {
    readonly budget: Pick<Store['budget'], 'take' | 'answered'>
    readonly bundles: Store['bundles']
    readonly feeds: Store['feeds']
    readonly journals: Store['journals']
    readonly sessions: Store['sessions']
  }
  /** Publishes, and gives the announcement's bytes; empty when nothing was published. */
  readonly announce: (given: Announceable) => Promise<Uint8Array>
  /** Of the node. */
  readonly counters?: Counters | undefined
  /** Default: in this thread. */
  readonly jobs?: ((adapter: CommittedAdapter) => ContributorJobs) | undefined
  /** Told when a session changes its state. */
  readonly onSession?: ((info: SessionInfo) => void) | undefined
  readonly limits?: Partial<ContributorLimits> | undefined
  readonly timeouts?: Partial<SessionTimeouts & Pick<typeof TIMEOUTS, 'unsettled'>> | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

export interface ContributorLimits {
  /** Rows of one session at most; never more than one bundle holds. */
  readonly rows: number
  readonly requests: number
  readonly outstandingRows: number
  /** Bytes of x and y outstanding in all sessions. */
  readonly outstandingBytesAll: number
  /** Bytes of x kept for the proofs of all sessions. */
  readonly heldInputBytesAll: number
  /** Bytes of x that one bundle covers. */
  readonly bundleInputBytes: number
}

interface Running {
  readonly session: ContributorSession
  readonly entry: SessionEntry
  readonly served: ServedAdapter
  readonly work: Promise<void>
}

export class Contributor implements SessionHost {
  private readonly served = new Map<string, ServedAdapter>()
  private readonly running = new Set<Running>()
  /** Bytes of x and y promised to sessions that are being accepted: their terms are written down first. */
  private promisedBytes = 0
  private readonly limits: ContributorLimits
  private readonly now: () => number
  private readonly settling: ContributorSettling
  private readonly turns = new Turns()

  constructor(private readonly init: ContributorInit) {
    this.limits = {
      rows: Infinity,
      requests: NET_LIMITS.requestsInFlight,
      outstandingRows: NET_LIMITS.outstandingRows,
      outstandingBytesAll: NET_LIMITS.outstandingBytesAll,
      heldInputBytesAll: NET_LIMITS.heldInputBytesAll,
      bundleInputBytes: NET_LIMITS.bundleInputBytes,
      ...init.limits
    }
    this.now = init.now ?? Date.now
    this.settling = new ContributorSettling({
      store: init.store,
      announce: init.announce,
      onSession: init.onSession,
      timeouts: init.timeouts,
      counters: init.counters,
      unsettled: init.timeouts?.unsettled ?? TIMEOUTS.unsettled,
      served: adapter => this.served.get(toHex(adapter)),
      jobs: served => this.jobs(served.adapter),
      running: id => [...this.running].find(({ session }) => equal(session.id, id)),
      hasRoom: bytes => this.heldBytes + bytes <= this.limits.heldInputBytesAll
    })
  }

  /** Serves an adapter from now on, or changes how it is served. Its budget is registered before. */
  serve(adapter: ServedAdapter): void {
    this.served.set(toHex(adapter.adapter.manifest.id), adapter)
  }

  /** Serves an adapter no more; its sessions go on. */
  withdraw(id: Uint8Array): void {
    this.served.delete(toHex(id))
  }

  get adapters(): ServedAdapter[] {
    return [...this.served.values()]
  }

  /** Rows of one session over all groups of an adapter, at most. */
  maxRows({ manifest }: CommittedAdapter): number {
    return Math.min(this.limits.rows, boundOfRows(manifest, [...manifest.groups.keys()], this.limits.bundleInputBytes).rows)
  }

  /** Sessions that run now. */
  sessions(): SessionInfo[] {
    return [...this.running].map(({ entry, session }) => entry.info(session.answeredRows))
  }

  /** Takes up the sessions that an earlier process left. Its adapters are served before. */
  async start(): Promise<void> {
    await this.settling.start()
  }

  /** Waits for the sessions' last records, after the network has stopped. */
  async stop(): Promise<void> {
    await Promise.all([...this.running].map(({ work }) => work))
    await this.settling.stop()
  }

  /** Settles a session that broke. @throws RefusalError, and what the user's message breaks */
  async settle(settle: Settle, peers: Peers): Promise<Machine> {
    return this.settling.settle(settle, peers)
  }

  async accept(open: Open, from: SessionUser): Promise<ContributorSession> {
    const served = await this.allow(open, from)
    const bytes = this.enter(served, open, from)
    this.promisedBytes += bytes
    try {
      return await this.begin(served, { open, from, outstandingBytes: BigInt(bytes) })
    } finally {
      this.promisedBytes -= bytes
    }
  }

  /** @throws RefusalError for what this peer is not served */
  private async allow(open: Open, { peers, user }: SessionUser): Promise<ServedAdapter> {
    const served = this.served.get(toHex(open.adapter))
    if (served === undefined) throw new RefusalError(CODE.unknownAdapter)
    const { policy } = served
    const { manifest, content } = served.adapter
    checkOpen(open, manifest, this.limits.rows)
    const bound = boundOfRows(manifest, open.groups, this.limits.bundleInputBytes)
    if (open.rows > bound.rows) {
      this.init.counters?.limits.add(bound.limit)
      throw new RefusalError(CODE.tooManyRows)
    }
    if (policy.mode === 'listed' && !isListed(policy, { open, peers, peer: user.toString() })) throw new RefusalError(CODE.notListed)
    const limit = limitOf(served)
    for (const group of open.groups) {
      const answered = await this.init.store.budget.answered(content, group)
      if (limit !== null && answered >= limit) throw new RefusalError(CODE.budgetSpent)
    }
    return served
  }

  private async begin(
    served: ServedAdapter,
    { open, from, outstandingBytes }: { readonly open: Open; readonly from: SessionUser; readonly outstandingBytes: bigint }
  ): Promise<ContributorSession> {
    const { adapter, secretKey, delegation } = served
    const { manifest, content } = adapter
    const peer = from.user.toString()
    const { random, timeouts, store } = this.init
    const started = this.now()
    const terms = makeAccept({
      open,
      adapter,
      peers: from.peers,
      secretKey,
      delegation,
      started: BigInt(Math.floor(started / SECOND)),
      limits: { requests: this.limits.requests, outstandingRows: this.limits.outstandingRows, outstandingBytes },
      random
    })
    const entry = SessionEntry.opened({
      session: terms.session,
      role: 'contributor',
      manifest,
      peer,
      started,
      save: record => store.sessions.put(record),
      onChange: this.init.onSession
    })
    const journal = store.journals.of(terms.session)
    await journal.append(openedRecord(terms))
    const session = new ContributorSession({
      terms,
      adapter,
      secretKey,
      timeouts,
      jobs: this.inTurn(timedContributorJobs(entry, this.jobs(adapter)), manifest),
      journal,
      reserve: async (group, rows) => {
        this.checkHeldBytes(rows * manifest.groups[group]!.dIn * Int16Array.BYTES_PER_ELEMENT)
        // Read anew each time: the limit can be changed while a session runs.
        const now = limitOf(this.served.get(toHex(manifest.id)) ?? served)
        if (!(await store.budget.take({ content, group, rows, limit: now, peer }))) throw new RefusalError(CODE.budgetSpent)
      }
    })
    const running = { session, entry, served, work: this.take(session, entry, served) }
    this.running.add(running)
    void running.work.then(() => this.running.delete(running))
    return session
  }

  /**
   * Takes a place, and bytes that may be outstanding; others' sessions may end for it.
   * @throws RefusalError when all sessions together could hold too much, and too few of them give way
   */
  private enter({ adapter }: ServedAdapter, { groups, rows }: Open, { enter }: SessionUser): number {
    const bytes = (): number => outstandingBytesOf(adapter.manifest, groups, { rows, left: this.leftBytes })
    const of = (machine: Machine): number => (machine instanceof ContributorSession ? machine.outstandingBytesMost : 0)
    enter([{ limit: 'outstandingBytesAll', wanted: bytes(), free: this.leftBytes, of }])
    // There may be more than was wanted.
    return bytes()
  }

  /** Bytes of x and y that are promised to nobody. */
  private get leftBytes(): number {
    let left = this.limits.outstandingBytesAll - this.promisedBytes
    for (const { session } of this.running) left -= session.outstandingBytesMost
    return left
  }

  /** Bytes of x that are kept for proofs, of sessions that run and of those that are settled. */
  private get heldBytes(): number {
    let held = this.settling.heldBytes
    for (const { session } of this.running) held += session.heldBytes
    return held
  }

  /** @throws RefusalError when the rows kept for the proofs of all sessions take too much */
  private checkHeldBytes(more: number): void {
    if (this.heldBytes + more > this.limits.heldInputBytesAll) {
      this.init.counters?.limits.add('heldInputBytesAll')
      throw new RefusalError(CODE.busy)
    }
  }

  /** Takes care of a session until its end. It never throws: what went wrong is in the record. */
  private async take(session: ContributorSession, entry: SessionEntry, served: ServedAdapter): Promise<void> {
    try {
      await entry.set({ state: 'open' })
      await this.proveAndAnnounce(session, entry, served)
    } catch (error) {
      session.fail(error)
      await this.broken(session, entry, error as Error)
    }
  }

  private async broken(session: ContributorSession, entry: SessionEntry, { message }: Error): Promise<void> {
    const rows = session.answeredRows
    if (rows === 0) {
      await this.forget(session)
      return entry.end({ state: 'failed', rows, error: message })
    }
    await entry.end({ state: entry.state === 'proved' ? 'proved' : 'broken', rows, error: message })
    this.settling.broken(session)
  }

  /** Nothing was signed in it but the terms. */
  private async forget({ id }: ContributorSession): Promise<void> {
    await this.init.store.journals
      .of(id)
      .remove()
      .catch(() => {})
  }

  /** Sessions get as many rows answered one as the other. */
  private inTurn(jobs: ContributorJobs, { groups }: Manifest): ContributorJobs {
    const session = {}
    return { ...jobs, answer: job => this.turns.run(session, job.x.length / groups[job.group]!.dIn, () => jobs.answer(job)) }
  }

  private jobs(adapter: CommittedAdapter): ContributorJobs {
    const { jobs, kernel, random } = this.init
    return jobs?.(adapter) ?? inlineContributorJobs({ kernel, adapter, random })
  }

  private async proveAndAnnounce(session: ContributorSession, entry: SessionEntry, served: ServedAdapter): Promise<void> {
    await session.closed()
    await entry.set({ state: 'proving', rows: session.answeredRows })
    const proved = await session.prove()
    if (proved === undefined) {
      await this.forget(session)
      return entry.set({ state: 'failed', error: 'the user closed the session without a row' })
    }
    const statement = session.statementOf(proved)
    const { store, announce } = this.init
    const journal = store.journals.of(session.id)
    await store.bundles.putOwn(statement, proved.bundle)
    await journal.proved(statement, { all: true })
    await entry.proved(statement)
    const answer = await session.offer(statement)
    if ('code' in answer) {
      session.announced(new Uint8Array(0))
      await journal.settled()
      return entry.set({ error: `the user gave no receipt: ${answer.reason}` })
    }
    await journal.append({ kind: 'receipt', statement, signature: answer.signature })
    const announcement = await announce(announceable(served, statement, answer.signature))
    session.announced(announcement)
    await entry.set(announcement.length === 0 ? {} : { state: 'announced', announcement: toHex(announcement) })
    await journal.settled()
  }
}
