/** Picks the next token from logits, in the order of Hugging Face's processors: repetition penalty, temperature, top-k, top-p. */
import { InvalidInputError } from '../../errors.js'
import { Xoshiro128 } from './random.js'

export interface SamplingOptions {
  /** Absent: greedy, the most likely token (the lowest identifier among equals). */
  readonly temperature?: number | undefined
  /** The k most likely; 0 or absent: all. */
  readonly topK?: number | undefined
  /** The most likely that together reach this probability; 1 or absent: all. */
  readonly topP?: number | undefined
  /** Above 1: tokens that stand in prompt or text already become less likely (CTRL, arXiv 1909.05858, 4.1). */
  readonly repetitionPenalty?: number | undefined
  /** Whole number from 0; the same seed gives the same text. Absent: a random one. */
  readonly seed?: number | undefined
}

export class Sampler {
  readonly seed: number
  private readonly random: Xoshiro128
  private readonly seen: Set<number>

  /**
   * @param prompt tokens that the repetition penalty counts as seen
   * @throws InvalidInputError for a setting out of its range
   */
  constructor(
    private readonly options: SamplingOptions,
    prompt: readonly number[]
  ) {
    const { temperature, topK, topP, repetitionPenalty } = options
    check('temperature', temperature, value => value > 0 && value < Infinity, 'above 0 (leave it out for greedy text)')
    check('topK', topK, value => Number.isSafeInteger(value) && value >= 0, 'a whole number from 0 (0: all tokens)')
    check('topP', topP, value => value > 0 && value <= 1, 'above 0 and at most 1')
    check('repetitionPenalty', repetitionPenalty, value => value > 0 && value < Infinity, 'above 0 (1: none)')
    check('seed', options.seed, value => Number.isSafeInteger(value) && value >= 0, 'a whole number from 0 to 2^53 − 1')
    // Greedy text needs none.
    this.seed = options.seed ?? (temperature === undefined ? 0 : crypto.getRandomValues(new Uint32Array(1))[0]!)
    this.random = Xoshiro128.fromSeed(this.seed)
    this.seen = new Set(prompt)
  }

  /** @param logits of one position; not changed */
  pick(logits: Float32Array): number {
    const scores = this.penalised(logits)
    const token = this.options.temperature === undefined ? argmax(scores) : this.sample(scores, this.options.temperature)
    this.seen.add(token)
    return token
  }

  private penalised(logits: Float32Array): Float32Array {
    const penalty = this.options.repetitionPenalty ?? 1
    if (penalty === 1) return logits
    const scores = logits.slice()
    for (const token of this.seen) scores[token] = scores[token]! > 0 ? scores[token]! / penalty : scores[token]! * penalty
    return scores
  }

  private sample(scores: Float32Array, temperature: number): number {
    const { topK = 0, topP = 1 } = this.options
    // Most likely first, the lower identifier among equals: so that a seed gives one text.
    const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b)
    const kept = topK === 0 ? order : order.slice(0, topK)
    const top = scores[kept[0]!]!
    const weights = kept.map(token => Math.exp((scores[token]! - top) / temperature))
    const count = nucleus(weights, topP)
    let rest = this.random.uniform() * sum(weights.slice(0, count))
    for (let i = 0; i < count - 1; i++) {
      rest -= weights[i]!
      if (rest < 0) return kept[i]!
    }
    return kept[count - 1]!
  }
}

/** How many of the falling weights it takes to reach the share; at least one. */
function nucleus(weights: readonly number[], share: number): number {
  if (share === 1) return weights.length
  const goal = share * sum(weights)
  let reached = 0
  return weights.findIndex(weight => (reached += weight) >= goal) + 1 || weights.length
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

export function argmax(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

function check(name: string, value: number | undefined, accepted: (value: number) => boolean, wanted: string): void {
  if (value !== undefined && !accepted(value)) throw new InvalidInputError(`${name} is ${value}; it must be ${wanted}`)
}
