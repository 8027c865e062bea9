/**
 * One adapter for as long as it is used: when a session breaks, generation goes on in a new one, with the same contributor
 * or another. No row that was answered is sent again; the old session is settled meanwhile.
 */
import type { PeerId } from '@libp2p/interface'
import { ConnectionLostError, RefusedError, TimeoutError } from '../errors.js'
import type { VerifiedManifest } from '../proof/index.js'
import { type DeltaRequest, openRemoteAdapter, type PartialAnswer, type RemoteAdapter, type RemoteAdapterInit } from './remote-adapter.js'
import type { SessionInfo } from './types.js'

/** Sessions tried one after the other without a row answered in between. */
const ATTEMPTS = 4

export interface SteadyAdapterInit extends RemoteAdapterInit {
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

  private constructor(
    private readonly init: SteadyAdapterInit,
    first: RemoteAdapter
  ) {
    this.manifest = init.manifest
    this.peer = init.peer
    this.sessions = [first]
  }

  /** @throws as `openRemoteAdapter` */
  static async open(init: SteadyAdapterInit): Promise<SteadyAdapter> {
    return new SteadyAdapter(init, await openRemoteAdapter(init))
  }

  private get current(): RemoteAdapter {
    return this.sessions.at(-1)!
  }

  infos(): SessionInfo[] {
    return this.sessions.map(session => session.info())
  }

  /** Rows accepted by both in the session in use, and that may still be asked for in it. */
  get accepted(): number {
    return this.current.accepted
  }

  get rowsLeft(): number {
    return this.current.rowsLeft
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
  async deltas({ group, position, rows }: DeltaRequest): Promise<Float32Array> {
    const { dIn, outputs } = this.manifest.groups[group]!
    const count = rows.length / dIn
    const all = new Float32Array(count * outputs)
    let done = 0
    for (let attempt = 1; ; attempt++) {
      const { current } = this
      const left = { group, position: position + done, rows: rows.subarray(done * dIn) }
      const answered: PartialAnswer = { deltas: new Float32Array(0) }
      try {
        all.set(await current.deltas(left, answered), done * outputs)
        return all
      } catch (error) {
        all.set(answered.deltas, done * outputs)
        const rowsMore = answered.deltas.length / outputs
        done += rowsMore
        if (rowsMore > 0) attempt = 1
        if (attempt >= ATTEMPTS || !canGoOn(error) || this.init.signal?.aborted === true) throw error
        await this.renew(current, error)
      }
    }
  }

  /** Ends the session in use with its proof; those that broke are settled, as far as their contributors can be reached. */
  async finish(): Promise<void> {
    await this.current.finish()
  }

  async abort(reason: Error): Promise<void> {
    await this.current.abort(reason)
  }

  /** A new session in the place of one that broke with this error, for all who wait for it. */
  private async renew(old: RemoteAdapter, error: Error): Promise<void> {
    if (old !== this.current) return
    this.renewing ??= this.open(error).finally(() => (this.renewing = undefined))
    await this.renewing
  }

  private async open(error: Error): Promise<void> {
    const { another } = this.init
    if (another === undefined) throw error
    let cause = error
    for (let attempt = 1; ; attempt++) {
      try {
        this.peer = await another(this.peer, cause)
        this.sessions.push(await openRemoteAdapter({ ...this.init, peer: this.peer }))
        return
      } catch (failure) {
        if (attempt >= ATTEMPTS || failure === cause || !canGoOn(failure)) throw failure
        cause = failure
      }
    }
  }
}

/** True for what ends one session, and says nothing against another. */
function canGoOn(error: unknown): error is Error {
  return error instanceof ConnectionLostError || error instanceof TimeoutError || error instanceof RefusedError
}
