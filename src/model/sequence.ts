/** One text that grows token by token through the model. */
import type ort from './run/ort.js'
import { InvalidInputError, UnsupportedError } from '../errors.js'
import type { ModelInputs } from './inputs.js'
import type { AnswerMemory } from './run/answers.js'
import type { CutModel } from './run/cut-model.js'
import { floatsOf } from './run/tensors.js'
import type { DeltaProvider } from './types.js'

/** Tokens of one run at most: bounds the logits of a run to 128 MiB at a vocabulary of 128,000. */
const TOKENS_PER_RUN = 256

export interface SequenceOptions {
  /** Who makes the deltas; absent: the base model alone. */
  readonly deltas?: DeltaProvider | undefined
  readonly signal?: AbortSignal | undefined
}

/** Logits of some positions. */
export interface Logits {
  /** count × vocabulary, row-major: each row scores the token that follows its position. */
  readonly values: Float32Array
  readonly count: number
  readonly vocabulary: number
}

export class Sequence {
  /** All tokens so far. */
  readonly tokens: number[] = []
  private cached: ReadonlyMap<string, ort.Tensor> = new Map()
  private readonly memory: AnswerMemory | undefined

  constructor(
    private readonly model: { readonly cut: CutModel; readonly inputs: ModelInputs; readonly contextLength: number | undefined },
    private readonly options: SequenceOptions
  ) {
    this.memory = model.inputs.hasCache ? undefined : new Map()
  }

  /** Tokens that still fit into the model's context. */
  get room(): number {
    return (this.model.contextLength ?? Infinity) - this.tokens.length
  }

  /**
   * Runs new tokens; those before are in the KV cache. (A model without one runs the whole text, but asks for deltas of the new rows
   * only.) After an error the sequence is at its end.
   * @param onLogits called for each run of up to 256 tokens, in order
   * @throws InvalidInputError when they do not fit into the context; the signal's reason; what the provider throws
   */
  async append(tokens: readonly number[], onLogits: (logits: Logits) => void): Promise<void> {
    if (tokens.length > this.room) {
      throw new InvalidInputError(
        `${this.tokens.length + tokens.length} tokens do not fit into the model's context of ${this.model.contextLength}`
      )
    }
    for (let from = 0; from < tokens.length; from += TOKENS_PER_RUN) onLogits(await this.run(tokens.slice(from, from + TOKENS_PER_RUN)))
  }

  private async run(tokens: readonly number[]): Promise<Logits> {
    const { cut, inputs } = this.model
    const first = this.tokens.length
    this.tokens.push(...tokens)
    const feeds = inputs.hasCache ? inputs.feeds(tokens, this.cached, first) : inputs.feeds(this.tokens, this.cached, 0)
    const { deltas, signal } = this.options
    const results = await cut.run(feeds, { positions: { first, count: tokens.length }, deltas, memory: this.memory, signal })
    this.cached = new Map(inputs.cache.map(({ present }) => [present, results.get(present)!]))
    return newRows(results.get('logits')!, tokens.length)
  }
}

/** The last `count` rows. A model that gives those of the last position only gives one. */
function newRows(tensor: ort.Tensor, count: number): Logits {
  const vocabulary = tensor.dims.at(-1)!
  const values = floatsOf(tensor, 'logits')
  const rows = Math.min(count, values.length / vocabulary)
  return { values: values.subarray(values.length - rows * vocabulary), count: rows, vocabulary }
}

/** The last row of logits. */
export function lastRow({ values, vocabulary }: Logits): Float32Array {
  return values.subarray(values.length - vocabulary)
}

/** @throws UnsupportedError when the model gave fewer rows than tokens */
export function allRows(logits: Logits, tokens: number): Logits {
  if (logits.count === tokens) return logits
  throw new UnsupportedError(
    `the model gives logits of ${logits.count} of ${tokens} positions; the loss needs all. Export it without trimming the logits`
  )
}
