/**
 * A base model that runs with remote adapters: opened and patched once, used for any number of texts, and ended with the proofs of
 * all that was answered meanwhile.
 */
import type { BaseModel } from '../model/index.js'
import { InvalidInputError } from '../errors.js'
import { withSignals } from '../signals.js'
import type { RemoteAdapters } from './user.js'
import type { AdapterInfo, CallOptions, GenerateResult, LossResult, PatchedModelHandle, SamplingParams, SessionInfo } from './types.js'

/** Tokens written when nothing is said. */
export const DEFAULT_NEW_TOKENS = 64

export interface PatchedModelInit {
  readonly model: BaseModel
  /** Undefined: the base model alone. */
  readonly remotes: RemoteAdapters | undefined
  readonly adapters: readonly AdapterInfo[]
  /** Breaks off whatever runs. */
  readonly signal: AbortSignal
  /** The model is used no more. Called once. */
  readonly release: () => Promise<void>
}

export class PatchedModel implements PatchedModelHandle {
  private ending: Promise<SessionInfo[]> | undefined

  constructor(private readonly init: PatchedModelInit) {}

  get adapters(): readonly AdapterInfo[] {
    return this.init.adapters
  }

  sessions(): SessionInfo[] {
    return this.init.remotes?.infos() ?? []
  }

  async generate(
    { prompt, maxNewTokens = DEFAULT_NEW_TOKENS, ...sampling }: SamplingParams & { prompt: string },
    options: CallOptions = {}
  ): Promise<Omit<GenerateResult, 'sessions'>> {
    const { model } = this.usable()
    const onToken = ({ token, text }: { token: number; text: string }): void => {
      options.onProgress?.({ type: 'token', token, text })
      this.tellCommitments(options)
    }
    const { text, tokens, finishReason } = await this.adapted(options.signal, adapted =>
      model.generate(prompt, { ...sampling, ...adapted, maxNewTokens, onToken })
    )
    return { text, tokens, finishReason }
  }

  async loss(text: string, options: CallOptions = {}): Promise<Omit<LossResult, 'sessions'>> {
    const { model, remotes } = this.usable()
    const runs = remotes === undefined ? 1 : 2
    const onWindow = (run: number) => (done: number, total: number) => {
      options.onProgress?.({ type: 'window', done: run * total + done, total: runs * total })
      this.tellCommitments(options)
    }
    return this.adapted(options.signal, async adapted => {
      const base = await model.loss(text, { signal: adapted.signal, onWindow: onWindow(0) })
      const adaptedLoss = remotes === undefined ? null : (await model.loss(text, { ...adapted, onWindow: onWindow(1) })).loss
      return { tokens: base.tokens, base: base.loss, adapted: adaptedLoss }
    })
  }

  end(): Promise<SessionInfo[]> {
    this.ending ??= this.over(async remotes => void (await remotes.finish().catch(() => {})))
    return this.ending
  }

  abort(reason: Error = new Error('the user broke off')): Promise<SessionInfo[]> {
    this.ending ??= this.over(remotes => remotes.abort(reason))
    return this.ending
  }

  private async over(how: (remotes: RemoteAdapters) => Promise<void>): Promise<SessionInfo[]> {
    try {
      if (this.init.remotes !== undefined) await how(this.init.remotes)
      return this.sessions()
    } finally {
      await this.init.release()
    }
  }

  private usable(): PatchedModelInit {
    if (this.ending !== undefined) throw new InvalidInputError('the sessions of this model have ended: open it again for more')
    this.init.signal.throwIfAborted()
    return this.init
  }

  /** With the deltas, until the caller or the node ends it. */
  private adapted<T>(
    signal: AbortSignal | undefined,
    work: (adapted: { signal: AbortSignal; deltas?: RemoteAdapters['provider'] }) => Promise<T>
  ): Promise<T> {
    const { remotes } = this.init
    return withSignals([this.init.signal, signal], either =>
      work({ signal: either, ...(remotes === undefined ? {} : { deltas: remotes.provider }) })
    )
  }

  private tellCommitments({ onProgress }: CallOptions): void {
    for (const adapter of this.init.remotes?.adapters ?? []) {
      onProgress?.({ type: 'commitments', ...adapter.progress() })
    }
  }
}
