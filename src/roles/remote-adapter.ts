/**
 * The user's side of one adapter at one contributor: deltas for the base model while the session runs, then the proof: fetched,
 * verified, kept, signed for.
 */
import type { PeerId } from '@libp2p/interface'
import { toHex } from '../bytes.js'
import { isPeerError } from '../errors.js'
import type { Kernel } from '../kernel/index.js'
import { dequantize } from '../lora/delta.js'
import { quantizeRows } from '../lora/quantize.js'
import type { FetchService } from '../net/fetch/index.js'
import type { OpenedSession, SessionService } from '../net/session/index.js'
import type { Random, VerifiedManifest } from '../proof/index.js'
import {
  type AnswerProgress,
  checkAccept,
  CODE,
  type Code,
  type Evidence,
  inlineUserJobs,
  makeOpening,
  type OpenableRow,
  type Proof,
  type SessionTimeouts,
  type UserJobs,
  UserSession
} from '../session/index.js'
import type { Store } from '../store/index.js'
import { SessionEntry, timedUserJobs } from './session-entry.js'
import { checkAnnouncement, type UserSettling } from './settling/user.js'
import type { SessionInfo } from './types.js'

const SECOND = 1000

export interface RemoteAdapterInit {
  readonly kernel: Kernel
  readonly random: Random
  readonly sessions: Pick<SessionService, 'open'>
  readonly fetch: Pick<FetchService, 'bundle'>
  readonly store: {
    readonly bundles: Pick<Store['bundles'], 'putVerified'>
    readonly journals: Pick<Store['journals'], 'of'>
    readonly sessions: Pick<Store['sessions'], 'put'>
    readonly rows: Pick<Store['rows'], 'put'>
  }
  /** Takes care of the session when it breaks; default: nobody. */
  readonly settling?: Pick<UserSettling, 'broken' | 'settle' | 'settled'> | undefined
  readonly peer: PeerId
  readonly manifest: VerifiedManifest
  /** Manifest indices of the groups at whose modules deltas are injected, strictly ascending; default: all. */
  readonly groups?: readonly number[] | undefined
  /** True: what opens the rows is kept. */
  readonly keepRows?: boolean | undefined
  /** Ed25519 seed of the key that the contributor has listed, when that is not this peer's. */
  readonly listedSeed?: Uint8Array | undefined
  /** Rows wanted at most, over all groups. */
  readonly rows: number
  /** Ends the session with its reason. */
  readonly signal?: AbortSignal | undefined
  /** Default: in this thread. */
  readonly jobs?: UserJobs | undefined
  /** Told when the session changes its state. */
  readonly onSession?: ((info: SessionInfo) => void) | undefined
  /** Looks at the contributor's key before the first row. @throws to end the session */
  readonly checkKey?: ((key: Uint8Array) => void) | undefined
  /** Told what shows that the contributor broke its word. */
  readonly onEvidence?: ((evidence: Evidence) => void) | undefined
  readonly timeouts?: Partial<SessionTimeouts> | undefined
  /** Rows after which commitments are exchanged while the session goes on. */
  readonly commitRows?: number | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

/**
 * Opens a session with a contributor.
 * @throws RefusedError, TimeoutError, ConnectionLostError, UnsupportedError, and for terms that do not hold InvalidProofError,
 *   ProtocolViolationError, MalformedMessageError, LimitExceededError
 */
export async function openRemoteAdapter(init: RemoteAdapterInit): Promise<RemoteAdapter> {
  const { kernel, random, manifest, rows, peer, signal, timeouts, commitRows } = init
  const groups = init.groups ?? [...manifest.groups.keys()]
  const started = (init.now ?? Date.now)()
  const { open, secretKey } = makeOpening({ manifest, groups, rows, random })
  let entry: SessionEntry
  let scales: Float64Array
  const opened = await init.sessions.open(peer, {
    open,
    manifest,
    signal,
    listedSeed: init.listedSeed,
    agree: terms => {
      scales = checkAccept(terms, manifest, BigInt(Math.floor(started / SECOND)))
      init.checkKey?.(terms.accept.key)
      entry = SessionEntry.opened({
        session: terms.session,
        role: 'user',
        manifest,
        peer: peer.toString(),
        started,
        save: record => init.store.sessions.put(record),
        onChange: init.onSession
      })
      const jobs = timedUserJobs(entry, init.jobs ?? inlineUserJobs({ kernel, manifest, random }))
      const journal = init.store.journals.of(terms.session)
      const keepRows = init.keepRows === true ? (rows: readonly OpenableRow[]) => init.store.rows.put(terms.session, rows) : undefined
      return new UserSession({ terms, manifest, secretKey, jobs, timeouts, commitRows, journal, keepRows })
    }
  })
  return new RemoteAdapter(init, { ...opened, entry: entry!, scales: scales! })
}

/** Activation rows of one group. */
export interface DeltaRequest {
  /** Manifest index. */
  readonly group: number
  /** Of the first row; the others follow. */
  readonly position: number
  /** count × dIn. */
  readonly rows: Float32Array
  /** Cancels the rows that are not answered yet; the session goes on. */
  readonly signal?: AbortSignal | undefined
}

/** Deltas of the first rows of a request whose session failed. */
export interface PartialAnswer {
  deltas: Float32Array
}

export class RemoteAdapter {
  readonly manifest: VerifiedManifest
  private readonly session: UserSession
  private readonly done: Promise<void>
  private readonly entry: SessionEntry
  private readonly scales: Float64Array
  private readonly recorded: Promise<void>
  private finishing: Promise<SessionInfo> | undefined
  private broken = false

  /** Use openRemoteAdapter. */
  constructor(
    private readonly init: RemoteAdapterInit,
    opened: OpenedSession & { readonly entry: SessionEntry; readonly scales: Float64Array }
  ) {
    this.manifest = init.manifest
    this.session = opened.session
    this.done = opened.done
    // A session that breaks before its record is kept: `record` asks later.
    this.done.catch(() => {})
    this.entry = opened.entry
    this.scales = opened.scales
    const onAbort = (): void => this.session.fail(init.signal!.reason)
    init.signal?.addEventListener('abort', onAbort)
    this.recorded = this.record().finally(() => init.signal?.removeEventListener('abort', onAbort))
  }

  /** The session as it is now. */
  info(): SessionInfo {
    const info = this.entry.info(this.session.answeredRows)
    return this.init.settling?.settled(info.session) ?? info
  }

  /** Rows accepted by both sides. */
  get accepted(): number {
    return this.session.accepted
  }

  /** Rows that may still be asked for. */
  get rowsLeft(): number {
    return this.session.rowsLeft
  }

  /**
   * Deltas of the group's modules, one module's outputs after the other in each row.
   * @param partial gets what was answered when the session fails
   * @returns count × Σ dOut
   * @throws what the session fails with, LimitExceededError beyond the session's rows
   */
  async deltas({ group, position, rows, signal }: DeltaRequest, partial?: PartialAnswer): Promise<Float32Array> {
    const { dIn, modules } = this.manifest.groups[group]!
    const { x, scales: rowScales } = quantizeRows(rows, dIn, this.manifest.activationBits)
    const progress: AnswerProgress = { answered: 0, y: new Float64Array(0) }
    const scaled = modules.map(({ dOut, index }) => ({ dOut, scale: this.scales[index]! }))
    try {
      return dequantize({ modules: scaled, y: await this.session.ask({ group, position, x }, { progress, signal }), rowScales })
    } catch (error) {
      const { answered, y } = progress
      if (partial !== undefined && answered > 0) {
        const part = y.subarray(0, (y.length / rowScales.length) * answered)
        partial.deltas = dequantize({ modules: scaled, y: part, rowScales: rowScales.subarray(0, answered) })
      }
      throw error
    }
  }

  /**
   * Ends the session: both commit to the rest, the contributor proves, the bundle is fetched and verified and signed for.
   * @returns the session with its proof
   * @throws what the session fails with; InvalidProofError when the bundle does not hold
   */
  finish(): Promise<SessionInfo> {
    this.finishing ??= this.prove()
    return this.finishing
  }

  /** Breaks the session off, without a proof. Resolves when its record is kept. */
  async abort(reason: Error): Promise<void> {
    this.session.fail(reason)
    await this.recorded
  }

  private async prove(): Promise<SessionInfo> {
    try {
      const offer = await this.session.close()
      if (offer !== undefined) {
        await this.entry.set({ state: 'proving', rows: this.session.answeredRows })
        await this.take(offer)
      }
      await this.done
      const journal = this.init.store.journals.of(this.session.id)
      if (offer !== undefined) await journal.settled()
      else {
        await journal.remove()
        await this.entry.set({ state: 'failed', error: 'the session ended without a row' })
      }
    } catch (error) {
      this.session.fail(error)
      await this.recorded
      await this.failed(error as Error)
      return this.settle(error as Error)
    }
    await this.recorded
    return this.info()
  }

  /** The stream broke before the proof had come: another may do. @throws the error when it does not */
  private async settle(error: Error): Promise<SessionInfo> {
    const { settling, signal } = this.init
    if (this.entry.state !== 'broken' || settling === undefined || signal?.aborted === true) throw error
    try {
      return await settling.settle(this.info().session)
    } catch {
      throw error
    }
  }

  /** Fetches, verifies, keeps and signs for the bundle, and takes the announcement. */
  private async take(offer: Proof): Promise<void> {
    const { bytes } = await this.orDecline(CODE.bundleNotFetched, () =>
      this.init.fetch.bundle([this.init.peer], offer.digest, { length: offer.length, signal: this.init.signal })
    )
    const verify = timedUserJobs(this.entry, this.jobs())
    const proof = await this.orDecline(CODE.bundleInvalid, () => verify.verify(bytes))
    const statement = await this.orDecline(CODE.bundleOfAnotherSession, async () => this.session.checkBundle(proof))
    // What is signed is kept before the signature leaves.
    await this.init.store.bundles.putVerified(proof, bytes, { own: true })
    await this.entry.proved(statement)
    const receipt = this.session.accept(proof)
    const announcement = await this.session.announcement()
    if (announcement.length === 0) return
    checkAnnouncement(announcement, { statement, receipt, proof })
    await this.entry.set({ state: 'announced', announcement: toHex(announcement) })
  }

  private jobs(): UserJobs {
    const { kernel, manifest, random, jobs } = this.init
    return jobs ?? inlineUserJobs({ kernel, manifest, random })
  }

  /** Tells the contributor why there is no receipt, before the error goes its way. */
  private async orDecline<T>(code: Code, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      this.session.decline(code)
      await this.session.announcement()
      throw error
    }
  }

  /** Keeps what became of the session, however it ends. */
  private async record(): Promise<void> {
    try {
      await this.entry.set({ state: 'open' })
      await this.done
    } catch (error) {
      await this.failed(error as Error)
    }
  }

  private async failed(error: Error): Promise<void> {
    if (this.broken) return
    this.broken = true
    const rows = this.session.answeredRows
    const state = this.entry.state === 'proved' ? 'proved' : isPeerError(error) || rows === 0 ? 'failed' : 'broken'
    await this.entry.end({ state, rows, error: error.message })
    const journal = this.init.store.journals.of(this.session.id)
    if (isPeerError(error)) {
      // With who broke its word nothing more is signed.
      this.init.onEvidence?.(this.session.evidenceOf(error))
      await journal.settled().catch(() => {})
    } else if (rows === 0) await journal.remove().catch(() => {})
    else this.init.settling?.broken(this.session.id, this.session.rest())
  }
}
