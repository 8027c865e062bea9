/**
 * The user: runs the base model with the adapters of one or several contributors, each with its own session and proof. Where two of
 * them adapt one module their deltas add up.
 */
import { InvalidInputError } from '../errors.js'
import type { DeltaProvider, TargetGroup } from '../model/types.js'
import type { Manifest } from '../proof/index.js'
import { SteadyAdapter, type SteadyAdapterInit } from './steady-adapter.js'
import type { SessionInfo } from './types.js'

/** Groups of all adapters one after the other: what a base model is opened with to serve them all. */
export function targetGroups(manifests: readonly Manifest[]): TargetGroup[] {
  return manifests.flatMap(({ groups }) =>
    groups.map(({ dIn, modules }) => ({ dIn, modules: modules.map(({ name, dOut }) => ({ name, dOut })) }))
  )
}

/** Rows of a session over all groups of an adapter, for so many tokens of the text. */
export function rowsFor({ groups }: Manifest, tokens: number): number {
  return groups.length * tokens
}

/** Several adapters in use at a time, in the order of `targetGroups`. */
export class RemoteAdapters {
  /** Adapter and manifest index of each of the model's groups. */
  private readonly places: readonly { readonly adapter: SteadyAdapter; readonly group: number }[]

  private constructor(readonly adapters: readonly SteadyAdapter[]) {
    this.places = adapters.flatMap(adapter => adapter.manifest.groups.map((_, group) => ({ adapter, group })))
  }

  /**
   * Opens a session with each contributor, at the same time.
   * @throws the first error of `openRemoteAdapter`; no session is left open then
   */
  static async open(inits: readonly SteadyAdapterInit[]): Promise<RemoteAdapters> {
    const bases = new Set(inits.map(({ manifest }) => manifest.base.join()))
    if (bases.size > 1) throw new InvalidInputError('the adapters belong to different base models; use adapters of one')
    const opened = await Promise.allSettled(inits.map(init => SteadyAdapter.open(init)))
    const adapters = opened.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    const failed = opened.find(result => result.status === 'rejected')
    if (failed !== undefined) {
      await Promise.all(adapters.map(adapter => adapter.abort(failed.reason)))
      throw failed.reason
    }
    return new RemoteAdapters(adapters)
  }

  /** For a model that was opened with the `targetGroups` of the same manifests in the same order. */
  readonly provider: DeltaProvider = async ({ group, positions, x }, signal) => {
    signal.throwIfAborted()
    const place = this.places[group]!
    return unless(signal, place.adapter.deltas({ group: place.group, position: positions.first, rows: x, signal }))
  }

  infos(): SessionInfo[] {
    return this.adapters.flatMap(adapter => adapter.infos())
  }

  /**
   * Ends all sessions with their proofs.
   * @throws the first error, when all have ended; `infos` tells what became of each
   */
  async finish(): Promise<SessionInfo[]> {
    const finished = await Promise.allSettled(this.adapters.map(adapter => adapter.finish()))
    for (const result of finished) if (result.status === 'rejected') throw result.reason
    return this.infos()
  }

  /** Breaks all sessions off. */
  async abort(reason: Error): Promise<void> {
    await Promise.all(this.adapters.map(adapter => adapter.abort(reason)))
  }
}

/** The work's result; the signal ends the wait, not the work. */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort)
    stop = () => signal.removeEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    stop()
  }
}
