/**
 * The contributor and the sessions that broke: settled with the user when it comes back, proved from what both signed when it does not,
 * also after a restart (protocols/session, Settling).
 */
import { equal, fromHex, toHex } from '../../bytes.js'
import { ConnectionLostError } from '../../errors.js'
import { type Delegation, type ProvedBundle } from '../../proof/index.js'
import {
  CODE,
  type ContributorRest,
  type ContributorSession,
  type Peers,
  proveAgreed,
  RefusalError,
  restoreContributor,
  type RestoredContributor,
  type Settle,
  SettlingContributor,
  tailsOf
} from '../../session/index.js'
import { openAnnouncement, type Store } from '../../store/index.js'
import type { Statement } from '../../wire/announcement.js'
import type { Announceable, ContributorInit, ServedAdapter } from '../contributor.js'
import { SessionEntry, timedContributorJobs } from '../session-entry.js'
import { Clock } from './clock.js'

/** Seconds after which a user may come again whose session is being settled already. */
const BUSY_RETRY = 5

export interface ContributorSettlingInit {
  readonly store: Pick<Store, 'journals' | 'bundles' | 'sessions' | 'feeds'>
  readonly announce: ContributorInit['announce']
  readonly onSession: ContributorInit['onSession']
  readonly timeouts: ContributorInit['timeouts']
  /** Milliseconds after which a session that nobody settles is proved from what both signed. */
  readonly unsettled: number
  /** An adapter that is or was served by this process. */
  readonly served: (adapter: Uint8Array) => ServedAdapter | undefined
  readonly jobs: (served: ServedAdapter) => Parameters<typeof timedContributorJobs>[1]
  /** The session, when its stream has not broken yet as far as is known here. */
  readonly running: (session: Uint8Array) => { readonly session: ContributorSession; readonly work: Promise<void> } | undefined
}

/** What a settlement works with. */
interface Case {
  readonly id: string
  readonly served: ServedAdapter
  readonly entry: SessionEntry
  readonly restored: RestoredContributor
}

export class ContributorSettling {
  private readonly clock = new Clock()
  /** What is known beside the journals, of sessions that broke in this process. */
  private readonly rests = new Map<string, ContributorRest>()
  /** Sessions that are worked on. */
  private readonly busy = new Map<string, Promise<void>>()

  constructor(private readonly init: ContributorSettlingInit) {}

  /** Takes up the sessions that an earlier process left. Adapters are served before. */
  async start(): Promise<void> {
    for (const { session, role, settled } of await this.init.store.journals.list()) {
      if (role === 'contributor' && !settled) this.wait(session)
    }
  }

  async stop(): Promise<void> {
    this.clock.stop()
    await Promise.all(this.busy.values())
  }

  /** A session broke: it waits for its user. */
  broken(session: ContributorSession): void {
    const id = toHex(session.id)
    this.rests.set(id, session.rest())
    this.wait(id)
  }

  /**
   * Settles a session with its user.
   * @throws RefusalError, and what the user's message breaks
   */
  async settle(settle: Settle, peers: Peers): Promise<SettlingContributor> {
    const id = toHex(settle.session)
    if (this.busy.has(id)) throw new RefusalError(CODE.busy, BUSY_RETRY)
    const live = this.init.running(settle.session)
    const found = await this.open(id)
    if (found === undefined) throw new RefusalError(CODE.unknownSession)
    const machine = this.machine(found, settle, peers)
    if (live === undefined) return this.begin(found, machine)
    // The user knows that the stream is gone, before this side does: the message is signed with its key.
    live.session.fail(new ConnectionLostError('the user settles the session over another stream'))
    await live.work
    const now = await this.open(id)
    if (now === undefined || this.busy.has(id)) throw new RefusalError(CODE.unknownSession)
    return this.begin(now, this.machine(now, settle, peers))
  }

  private machine({ id, served, entry, restored }: Case, settle: Settle, peers: Peers): SettlingContributor {
    const { timeouts, jobs, store } = this.init
    return new SettlingContributor({
      restored,
      rest: this.rests.get(id),
      secretKey: served.secretKey,
      peers,
      settle,
      timeouts,
      jobs: timedContributorJobs(entry, jobs(served)),
      journal: store.journals.of(restored.terms.session)
    })
  }

  private begin(found: Case, machine: SettlingContributor): SettlingContributor {
    this.clock.cancel(found.id)
    this.run(found.id, () => this.take(found, machine))
    return machine
  }

  private run(id: string, work: () => Promise<void>): void {
    const running = work().finally(() => this.busy.delete(id))
    this.busy.set(id, running)
  }

  private wait(id: string): void {
    this.clock.after(id, this.init.unsettled, () => this.run(id, () => this.alone(id)))
  }

  /** What the journal says; undefined when there is none, or its adapter is not here. */
  private async open(id: string): Promise<Case | undefined> {
    const { store, onSession } = this.init
    const [records, record] = await Promise.all([store.journals.of(fromHex(id)).load(), store.sessions.find(id)])
    if (records.length === 0 || record === undefined) return undefined
    const served = this.init.served(fromHex(record.adapter))
    if (served === undefined) return undefined
    const entry = SessionEntry.restored(record, { save: changed => store.sessions.put(changed), onChange: onSession })
    return { id, served, entry, restored: restoreContributor(records, served.adapter.manifest) }
  }

  /** Takes care of a settlement until its end; it never throws. */
  private async take(found: Case, machine: SettlingContributor): Promise<void> {
    const { id, entry, restored } = found
    try {
      await machine.closed()
      for (const { statement } of restored.proofs) await this.offer(found, machine, statement)
      const made = await machine.prove()
      if (made !== undefined) {
        await this.keep(found, made)
        await this.offer(found, machine, made.statement)
      }
      machine.finish()
      await this.done(found)
      if (entry.state === 'broken') await entry.end({ state: 'failed', error: 'the session was settled without a row that both accepted' })
    } catch (error) {
      machine.fail(error)
      await entry.end({ error: `settling: ${(error as Error).message}` })
      this.wait(id)
    }
  }

  private async offer(found: Case, machine: SettlingContributor, statement: Statement): Promise<void> {
    const answer = await machine.offer(statement)
    if ('code' in answer) {
      machine.announced(new Uint8Array(0))
      return found.entry.set({ error: `the user gave no receipt: ${answer.reason}` })
    }
    await this.init.store.journals.of(statement.session).append({ kind: 'receipt', statement, signature: answer.signature })
    machine.announced(await this.announce(found, statement, answer.signature))
  }

  /** The user did not come: what both signed is proved, and announced by this side alone. It never throws. */
  private async alone(id: string): Promise<void> {
    const found = await this.open(id).catch(() => undefined)
    if (found === undefined) return
    const { entry, restored, served } = found
    try {
      for (const { statement, receipt } of restored.proofs) await this.announce(found, statement, receipt ?? null)
      const jobs = timedContributorJobs(entry, this.init.jobs(served))
      const made = await proveAgreed({ restored, contributorTails: tailsOf(restored), jobs })
      if (made !== undefined) {
        await this.keep(found, made)
        await this.announce(found, made.statement, null)
      }
      await this.done(found)
      if (entry.state === 'broken') await entry.end({ state: 'failed', error: 'no row was accepted by both before the user left' })
    } catch (error) {
      await entry.end({ error: (error as Error).message })
      this.wait(id)
    }
  }

  /** A bundle exists: it is handed out from here, and what it was made from goes. */
  private async keep({ entry }: Case, { proved, statement }: { proved: ProvedBundle; statement: Statement }): Promise<void> {
    const { store } = this.init
    await store.bundles.putOwn(statement, proved.bundle)
    await store.journals.of(statement.session).proved(statement, { all: true })
    await entry.proved(statement)
  }

  private async done({ id, restored }: Case): Promise<void> {
    this.rests.delete(id)
    await this.init.store.journals.of(restored.terms.session).settled()
  }

  /** Announces a bundle once: after a restart the feed tells what has left. */
  private async announce({ entry, served }: Case, statement: Statement, receipt: Uint8Array | null): Promise<Uint8Array> {
    const announcement = (await this.announced(statement, receipt)) ?? (await this.init.announce(announceable(served, statement, receipt)))
    if (announcement.length > 0) await entry.set({ state: 'announced', announcement: toHex(announcement) })
    return announcement
  }

  private async announced({ contributorKey, adapter, digest }: Statement, receipt: Uint8Array | null): Promise<Uint8Array | undefined> {
    for await (const bytes of this.init.store.feeds.backwards({ contributorKey, adapter })) {
      const { announcement } = openAnnouncement(bytes)
      if (equal(announcement.statement.digest, digest) && (receipt === null || announcement.receipt !== null)) return bytes
    }
    return undefined
  }
}

/** What an announcement is made from. */
export function announceable(
  { adapter, secretKey, delegation }: ServedAdapter,
  statement: Statement,
  receipt: Uint8Array | null
): Announceable {
  const named: (Delegation & { readonly owner: Uint8Array }) | null =
    delegation === undefined ? null : { owner: adapter.manifest.owner, ...delegation }
  return { statement, receipt, delegation: named, secretKey }
}
