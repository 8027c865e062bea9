/** The user's calls from end to end: who serves the adapters, the base model cut for them, their sessions, the text, the proofs. */
import { readModelFolder } from '../hub/index.js'
import type { Kernel } from '../kernel/index.js'
import type { BaseModel, SequenceOptions } from '../model/index.js'
import { TextTokenizer } from '../model/tokenizer.js'
import type { Net } from '../net/index.js'
import type { SessionService } from '../net/session/index.js'
import type { Manifest, Random, VerifiedManifest } from '../proof/index.js'
import type { UserJobs } from '../session/index.js'
import type { Store } from '../store/index.js'
import { type BaseModelName, readBaseModel } from './base-model.js'
import type { Events } from './events.js'
import type { Finder, Located } from './finder.js'
import { Models } from './models.js'
import type { AdapterUse, CallOptions, GenerateParams, GenerateResult, LossParams, LossResult, SessionInfo } from './types.js'
import { RemoteAdapters, rowsFor, targetGroups } from './user.js'

export interface InferenceInit {
  readonly kernel: Kernel
  readonly random: Random
  readonly store: Store
  readonly net: Pick<Net<{ session: SessionService }>, 'node' | 'fetch'>
  readonly finder: Pick<Finder, 'resolve'>
  readonly events: Events
  /** Default: in this thread. */
  readonly jobs?: ((manifest: VerifiedManifest) => UserJobs) | undefined
}

/** Tokens written when nothing is said. */
const DEFAULT_NEW_TOKENS = 64

/** A base model with its adapters' sessions open. */
interface Opened {
  readonly model: BaseModel
  /** Undefined: the base model alone. */
  readonly remotes: RemoteAdapters | undefined
  /** How the model is asked with the adapters. */
  readonly adapted: SequenceOptions
}

export class Inference {
  private readonly models = new Models()
  private readonly controller = new AbortController()
  private readonly running = new Set<Promise<unknown>>()

  constructor(private readonly init: InferenceInit) {}

  /** Breaks off what runs, and closes the models. */
  async stop(): Promise<void> {
    this.controller.abort(new Error('the node is stopping'))
    await Promise.allSettled(this.running)
    await this.models.close()
  }

  /**
   * Writes on from a prompt; each adapter's session ends with its proof.
   * @returns also when a proof failed after the text was there: its session says so
   * @throws NotFoundError, RefusedError and what breaks a session while text is written, such as InvalidProofError
   */
  async generate(params: GenerateParams, options: CallOptions = {}): Promise<GenerateResult> {
    const { onProgress = () => {} } = options
    const {
      prompt,
      maxNewTokens = DEFAULT_NEW_TOKENS,
      base: _base,
      adapters: _adapters,
      combineMode: _mode,
      rows: _rows,
      ...sampling
    } = params
    const tokens = (promptTokens: number): number => promptTokens + maxNewTokens - 1
    return this.run({ params, text: prompt, tokens }, options, async ({ model, remotes, adapted }) => {
      const generated = await model.generate(prompt, {
        ...sampling,
        ...adapted,
        maxNewTokens,
        onToken: ({ token, text }) => {
          onProgress({ type: 'token', token, text })
          this.tellCommitments(remotes, options)
        }
      })
      const { text, finishReason } = generated
      if (finishReason === 'abort') await remotes?.abort(new Error('the user broke off'))
      return { text, tokens: generated.tokens, finishReason, sessions: await this.finish(remotes) }
    })
  }

  /** Loss of a text with the base model and with the adapters. @throws as `generate` */
  async loss(params: LossParams, options: CallOptions = {}): Promise<LossResult> {
    const { onProgress = () => {} } = options
    return this.run({ params, text: params.text, tokens: count => count - 1 }, options, async ({ model, remotes, adapted }) => {
      const runs = remotes === undefined ? 1 : 2
      const onWindow = (run: number) => (done: number, total: number) => {
        onProgress({ type: 'window', done: run * total + done, total: runs * total })
        this.tellCommitments(remotes, options)
      }
      const base = await model.loss(params.text, { signal: adapted.signal, onWindow: onWindow(0) })
      const adaptedLoss = remotes === undefined ? null : (await model.loss(params.text, { ...adapted, onWindow: onWindow(1) })).loss
      return { tokens: base.tokens, base: base.loss, adapted: adaptedLoss, sessions: await this.finish(remotes) }
    })
  }

  private async run<T>(
    wanted: { params: AdapterUse; text: string; tokens: (count: number) => number },
    options: CallOptions,
    work: (opened: Opened) => Promise<T>
  ): Promise<T> {
    const signal = AbortSignal.any([this.controller.signal, ...(options.signal === undefined ? [] : [options.signal])])
    const running = this.open(wanted, { ...options, signal }, work)
    this.running.add(running)
    try {
      return await running
    } finally {
      this.running.delete(running)
    }
  }

  private async open<T>(
    { params, text, tokens }: { params: AdapterUse; text: string; tokens: (count: number) => number },
    options: CallOptions & { signal: AbortSignal },
    work: (opened: Opened) => Promise<T>
  ): Promise<T> {
    const { onProgress = () => {}, signal } = options
    const base = readBaseModel(params.base)
    const count = tokens(new TextTokenizer(readModelFolder(params.base)).encode(text).length)
    const rows = (manifest: Manifest): number => params.rows ?? rowsFor(manifest, count)
    const located = await this.locate(params, { base, rows }, options)
    const groups = targetGroups(located.map(({ manifest }) => manifest))
    const began = performance.now()
    return this.models.use({ folder: params.base, groups, combineMode: params.combineMode }, async model => {
      const modules = new Set(groups.flatMap(group => group.modules.map(({ name }) => name))).size
      onProgress({ type: 'model', step: 'open', modules, stages: model.shape.stages, elapsed: performance.now() - began })
      signal.throwIfAborted()
      if (located.length === 0) return work({ model, remotes: undefined, adapted: { signal } })
      const remotes = await this.openSessions(located, { rows, signal, onSession: session => this.tellSession(session, options) })
      try {
        return await work({ model, remotes, adapted: { deltas: remotes.provider, signal } })
      } catch (error) {
        await remotes.abort(error as Error)
        throw error
      }
    })
  }

  private async locate(
    { adapters }: AdapterUse,
    wanted: { base: BaseModelName; rows: (manifest: Manifest) => number },
    options: CallOptions
  ): Promise<Located[]> {
    return Promise.all(adapters.map(reference => this.init.finder.resolve(reference, wanted, options)))
  }

  private openSessions(
    located: readonly Located[],
    { rows, ...shared }: { rows: (manifest: Manifest) => number; signal: AbortSignal; onSession: (session: SessionInfo) => void }
  ): Promise<RemoteAdapters> {
    const { kernel, random, store, net, jobs } = this.init
    const inits = located.map(({ peer, manifest }) => ({
      kernel,
      random,
      store,
      sessions: net.node.services.session,
      fetch: net.fetch,
      peer,
      manifest,
      groups: [...manifest.groups.keys()],
      rows: rows(manifest),
      jobs: jobs?.(manifest),
      ...shared
    }))
    return RemoteAdapters.open(inits)
  }

  /** The sessions as they ended: what failed says so in its state. */
  private async finish(remotes: RemoteAdapters | undefined): Promise<SessionInfo[]> {
    if (remotes === undefined) return []
    await remotes.finish().catch(() => {})
    return remotes.infos()
  }

  private tellSession(session: SessionInfo, { onProgress }: CallOptions): void {
    onProgress?.({ type: 'session', session })
    this.init.events.emit({ type: 'session', session })
  }

  private tellCommitments(remotes: RemoteAdapters | undefined, { onProgress }: CallOptions): void {
    for (const adapter of remotes?.adapters ?? []) {
      const { session, rows } = adapter.info()
      onProgress?.({ type: 'commitments', session, rows, accepted: adapter.accepted })
    }
  }
}
