/**
 * The contributor and the sessions that broke: settled with the user when it comes back, proved from what both signed when it does not,
 * also after a restart (protocols/session, Settling).
 */
import { equal, fromHex, toHex } from '../../bytes.js'
import { ConnectionLostError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
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
import { Gate } from '../gate.js'
import { SessionEntry, timedContributorJobs } from '../session-entry.js'
import { Clock } from './clock.js'
import { Rests } from './rests.js'

/** Seconds after which a user may come again whose session is being settled already, or when too much is kept for other proofs. */
const BUSY_RETRY = 5
const HELD_RETRY = 30
const SECOND = 1000

export interface ContributorSettlingInit {
  readonly store: Pick<Store, 'journals' | 'bundles' | 'sessions' | 'feeds'>
  readonly announce: ContributorInit['announce']
  readonly onSession: ContributorInit['onSession']
  readonly timeouts: ContributorInit['timeouts']
  readonly counters: ContributorInit['counters']
  /** Milliseconds after which a session that nobody settles is proved from what both signed. */
  readonly unsettled: number
  /** An adapter that is or was served by this process. */
  readonly served: (adapter: Uint8Array) => ServedAdapter | undefined
  readonly jobs: (served: ServedAdapter) => Parameters<typeof timedContributorJobs>[1]
  /** The session, when its stream has not broken yet as far as is known here. */
  readonly running: (session: Uint8Array) => { readonly session: ContributorSession; readonly work: Promise<void> } | undefined
  /** True when so many more bytes of x may be held for proofs. */
  readonly hasRoom: (bytes: number) => boolean
  /** Bytes of x that are known of broken sessions beside their journals, at most; default 256 MiB. */
  readonly restBytes?: number | undefined
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
  private readonly rests: Rests<ContributorRest>
  /** Sessions that are worked on, one piece of work at a time: each would sign for the same rows in a way of its own. */
  private readonly busy = new Map<string, Promise<void>>()
  /** Journals are as large as sessions: they are read one at a time. Proofs that nobody waits for are made one at a time. */
  private readonly reading = new Gate(1)
  private readonly proving = new Gate(1)
  /** Bytes of x of the sessions that are settled now. */
  private readonly held = new Map<string, number>()
  /** When a session is proved without its user, by performance.now(): a user that begins to settle and does not end it gains no time. */
  private readonly due = new Map<string, number>()
  private stopped = false

  constructor(private readonly init: ContributorSettlingInit) {
    this.rests = new Rests(init.restBytes ?? NET_LIMITS.restBytesAll, init.counters)
  }

  /** Bytes of x that are held for proofs. */
  get heldBytes(): number {
    return [...this.held.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /** Takes up the sessions that an earlier process left. Adapters are served before. */
  async start(): Promise<void> {
    for (const { session, role, settled } of await this.init.store.journals.list()) {
      if (role === 'contributor' && !settled) this.wait(session)
    }
  }

  async stop(): Promise<void> {
    this.stopped = true
    this.clock.stop()
    await Promise.all(this.busy.values())
  }

  /** A session broke: it waits for its user. */
  broken(session: ContributorSession): void {
    const id = toHex(session.id)
    const rest = session.rest()
    this.rests.set(id, { peer: toHex(session.terms.peers.user), bytes: bytesOf(rest.rows), rest })
    this.wait(id)
  }

  /**
   * Settles a session with its user.
   * @throws RefusalError, and what the user's message breaks
   */
  async settle(settle: Settle, peers: Peers): Promise<SettlingContributor> {
    const id = toHex(settle.session)
    if (this.busy.has(id)) throw new RefusalError(CODE.busy, BUSY_RETRY)
    return new Promise((resolve, reject) => {
      this.run(id, async () => {
        let begun: { readonly found: Case; readonly machine: SettlingContributor }
        try {
          begun = await this.begin(id, settle, peers)
        } catch (error) {
          reject(error as Error)
          return
        }
        resolve(begun.machine)
        await this.take(begun.found, begun.machine)
      })
    })
  }

  /** @throws RefusalError, and what the user's message breaks */
  private async begin(id: string, settle: Settle, peers: Peers): Promise<{ found: Case; machine: SettlingContributor }> {
    const found = await this.known(id)
    const machine = this.machine(found, settle, peers)
    const live = this.init.running(settle.session)
    if (live === undefined) return this.begun(found, machine)
    // The user knows that the stream is gone, before this side does: the message is signed with its key.
    live.session.fail(new ConnectionLostError('the user settles the session over another stream'))
    await live.work
    const now = await this.known(id)
    return this.begun(now, this.machine(now, settle, peers))
  }

  private begun(found: Case, machine: SettlingContributor): { found: Case; machine: SettlingContributor } {
    const { id, restored } = found
    const bytes = bytesOf(restored.rows)
    if (!this.init.hasRoom(bytes)) {
      this.init.counters?.limits.add('heldInputBytesAll')
      throw new RefusalError(CODE.busy, HELD_RETRY)
    }
    this.held.set(id, bytes)
    this.clock.cancel(id)
    return { found, machine }
  }

  /** @throws RefusalError for a session of which nothing is kept */
  private async known(id: string): Promise<Case> {
    const found = await this.reading.run(() => this.open(id))
    if (found === undefined) throw new RefusalError(CODE.unknownSession)
    return found
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

  private run(id: string, work: () => Promise<void>): void {
    const running = work().finally(() => {
      this.busy.delete(id)
      this.held.delete(id)
    })
    this.busy.set(id, running)
  }

  private wait(id: string): void {
    const now = performance.now()
    const due = this.due.get(id) ?? now + this.init.unsettled
    this.due.set(id, due)
    this.clock.after(id, Math.max(0, due - now), () => this.comeDue(id))
  }

  private comeDue(id: string): void {
    // Somebody is about to settle it; that may come to nothing.
    if (this.busy.has(id)) this.clock.after(id, BUSY_RETRY * SECOND, () => this.comeDue(id))
    else {
      this.init.counters?.timeouts.add('unsettled')
      this.run(id, () => this.proving.run(() => this.alone(id)))
    }
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
      for (const proof of restored.proofs) await this.offer(found, machine, proof)
      const made = await machine.prove()
      if (made !== undefined) {
        await this.keep(found, made)
        await this.offer(found, machine, { statement: made.statement, receipt: undefined })
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

  private async offer(
    found: Case,
    machine: SettlingContributor,
    { statement, receipt }: RestoredContributor['proofs'][number]
  ): Promise<void> {
    const answer = await machine.offer(statement)
    if ('code' in answer) {
      machine.announced(new Uint8Array(0))
      return found.entry.set({ error: `the user gave no receipt: ${answer.reason}` })
    }
    // The first is kept: a user that settles again and again must not fill the disk with them.
    const signature = receipt ?? answer.signature
    if (receipt === undefined) await this.init.store.journals.of(statement.session).append({ kind: 'receipt', statement, signature })
    machine.announced(await this.announce(found, statement, signature))
  }

  /** The user did not come: what both signed is proved, and announced by this side alone. It never throws. */
  private async alone(id: string): Promise<void> {
    if (this.stopped) return
    // The next attempt has its time again.
    this.due.delete(id)
    const found = await this.reading.run(() => this.open(id)).catch(() => undefined)
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
      if (made === undefined && restored.proofs.length === 0) {
        // Its rows are not kept for ever, and who comes for them later would be given no proof.
        await this.forget(found)
        return await entry.end({ state: 'failed', error: 'no row was accepted by both before the user left' })
      }
      await this.done(found)
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
    this.leave(id)
    await this.init.store.journals.of(restored.terms.session).settled()
  }

  /** Nothing is signed in the session any more: it is unknown. */
  private async forget({ id, restored }: Case): Promise<void> {
    this.leave(id)
    await this.init.store.journals.of(restored.terms.session).remove()
  }

  private leave(id: string): void {
    this.rests.delete(id)
    this.due.delete(id)
    this.clock.cancel(id)
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

function bytesOf(rows: readonly { readonly x: Int16Array }[]): number {
  return rows.reduce((sum, { x }) => sum + x.byteLength, 0)
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
