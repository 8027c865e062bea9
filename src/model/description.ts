/** What the base model identifier is made from (protocols/adapter): the same for every export of a model. */
import { basename } from 'node:path'
import { InvalidInputError } from '../errors.js'
import type { Json, ModelFiles } from '../hub/index.js'
import { readModelFiles } from '../hub/index.js'
import { integer } from './settings.js'

export interface BaseModelDescription {
  readonly name: string
  /** `model_type` of config.json. */
  readonly modelType: string
  readonly dimensions: readonly (readonly [string, number])[]
  /** Token strings by identifier; unused identifiers are empty. */
  readonly tokens: readonly string[]
  /** `left right`, in order; empty when the tokenizer has none. */
  readonly merges: readonly string[]
}

/** Keys of config.json, in order. */
const DIMENSIONS = [
  ...['hidden_size', 'n_embd', 'num_hidden_layers', 'n_layer', 'num_attention_heads', 'n_head', 'num_key_value_heads', 'head_dim'],
  ...['intermediate_size', 'n_inner', 'vocab_size', 'max_position_embeddings', 'n_positions']
] as const

/** Token identifiers at most: the largest vocabularies have 262,144. */
const MOST_TOKENS = 4 * 1024 * 1024

/**
 * @param name what adapters call the model; absent: `_name_or_path` of config.json (of a path its last component), else the
 *   folder's last component
 * @throws InvalidInputError for files that do not say what is needed
 */
export function describeBaseModel(folder: ModelFiles, name?: string): BaseModelDescription {
  const { config, tokenizer } = folder
  const modelType = config['model_type']
  if (typeof modelType !== 'string') throw new InvalidInputError(`config.json of ${folder.path} has no model_type. Download it again`)
  return {
    name: name ?? nameOf(folder),
    modelType,
    dimensions: DIMENSIONS.flatMap(key => {
      const given = config[key]
      if (given === undefined || given === null) return []
      const value = integer(given)
      if (value === undefined)
        throw new InvalidInputError(`${key} in config.json of ${folder.path} is ${String(given)}, not a whole number`)
      return [[key, value] as const]
    }),
    ...vocabularyOf(tokenizer, folder.path)
  }
}

/** As describeBaseModel, from a folder's path; it needs config.json and tokenizer.json only. */
export function readBaseModelDescription(folder: string, name?: string): BaseModelDescription {
  return describeBaseModel(readModelFiles(folder), name)
}

function nameOf({ config, baseName }: ModelFiles): string {
  const given = config['_name_or_path']
  if (typeof given !== 'string' || given === '') return baseName
  // A path of the exporter's machine means its last component; `owner/model` is a name of the hub.
  return /^[./~]|\\/.test(given) ? basename(given.replaceAll('\\', '/')) || baseName : given
}

function vocabularyOf(tokenizer: Json, path: string): Pick<BaseModelDescription, 'tokens' | 'merges'> {
  const damaged = () => new InvalidInputError(`tokenizer.json of ${path} has no vocabulary that can be read. Download it again`)
  const model = tokenizer['model']
  if (!isObject(model)) throw damaged()
  const vocabulary = entriesOf(model['vocab'])
  const added = list(tokenizer['added_tokens']).map(token => (isObject(token) ? ([token['content'], token['id']] as const) : []))
  const byId = new Map<number, string>()
  for (const [at, [text, id]] of [...vocabulary, ...added].entries()) {
    const known = integer(id)
    if (typeof text !== 'string' || known === undefined || known >= MOST_TOKENS) throw damaged()
    // Which of two would win depends on the reader's order of keys.
    if (at < vocabulary.length && byId.has(known)) throw new InvalidInputError(`tokenizer.json of ${path} has two tokens with id ${known}`)
    byId.set(known, text)
  }
  const length = [...byId.keys()].reduce((most, id) => Math.max(most, id + 1), 0)
  const merges = list(model['merges']).map(merge => {
    const text = Array.isArray(merge) ? merge.join(' ') : merge
    if (typeof text !== 'string') throw damaged()
    return text
  })
  return { tokens: Array.from({ length }, (_, id) => byId.get(id) ?? ''), merges }
}

/** BPE and WordPiece: an object of identifiers. Unigram: a list of tokens with their scores. */
function entriesOf(vocabulary: unknown): (readonly [unknown, unknown])[] {
  if (Array.isArray(vocabulary)) return vocabulary.map((entry, id) => [list(entry)[0], id] as const)
  return isObject(vocabulary) ? Object.entries(vocabulary) : []
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
