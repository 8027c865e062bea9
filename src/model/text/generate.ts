/** Writes on from a prompt. */
import { InvalidInputError } from '../../errors.js'
import { lastRow } from '../sequence.js'
import type { Sequence } from '../sequence.js'
import { TextStream } from '../tokenizer.js'
import type { TextTokenizer } from '../tokenizer.js'
import { Sampler } from './sampler.js'
import type { SamplingOptions } from './sampler.js'
import { StopFilter } from './stop.js'

export interface GenerateOptions extends SamplingOptions {
  /** Tokens to write at most; default 128. */
  readonly maxNewTokens?: number | undefined
  /** Texts that end the writing; they are not shown. */
  readonly stop?: readonly string[] | undefined
  /** Each token as it comes, with what it adds to the text (empty while a character or a stop string may be incomplete). */
  readonly onToken?: ((event: { token: number; text: string }) => void) | undefined
  /** Ends the writing with `abort`. */
  readonly signal?: AbortSignal | undefined
}

export interface Generated {
  /** New tokens; an end-of-text token is the last. */
  readonly tokens: number[]
  /** Their text: all that onToken was given, together. */
  readonly text: string
  /** eos: the model ended it. length: maxNewTokens, or the context is full. */
  readonly finishReason: 'eos' | 'length' | 'stop' | 'abort'
  readonly promptTokens: number
  /** With the same settings it gives the same text again. */
  readonly seed: number
}

export const DEFAULT_NEW_TOKENS = 128

/**
 * @param sequence new; its signal is that of the options
 * @throws InvalidInputError for a prompt that is empty or does not leave room, settings out of range; what the provider throws
 */
export async function generate(
  prompt: readonly number[],
  given: { sequence: Sequence; tokenizer: TextTokenizer; eos: ReadonlySet<number> },
  options: GenerateOptions
): Promise<Generated> {
  const { sequence, tokenizer, eos } = given
  const { maxNewTokens = DEFAULT_NEW_TOKENS, signal } = options
  if (prompt.length === 0) throw new InvalidInputError('the prompt has no tokens; give a text to write on from')
  if (!Number.isSafeInteger(maxNewTokens) || maxNewTokens < 1)
    throw new InvalidInputError(`maxNewTokens is ${maxNewTokens}; it must be a whole number from 1`)
  const sampler = new Sampler(options, prompt)
  const output = new TextOutput(tokenizer, options.stop ?? [])
  const tokens: number[] = []
  const finished = (finishReason: Generated['finishReason']): Generated => ({
    tokens,
    text: output.text,
    finishReason,
    promptTokens: prompt.length,
    seed: sampler.seed
  })
  for (let next = prompt; ; next = tokens.slice(-1)) {
    let row: Float32Array = new Float32Array(0)
    try {
      await sequence.append(next, logits => (row = lastRow(logits)))
    } catch (error) {
      if (signal?.aborted === true) return finished('abort')
      throw error
    }
    const token = sampler.pick(row)
    tokens.push(token)
    const ended = eos.has(token)
    const last = ended || tokens.length >= maxNewTokens || sequence.room < 1
    const { text, stopped } = output.push(ended ? undefined : token, last)
    options.onToken?.({ token, text })
    if (stopped) return finished('stop')
    if (last) return finished(ended ? 'eos' : 'length')
  }
}

/** Text from tokens, up to a stop string. */
class TextOutput {
  text = ''
  private readonly stream: TextStream
  private readonly filter: StopFilter

  constructor(tokenizer: TextTokenizer, stops: readonly string[]) {
    if (stops.includes('')) throw new InvalidInputError('a stop string is empty; it would end the text before it begins')
    this.stream = new TextStream(tokenizer)
    this.filter = new StopFilter(stops)
  }

  /** @param last nothing follows: what was held back comes out */
  push(token: number | undefined, last: boolean): { text: string; stopped: boolean } {
    const piece = (token === undefined ? '' : this.stream.push(token)) + (last ? this.stream.flush() : '')
    const { text, stopped } = this.filter.push(piece)
    const shown = last && !stopped ? text + this.filter.flush() : text
    this.text += shown
    return { text: shown, stopped }
  }
}
