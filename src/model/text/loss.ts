/** Loss of a text: mean next-token cross entropy in nats, as Hugging Face computes it for causal language models. */
import { InvalidInputError } from '../../errors.js'
import { allRows } from '../sequence.js'
import type { Sequence } from '../sequence.js'

export interface LossOptions {
  /** Tokens that are seen at once; at most, and absent, the model's context. */
  readonly window?: number | undefined
  /** After each window. */
  readonly onWindow?: ((done: number, total: number) => void) | undefined
}

export interface Loss {
  /** Nats a token. */
  readonly loss: number
  /** Tokens of the text; one fewer is predicted. */
  readonly tokens: number
  readonly windows: number
}

/**
 * A text longer than the window is cut into windows that overlap by one token, so that each token but the first is predicted once,
 * from what its window has before it. The last token of a window is predicted but not run: its row is not sent.
 * @param start makes a new sequence
 * @throws InvalidInputError for fewer than two tokens, or a window of fewer
 */
export async function lossOf(
  tokens: readonly number[],
  given: { start: () => Sequence; contextLength: number | undefined },
  options: LossOptions
): Promise<Loss> {
  const { contextLength = tokens.length } = given
  const window = Math.min(options.window ?? contextLength, contextLength)
  if (tokens.length < 2) throw new InvalidInputError(`the text has ${tokens.length} tokens; a loss needs at least 2`)
  if (!(window >= 2)) throw new InvalidInputError(`the window is ${window} tokens; it must be at least 2`)
  const windows = Math.ceil((tokens.length - 1) / (window - 1))
  let total = 0
  for (let w = 0; w < windows; w++) {
    const part = tokens.slice(w * (window - 1), w * (window - 1) + window)
    let at = 0
    const sequence = given.start()
    const inputs = part.slice(0, -1)
    await sequence.append(inputs, logits => {
      const expected = sequence.tokens.length - at
      const { values, count, vocabulary } = allRows(logits, expected)
      for (let row = 0; row < count; row++) total += crossEntropy(values.subarray(row * vocabulary, (row + 1) * vocabulary), part[++at]!)
    })
    options.onWindow?.(w + 1, windows)
  }
  return { loss: total / (tokens.length - 1), tokens: tokens.length, windows }
}

/** −log softmax(logits)[token], in float64. */
function crossEntropy(logits: Float32Array, token: number): number {
  let top = -Infinity
  for (const value of logits) if (value > top) top = value
  let sum = 0
  for (const value of logits) sum += Math.exp(value - top)
  return Math.log(sum) + top - logits[token]!
}
