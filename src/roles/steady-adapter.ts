/**
 * One adapter for as long as it is used. A session that is full ends with its proof while generation goes on in the next; when one
 * breaks, generation goes on with the same contributor or another, and it is settled meanwhile. No row that was answered is sent again.
 */
import type { PeerId } from '@libp2p/interface'
import { ConnectionLostError, isPeerError, RefusedError, TimeoutError, UnsupportedError } from '../errors.js'
import type { VerifiedManifest } from '../proof/index.js'
import { type DeltaRequest, openRemoteAdapter, type PartialAnswer, type RemoteAdapter, type RemoteAdapterInit } from './remote-adapter.js'
import type { SessionInfo } from './types.js'

/** Sessions tried one after the other without a row answered in between. */
const ATTEMPTS = 4

export interface SteadyAdapterInit extends RemoteAdapterInit {
  /** Who else says to serve the adapter: asked in this order when the first session is refused, or its terms do not hold. */
  readonly alternatives?: readonly PeerId[] | undefined
  /**
   * Who to go on with after a session broke with this error.
   * @throws when there is nobody
   */
  readonly another?: ((lost: PeerId, error: Error) => Promise<PeerId>) | undefined
}

export class SteadyAdapter {
  readonly manifest: VerifiedManifest
  /** In the order in which they were opened; the last is in use. */
  private readonly sessions: RemoteAdapter[]
  private peer: PeerId
  private renewing: Promise<void> | undefined
  /** The end of the last session that was full, with its proof or its error. */
  private full: Promise<Error | undefined> = Promise.resolve(undefined)

  private constructor(
    private readonly init: SteadyAdapterInit,
    { peer, first }: { readonly peer: PeerId; readonly first: RemoteAdapter }
  ) {
    this.manifest = init.manifest
    this.peer = peer
    this.sessions = [first]
  }

  /** @throws as `openRemoteAdapter`, the error of the first that was asked */
  static async open(init: SteadyAdapterInit): Promise<SteadyAdapter> {
    let failure: unknown
    for (const peer of [init.peer, ...(init.alternatives ?? [])].slice(0, ATTEMPTS)) {
      try {
        return new SteadyAdapter(init, { peer, first: await openRemoteAdapter({ ...init, peer }) })
      } catch (error) {
        failure ??= error
        // Whoever says to serve an adapter counts when its terms hold; what goes wrong here goes wrong with everybody.
        if (!isOfPeer(error) || init.signal?.aborted === true) throw error
      }
    }
    throw failure
  }

  private get current(): RemoteAdapter {
    return this.sessions.at(-1)!
  }

  infos(): SessionInfo[] {
    return this.sessions.map(session => session.info())
  }

  /** Rows accepted by both in the session in use. */
  get accepted(): number {
    return this.current.accepted
  }

  /** Rows answered and accepted in the session in use. */
  progress(): { readonly session: string; readonly rows: number; readonly accepted: number } {
    const { session, rows } = this.current.info()
    return { session, rows, accepted: this.accepted }
  }

  /**
   * Deltas of the group's modules, one module's outputs after the other in each row.
   * @returns count × Σ dOut
   * @throws what the session fails with when it cannot be gone on from
   */
  async deltas({ group, position, rows, signal }: DeltaRequest): Promise<Float32Array> {
    const { dIn, outputs } = this.manifest.groups[group]!
    const count = rows.length / dIn
    const all = new Float32Array(count * outputs)
    let done = 0
    for (let attempt = 1; done < count; attempt++) {
      const { current } = this
      const answered: PartialAnswer = { deltas: new Float32Array(0) }
      try {
        if (current.rowsLeft === 0) {
          await this.goOn(current)
          continue
        }
        const fits = Math.min(count, done + current.rowsLeft)
        const part = { group, position: position + done, rows: rows.subarray(done * dIn, fits * dIn), signal }
        all.set(await current.deltas(part, answered), done * outputs)
        done = fits
        attempt = 0
      } catch (error) {
        all.set(answered.deltas, done * outputs)
        const rowsMore = answered.deltas.length / outputs
        done += rowsMore
        if (rowsMore > 0) attempt = 1
        if (attempt >= ATTEMPTS || !canGoOn(error) || this.init.signal?.aborted === true || signal?.aborted === true) throw error
        await this.renew(current, () => this.replace(error))
      }
    }
    return all
  }

  /**
   * Ends the session in use with its proof; those that broke are settled, as far as their contributors can be reached.
   * @throws when the proof of this session, or of one that was full, does not come or does not hold
   */
  async finish(): Promise<void> {
    const [last, full] = await Promise.all([ended(this.current), this.full])
    const error = full ?? last
    if (error !== undefined) throw error
  }

  /** Breaks off what has not ended. */
  async abort(reason: Error): Promise<void> {
    await Promise.all(this.sessions.map(session => session.abort(reason)))
  }

  /** The next session after one that is full. */
  private async goOn(full: RemoteAdapter): Promise<void> {
    await this.renew(full, async () => {
      // One proof at a time: a contributor has few places for a peer, and holds the rows of a session until it is proved.
      const error = await this.full
      if (error !== undefined && !canGoOn(error)) throw error
      this.full = ended(full)
      await this.replace()
    })
  }

  /** A new session in the place of an old one, for all who wait for it. */
  private async renew(old: RemoteAdapter, open: () => Promise<void>): Promise<void> {
    if (old !== this.current) return
    this.renewing ??= open().finally(() => (this.renewing = undefined))
    await this.renewing
  }

  /** @param broke what ended the session before, when it was not full: absent, the same contributor is asked first */
  private async replace(broke?: Error): Promise<void> {
    const { another } = this.init
    let cause = broke
    for (let attempt = 1; ; attempt++) {
      try {
        if (cause !== undefined) {
          if (another === undefined) throw cause
          this.peer = await another(this.peer, cause)
        }
        this.sessions.push(await openRemoteAdapter({ ...this.init, peer: this.peer }))
        return
      } catch (failure) {
        if (attempt >= ATTEMPTS || failure === cause || !canGoOn(failure)) throw failure
        cause = failure
      }
    }
  }
}

/** Ends a session with its proof. Never rejects, so that it can be waited for later. */
async function ended(session: RemoteAdapter): Promise<Error | undefined> {
  return session.finish().then(
    () => undefined,
    (error: Error) => error
  )
}

/** True for what one peer does, or cannot do. */
function isOfPeer(error: unknown): boolean {
  return canGoOn(error) || error instanceof UnsupportedError || isPeerError(error)
}

/** True for what ends one session, and says nothing against another. */
function canGoOn(error: unknown): error is Error {
  return error instanceof ConnectionLostError || error instanceof TimeoutError || error instanceof RefusedError
}
