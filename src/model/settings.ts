/** What config.json and its like say about a model. */
import type { ModelFiles } from '../hub/index.js'
import type { HeadWidths } from './cut/find.js'

export interface ModelSettings {
  /** Positions of the longest text, when the model says. */
  readonly contextLength: number | undefined
  /** Tokens that end a text. */
  readonly eos: ReadonlySet<number>
  readonly kvHeads: number | undefined
  readonly headDim: number | undefined
  readonly heads: HeadWidths | undefined
}

export function readSettings({ config, generationConfig }: Pick<ModelFiles, 'config' | 'generationConfig'>): ModelSettings {
  const first = (...keys: string[]) => keys.map(key => integer(config[key])).find(value => value !== undefined)
  const heads = first('num_attention_heads', 'n_head')
  const hidden = first('hidden_size', 'n_embd')
  const kvHeads = first('num_key_value_heads') ?? heads
  const headDim = first('head_dim') ?? (hidden !== undefined && heads ? hidden / heads : undefined)
  return {
    contextLength: first('max_position_embeddings', 'n_positions'),
    eos: new Set([generationConfig['eos_token_id'] ?? config['eos_token_id']].flat().flatMap(id => integer(id) ?? [])),
    kvHeads,
    headDim,
    heads: heads !== undefined && kvHeads !== undefined && headDim !== undefined ? { q: heads * headDim, kv: kvHeads * headDim } : undefined
  }
}

/** A whole number from 0 that a double holds exactly. */
export function integer(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}
