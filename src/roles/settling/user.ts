/**
 * The user and the sessions that broke: settled with their contributor over a new stream as soon as it can be reached, also after a
 * restart (protocols/session, Settling).
 */
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { equal, fromHex, toHex } from '../../bytes.js'
import type { Counters } from '../../counters.js'
import { InvalidProofError, isPeerError, NotFoundError, RefusedError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import type { FetchService } from '../../net/fetch/index.js'
import type { SessionService } from '../../net/session/index.js'
import { joinSignals } from '../../signals.js'
import type { VerifiedManifest, VerifiedProof } from '../../proof/index.js'
import {
  CODE,
  type Code,
  codeName,
  type Proof,
  restoreUser,
  type SessionTimeouts,
  SettlingUser,
  type UserJobs,
  type UserRest
} from '../../session/index.js'
import { checkStatement, readAnnouncement, type SessionRecord, type Store } from '../../store/index.js'
import { encodeStatement, type Statement } from '../../wire/announcement.js'
import { SessionEntry, timedUserJobs } from '../session-entry.js'
import type { SessionInfo } from '../types.js'
import { Clock } from './clock.js'
import { Line } from './line.js'
import { Rests } from './rests.js'

const SECOND = 1000
const MINUTE = 60 * SECOND
/** Milliseconds before each attempt: a contributor that restarts is back in seconds; after 10 minutes it has proved alone. The last goes on. */
const RETRY = [SECOND, 5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 60 * MINUTE] as const

/** Bytes in memory of a row that is accepted: its point, and three numbers. */
const PUBLIC_ROW_BYTES = 128

/** Milliseconds within which a contributor is taken at its word that asking again helps. */
const SOONEST = SECOND
const LATEST = 10 * MINUTE

/** How errors of attempts begin: the last word on the session until one succeeds. */
const SETTLING = 'settling: '

/** Sessions settled by this process that it tells of without its store. */
const REMEMBERED = 256

export interface UserSettlingInit {
  readonly store: Pick<Store, 'journals' | 'bundles' | 'sessions'>
  readonly sessions: Pick<SessionService, 'settle'>
  readonly fetch: Pick<FetchService, 'bundle'>
  /** The adapter's manifest, from here or from the contributor. */
  readonly manifest: (adapter: Uint8Array, peer: PeerId) => Promise<VerifiedManifest>
  readonly jobs: (manifest: VerifiedManifest) => UserJobs
  readonly onSession?: ((info: SessionInfo) => void) | undefined
  readonly timeouts?: Partial<SessionTimeouts> | undefined
  /** Of the node. */
  readonly counters?: Counters | undefined
  /** Bytes of rows of broken sessions in memory; default 256 MiB. */
  readonly restBytes?: number | undefined
  /** Milliseconds before each attempt; the last one repeats. */
  readonly retry?: readonly number[] | undefined
}

/** What an attempt works with. */
interface Attempt {
  readonly peer: PeerId
  readonly jobs: UserJobs
  readonly signal: AbortSignal
}

export class UserSettling {
  private readonly clock = new Clock()
  private readonly attempts = new Map<string, number>()
  /** By contributor. */
  private readonly lines = new Map<string, Line>()
  /** Sessions whose turn comes. */
  private readonly queued = new Set<string>()
  private readonly rests: Rests<UserRest>
  private readonly running = new Map<string, Promise<SessionInfo>>()
  /** What became of those that this process broke. */
  private readonly results = new Map<string, SessionInfo>()
  private readonly stopping = new AbortController()

  constructor(private readonly init: UserSettlingInit) {
    this.rests = new Rests(init.restBytes ?? NET_LIMITS.restBytesAll, init.counters)
  }

  /** Takes up the sessions that an earlier process left. */
  async start(): Promise<void> {
    for (const { session, role, settled } of await this.init.store.journals.list()) {
      if (role === 'user' && !settled) this.wait(session)
    }
  }

  async stop(): Promise<void> {
    this.clock.stop()
    this.stopping.abort(new Error('the node is stopping'))
    await Promise.allSettled(this.running.values())
  }

  /** A session broke: it is settled in the background. */
  broken(session: Uint8Array, rest: UserRest): void {
    const id = toHex(session)
    const bytes = rest.open.reduce((sum, { x, y }) => sum + x.byteLength + y.byteLength, rest.accepted.length * PUBLIC_ROW_BYTES)
    this.rests.set(id, { peer: 'own', bytes, rest })
    this.wait(id)
  }

  /**
   * Settles a session now, out of its turn.
   * @param id hexadecimal
   * @returns the session with its proof, or without one when no row was accepted by both
   * @throws NotFoundError for a session without a journal, and what settling fails with
   */
  settle(id: string): Promise<SessionInfo> {
    return this.begin(id)
  }

  /** What became of a session that broke in this process, once it is settled. */
  settled(id: string): SessionInfo | undefined {
    return this.results.get(id)
  }

  private wait(id: string): void {
    const retry = this.init.retry ?? RETRY
    const attempt = this.attempts.get(id) ?? 0
    this.attempts.set(id, attempt + 1)
    this.after(id, retry[Math.min(attempt, retry.length - 1)]!)
  }

  private after(id: string, milliseconds: number): void {
    this.clock.after(id, milliseconds, () => void this.inTurn(id).catch(() => {}))
  }

  private async inTurn(id: string): Promise<void> {
    this.queued.add(id)
    const asked = performance.now()
    const record = await this.init.store.sessions.find(id)
    const peer = record?.peer ?? ''
    const line = this.lineTo(peer)
    await line.run(async () => {
      // Settled meanwhile by who could not wait.
      if (this.queued.delete(id) && !this.stopping.signal.aborted) await this.begin(id, asked).catch(() => {})
    })
    this.leave(peer)
  }

  private leave(peer: string): void {
    if (this.lines.get(peer)?.isIdle === true) this.lines.delete(peer)
  }

  private lineTo(peer: string): Line {
    const line = this.lines.get(peer) ?? new Line()
    this.lines.set(peer, line)
    return line
  }

  /** @param asked when its turn was asked for; absent: it is out of turn */
  private begin(id: string, asked?: number): Promise<SessionInfo> {
    let running = this.running.get(id)
    if (running === undefined) {
      this.clock.cancel(id)
      this.queued.delete(id)
      running = this.attempt(id, asked).finally(() => this.running.delete(id))
      this.running.set(id, running)
    }
    return running
  }

  private async attempt(id: string, asked: number | undefined): Promise<SessionInfo> {
    const { store, onSession } = this.init
    const record = await store.sessions.find(id)
    if (record === undefined) throw this.nothing(id)
    const entry = SessionEntry.restored(record, { save: changed => store.sessions.put(changed), onChange: onSession })
    const failure = asked === undefined ? undefined : this.lines.get(record.peer)?.failureFor(asked)
    if (failure !== undefined) {
      // The journal, which is as large as the session, is not read for that.
      await this.again(id, entry, failure)
      throw failure
    }
    const records = await store.journals.of(fromHex(id)).load()
    if (records.length === 0) throw this.nothing(id)
    const line = this.lineTo(record.peer)
    // A signal of its own: of many listeners at that of the node Node warns.
    const { signal, part } = joinSignals(this.stopping.signal)
    try {
      const peer = peerIdFromString(record.peer)
      const manifest = await this.init.manifest(fromHex(record.adapter), peer)
      const restored = restoreUser(records, manifest)
      const jobs = timedUserJobs(entry, this.init.jobs(manifest))
      const { timeouts, sessions } = this.init
      const { machine, done } = await sessions
        .settle(peer, {
          make: peers =>
            new SettlingUser({
              restored,
              rest: this.rests.get(id),
              manifest,
              peers,
              timeouts,
              jobs,
              journal: store.journals.of(restored.terms.session)
            }),
          signal
        })
        .catch((error: Error) => {
          line.failed(error)
          throw error
        })
      signal.addEventListener('abort', () => machine.fail(signal.reason))
      await Promise.all([
        this.take(machine, { entry, peer, jobs, signal }).catch(error => Promise.reject(this.failed(machine, error))),
        done
      ])
      await this.done(id)
      if (entry.state === 'broken') await entry.end({ state: 'failed', error: 'the session was settled without a row that both accepted' })
      else if (entry.info().error?.startsWith(SETTLING) === true) await entry.end({ error: null })
      const info = entry.info()
      this.remember(info)
      return info
    } catch (error) {
      if (isBusy(error)) line.failed(error)
      await this.again(id, entry, error as Error)
      throw error
    } finally {
      part()
      this.leave(record.peer)
    }
  }

  private nothing(id: string): NotFoundError {
    this.rests.delete(id)
    this.attempts.delete(id)
    return new NotFoundError(`there is nothing to settle of session ${id}`)
  }

  private remember(info: SessionInfo): void {
    this.results.set(info.session, info)
    if (this.results.size > REMEMBERED) this.results.delete(this.results.keys().next().value!)
  }

  private failed(machine: SettlingUser, error: Error): Error {
    machine.fail(error)
    return error
  }

  private async done(id: string): Promise<void> {
    this.rests.delete(id)
    this.attempts.delete(id)
    await this.init.store.journals.of(fromHex(id)).settled()
  }

  /** Another attempt later, unless the contributor keeps nothing, or broke its word. */
  private async again(id: string, entry: SessionEntry, error: Error): Promise<void> {
    const unknown = error instanceof RefusedError && error.reason === codeName(CODE.unknownSession)
    if (unknown || isPeerError(error)) {
      await this.done(id)
      const state: SessionRecord['state'] = entry.state === 'broken' ? 'failed' : entry.state
      return entry.end({ state, error: `${SETTLING}${error.message}` })
    }
    if (this.stopping.signal.aborted) return
    // Whoever asks why it is still open reads it in the record.
    await entry.end({ error: `${SETTLING}${error.message}; it is tried again` })
    // A contributor that has no place now is there: nothing is to be waited for the longer, the more often that happened.
    if (isBusy(error)) this.after(id, Math.min(LATEST, Math.max(SOONEST, error.retryAfter * SECOND)))
    else this.wait(id)
  }

  /** Takes the bundles that the contributor offers. */
  private async take(machine: SettlingUser, given: Attempt & { readonly entry: SessionEntry }): Promise<void> {
    const { entry } = given
    for (let offer = await machine.offer(); offer !== undefined; offer = await machine.offer()) {
      const { bytes, proof, statement } = await this.check(machine, { ...given, offer })
      await this.init.store.bundles.putVerified(proof, bytes, { own: true })
      await entry.proved(statement)
      const receipt = machine.accept(proof)
      const announcement = await machine.announcement()
      if (announcement.length === 0) continue
      checkAnnouncement(announcement, { statement, receipt, proof })
      await entry.set({ state: 'announced', announcement: toHex(announcement) })
    }
  }

  private async check(
    machine: SettlingUser,
    { offer, peer, jobs, signal }: Attempt & { readonly offer: Proof }
  ): Promise<{ bytes: Uint8Array; proof: VerifiedProof; statement: Statement }> {
    const orDecline = async <T>(code: Code, work: () => Promise<T>): Promise<T> => {
      try {
        return await work()
      } catch (error) {
        machine.decline(code)
        await machine.announcement()
        throw error
      }
    }
    const { bytes } = await orDecline(CODE.bundleNotFetched, () =>
      this.init.fetch.bundle([peer], offer.digest, { length: offer.length, signal })
    )
    const proof = await orDecline(CODE.bundleInvalid, () => jobs.verify(bytes))
    const statement = await orDecline(CODE.bundleOfAnotherSession, async () => machine.checkBundle(proof))
    return { bytes, proof, statement }
  }
}

function isBusy(error: unknown): error is RefusedError {
  return error instanceof RefusedError && error.reason === codeName(CODE.busy)
}

/** What the contributor says that it published is this bundle, with this receipt. @throws InvalidProofError('announcement') */
export function checkAnnouncement(
  bytes: Uint8Array,
  given: { readonly statement: Statement; readonly receipt: Uint8Array; readonly proof: VerifiedProof }
): void {
  const { announcement } = readAnnouncement(bytes)
  const { statement, receipt, proof } = given
  const fits =
    equal(encodeStatement(announcement.statement), encodeStatement(statement)) &&
    announcement.receipt !== null &&
    equal(announcement.receipt, receipt)
  if (!fits) throw new InvalidProofError('announcement', 'what the contributor published is not what was signed')
  checkStatement(announcement, proof)
}
