/** The user's calls from end to end: who serves the adapters, the base model cut for them, their sessions, the text, the proofs. */
import { setMaxListeners } from 'node:events'
import type { PeerId } from '@libp2p/interface'
import { toHex } from '../bytes.js'
import { RefusedError } from '../errors.js'
import { joinSignals, withSignals } from '../signals.js'
import { readModelFolder } from '../hub/index.js'
import type { Kernel } from '../kernel/index.js'
import { TextTokenizer } from '../model/tokenizer.js'
import type { Net } from '../net/index.js'
import type { SessionService } from '../net/session/index.js'
import { timeLimit } from '../net/time-limit.js'
import type { Random, VerifiedManifest } from '../proof/index.js'
import type { Evidence, UserJobs } from '../session/index.js'
import type { Store } from '../store/index.js'
import { readBaseModel } from './base-model.js'
import type { Events } from './events.js'
import type { Finder, Located, Wanted } from './finder.js'
import { Models } from './models.js'
import { DEFAULT_NEW_TOKENS, PatchedModel } from './patched-model.js'
import type { AdapterUse, CallOptions, GenerateParams, GenerateResult, LossParams, LossResult, SessionInfo } from './types.js'
import type { UserSettling } from './settling/user.js'
import { RemoteAdapters, rowsFor, targetGroups } from './user.js'
import { refuseConvicted, type Witness } from './witness.js'

export interface InferenceInit {
  readonly kernel: Kernel
  readonly random: Random
  readonly store: Store
  readonly net: Pick<Net<{ session: SessionService }>, 'node' | 'fetch'>
  readonly finder: Pick<Finder, 'resolve' | 'find'>
  readonly events: Events
  /** Keeps what contributors did wrong. */
  readonly witness: Pick<Witness, 'against' | 'session'>
  /** Takes care of sessions that break. */
  readonly settling: UserSettling
  /** Ed25519 seed of the key that contributors have listed, when it is not this node's own. */
  readonly listedSeed?: Uint8Array | undefined
  /** Default: in this thread. */
  readonly jobs?: ((manifest: VerifiedManifest) => UserJobs) | undefined
}

/** Tokens for which a model is opened when nothing is said. */
const DEFAULT_SESSION_TOKENS = 1024

/** Milliseconds in which a contributor whose connection was lost is reached again, before others are looked for. */
const REDIAL = 3000
/** Milliseconds for which somebody to go on with is looked for: a contributor restarts in seconds; and between two looks. */
const GO_ON = 15_000
const GO_ON_PAUSE = 500

export class Inference {
  private readonly models = new Models()
  private readonly controller = new AbortController()
  private readonly running = new Set<Promise<unknown>>()
  private readonly opened = new Set<PatchedModel>()

  constructor(private readonly init: InferenceInit) {
    // Everything under way waits on it: Node warns from the 11th on.
    setMaxListeners(0, this.controller.signal)
  }

  /** Breaks off what runs, and closes the models. */
  async stop(): Promise<void> {
    const reason = new Error('the node is stopping')
    this.controller.abort(reason)
    await Promise.allSettled(this.running)
    await Promise.all([...this.opened].map(model => model.abort(reason)))
    await this.models.close()
  }

  /**
   * Opens a base model with the sessions of its adapters, for any number of texts.
   * @param params.rows of each session; absent: for 1,024 tokens, or as many as the contributor serves; another follows one that is full
   * @throws NotFoundError, RefusedError and what keeps a session or model from being opened
   */
  open(params: AdapterUse, options: CallOptions = {}): Promise<PatchedModel> {
    return this.track(this.patch({ params, tokens: DEFAULT_SESSION_TOKENS }, options))
  }

  /**
   * Writes on from a prompt; each adapter's session ends with its proof.
   * @returns also when a proof failed after the text was there: its session says so
   * @throws NotFoundError, RefusedError and what breaks a session while text is written, such as InvalidProofError
   */
  async generate(params: GenerateParams, options: CallOptions = {}): Promise<GenerateResult> {
    const { maxNewTokens = DEFAULT_NEW_TOKENS } = params
    const { base: _base, adapters: _adapters, combineMode: _mode, rows: _rows, keepRows: _keep, ...asked } = params
    const wanted = { params, text: params.prompt, tokens: (count: number) => count + maxNewTokens - 1 }
    return this.once(wanted, options, async model => {
      const generated = await model.generate(asked, options)
      if (generated.finishReason === 'abort') await model.abort()
      return generated
    })
  }

  /** Loss of a text with the base model and with the adapters. @throws as `generate` */
  async loss(params: LossParams, options: CallOptions = {}): Promise<LossResult> {
    const wanted = { params, text: params.text, tokens: (count: number) => count - 1 }
    return this.once(wanted, options, model => model.loss(params.text, options))
  }

  /** Opens the model for one text, and ends its sessions with their proofs. */
  private async once<T extends object>(
    { params, text, tokens }: { params: AdapterUse; text: string; tokens: (count: number) => number },
    options: CallOptions,
    work: (model: PatchedModel) => Promise<T>
  ): Promise<T & { sessions: SessionInfo[] }> {
    const run = async (): Promise<T & { sessions: SessionInfo[] }> => {
      const count = tokens(new TextTokenizer(readModelFolder(params.base)).encode(text).length)
      const model = await this.patch({ params, tokens: count }, options)
      try {
        return { ...(await work(model)), sessions: await model.end() }
      } catch (error) {
        await model.abort(error as Error)
        throw error
      }
    }
    return this.track(run())
  }

  private async track<T>(work: Promise<T>): Promise<T> {
    this.running.add(work)
    try {
      return await work
    } finally {
      this.running.delete(work)
    }
  }

  /** @param options.signal ends the sessions, also after the model has been opened */
  private async patch({ params, tokens }: { params: AdapterUse; tokens: number }, options: CallOptions): Promise<PatchedModel> {
    const wantedRows = ({ manifest }: Located): number => params.rows ?? rowsFor(manifest, tokens)
    const rows = (each: Located): number => params.rows ?? Math.min(wantedRows(each), each.info.maxRows)
    const { onProgress = () => {} } = options
    const { signal, part } = joinSignals(this.controller.signal, options.signal)
    let releaseModel = async (): Promise<void> => {}
    const release = async (): Promise<void> => {
      part()
      await releaseModel()
    }
    try {
      const base = readBaseModel(params.base)
      const located = await this.locate(params, { base, rows: wantedRows, force: params.force }, { ...options, signal })
      const groups = targetGroups(located.map(({ manifest }) => manifest))
      const began = performance.now()
      const held = await this.models.hold({ folder: params.base, groups, combineMode: params.combineMode })
      releaseModel = held.release
      const { model } = held
      const modules = new Set(groups.flatMap(group => group.modules.map(({ name }) => name))).size
      onProgress({ type: 'model', step: 'open', modules, stages: model.shape.stages, elapsed: performance.now() - began })
      signal.throwIfAborted()
      const tell = (session: SessionInfo): void => this.tellSession(session, options)
      const { force, keepRows } = params
      const shared = { rows, force, keepRows, signal, onSession: tell }
      const remotes = located.length === 0 ? undefined : await this.openSessions(located, shared)
      const patched: PatchedModel = new PatchedModel({
        model,
        remotes,
        adapters: located.map(({ info }) => info.adapter),
        signal,
        release: async () => {
          this.opened.delete(patched)
          await release()
        }
      })
      this.opened.add(patched)
      return patched
    } catch (error) {
      await release()
      throw error
    }
  }

  private async locate({ adapters }: AdapterUse, wanted: Wanted, options: CallOptions): Promise<Located[]> {
    return Promise.all(adapters.map(reference => this.init.finder.resolve(reference, wanted, options)))
  }

  private openSessions(
    located: readonly Located[],
    {
      rows,
      force,
      ...shared
    }: Pick<Wanted, 'rows' | 'force'> & {
      readonly signal: AbortSignal
      readonly onSession: (session: SessionInfo) => void
      readonly keepRows: boolean | undefined
    }
  ): Promise<RemoteAdapters> {
    const { kernel, random, store, net, jobs, settling, listedSeed, witness } = this.init
    const inits = located.map(each => ({
      kernel,
      random,
      store,
      settling,
      listedSeed,
      sessions: net.node.services.session,
      fetch: net.fetch,
      peer: each.peer,
      alternatives: each.others,
      manifest: each.manifest,
      groups: [...each.manifest.groups.keys()],
      rows: rows(each),
      jobs: jobs?.(each.manifest),
      another: (lost: PeerId, error: Error) => this.another(each, { lost, error, force, signal: shared.signal }),
      onEvidence: (evidence: Evidence) => witness.session(evidence, each.manifest),
      ...(force !== true && { checkKey: (key: Uint8Array) => refuseConvicted(witness, key) }),
      ...shared
    }))
    return RemoteAdapters.open(inits)
  }

  /** Who serves the adapter of a session that broke: the same contributor, when only the connection was lost, or another. */
  private async another(
    { manifest }: Located,
    { lost, error, force, signal }: { lost: PeerId; error: Error; force: boolean | undefined; signal: AbortSignal }
  ): Promise<PeerId> {
    const { net, finder } = this.init
    const until = performance.now() + GO_ON
    do {
      signal.throwIfAborted()
      if (!(error instanceof RefusedError)) {
        const again = await withSignals([signal, timeLimit(REDIAL)], within => net.node.dial(lost, { signal: within })).catch(
          () => undefined
        )
        if (again !== undefined) return lost
      }
      const located = await finder.find({ adapter: toHex(manifest.id) }, { signal }).then(
        found => found.located,
        () => []
      )
      const other = located.find(({ peer, info }) => !peer.equals(lost) && (force === true || info.evidence === null))
      if (other !== undefined) return other.peer
      await new Promise(resolve => setTimeout(resolve, GO_ON_PAUSE))
    } while (performance.now() < until)
    throw error
  }

  private tellSession(session: SessionInfo, { onProgress }: CallOptions): void {
    onProgress?.({ type: 'session', session })
    this.init.events.emit({ type: 'session', session })
  }
}
