/** The inputs and outputs of a causal language model, as the exporters name them. */
import ort from './run/ort.js'
import { UnsupportedError } from '../errors.js'
import type { OnnxModel, ValueInfo } from './onnx/graph.js'
import { ELEMENT_TYPES } from './onnx/schema.js'
import { integerTensor } from './run/tensors.js'
import type { Tensors } from './run/tensors.js'
import type { ModelSettings } from './settings.js'

const LOGITS = 'logits'
const PAST = /^past_key_values\.(.+)$/

/** One tensor of the KV cache: goes in as `past`, comes out longer as `present`. */
export interface CacheTensor {
  readonly past: string
  readonly present: string
  readonly empty: ort.Tensor
}

type Feed = (given: { past: number; tokens: readonly number[] }) => readonly number[]

/** Integer inputs that are made from tokens and their number. */
const FEEDS: Readonly<Record<string, Feed>> = {
  input_ids: ({ tokens }) => tokens,
  attention_mask: ({ past, tokens }) => Array.from({ length: past + tokens.length }, () => 1),
  position_ids: ({ past, tokens }) => tokens.map((_, i) => past + i)
}

/** How a model is fed. */
export class ModelInputs {
  /** Empty: the model has no KV cache. */
  readonly cache: readonly CacheTensor[]
  private readonly integers: readonly { name: string; type: 'int32' | 'int64'; feed: Feed }[]

  /** @throws UnsupportedError for a model with other inputs, or without logits */
  constructor(model: OnnxModel, settings: ModelSettings) {
    const outputs = new Set(model.outputs.map(({ name }) => name))
    if (!outputs.has(LOGITS)) throw unsupported(model, `has no output "${LOGITS}" (it has ${[...outputs].join(', ')})`)
    const cache = model.inputs.filter(({ name }) => PAST.test(name))
    this.cache = cache.map(input => {
      const present = input.name.replace(PAST, 'present.$1')
      if (!outputs.has(present)) throw unsupported(model, `takes ${input.name} but does not give ${present}`)
      return { past: input.name, present, empty: emptyCache(model, input, settings) }
    })
    this.integers = model.inputs.filter(input => !cache.includes(input)).map(input => integerInput(model, input))
    if (!this.integers.some(({ name }) => name === 'input_ids')) throw unsupported(model, 'has no input "input_ids"')
  }

  /** Outputs that a run needs. */
  get outputs(): string[] {
    return [LOGITS, ...this.cache.map(({ present }) => present)]
  }

  get hasCache(): boolean {
    return this.cache.length > 0
  }

  /**
   * @param cached tensors of the run before, by name; empty at the beginning
   * @param past tokens in the cache
   */
  feeds(tokens: readonly number[], cached: ReadonlyMap<string, ort.Tensor>, past: number): Tensors {
    const feeds: Tensors = new Map()
    for (const { name, type, feed } of this.integers) {
      const values = feed({ past, tokens })
      feeds.set(name, integerTensor(type, values, [1, values.length]))
    }
    for (const { past: name, present, empty } of this.cache) feeds.set(name, cached.get(present) ?? empty)
    return feeds
  }
}

function integerInput(model: OnnxModel, { name, elementType, shape }: ValueInfo): { name: string; type: 'int32' | 'int64'; feed: Feed } {
  const feed = FEEDS[name]
  if (feed === undefined) throw unsupported(model, `takes ${name}, which is not known`)
  if (shape[1] !== undefined) throw unsupported(model, `takes exactly ${shape[1]} tokens at a time (${name})`)
  return { name, type: elementType === ELEMENT_TYPES['int32'] ? 'int32' : 'int64', feed }
}

/** Batch 1, kv heads, no positions, head size: where the file leaves a size open, config.json tells it. */
function emptyCache(model: OnnxModel, { name, elementType, shape }: ValueInfo, settings: ModelSettings): ort.Tensor {
  const [heads, size] = [shape[1] ?? settings.kvHeads, shape[3] ?? settings.headDim]
  const type = (['float32', 'float16'] as const).find(each => ELEMENT_TYPES[each] === elementType)
  if (shape.length !== 4 || heads === undefined || size === undefined || type === undefined)
    throw unsupported(model, `has a KV cache of another kind: ${name} is not [batch, kv heads, past, head size] in float16 or float32`)
  const data = type === 'float32' ? new Float32Array(0) : new Uint16Array(0)
  return new ort.Tensor(type, data, [1, heads, 0, size])
}

function unsupported(model: OnnxModel, what: string): UnsupportedError {
  return new UnsupportedError(
    `${model.path} ${what}. Exports of optimum (text-generation, with or without past, not merged) and of the genai builder work`
  )
}
