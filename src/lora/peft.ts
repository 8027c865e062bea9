/**
 * A PEFT adapter from its two files. Every tensor must belong to a target module, every target module must have both matrices in
 * the shapes of its rank: an adapter is read completely, or refused with names.
 */
import { InvalidInputError, LimitExceededError, UnsupportedError } from '../errors.js'
import { FORMAT_LIMITS } from '../limits.js'
import { groupModules } from './groups.js'
import { patternValue, targetMatcher } from './patterns.js'
import { readPeftConfig } from './peft-config.js'
import type { PeftConfig } from './peft-config.js'
import { readSafetensorsHeader, readTensor } from './safetensors.js'
import type { TensorEntry } from './safetensors.js'
import type { PeftAdapter, PeftModule } from './types.js'

/** Names in an error message; the rest is counted. */
const NAMES_SHOWN = 5

const TENSOR_NAME = /^base_model\.model\.(?<path>.+)\.lora_(?<matrix>[AB])(?:\.default)?\.weight$/

/** Tensors of other methods, which a config may not mention: part of the name → what it is. */
const FOREIGN_TENSORS: readonly (readonly [RegExp, string])[] = [
  [/\.lora_embedding_[AB]/, 'an embedding is not a linear module'],
  [/\.lora_magnitude_vector/, 'DoRA is not supported'],
  [/\.lora_B(\.default)?\.bias$/, 'a bias of B (lora_bias) is not supported'],
  [/\.modules_to_save\./, 'modules saved whole (modules_to_save) are not supported'],
  [/\.(embed_tokens|wte|wpe|lm_head|embed_out|score|classifier)\.weight$/, 'embeddings and heads saved whole are not supported']
]

/**
 * Reads a LoRA adapter as PEFT saves it. Stored F16 and BF16 are widened to float32, as PEFT does.
 * @param files text of adapter_config.json, bytes of adapter_model.safetensors
 * @returns the modules in manifest order (groups.ts)
 * @throws InvalidInputError for files that are damaged or do not fit each other, UnsupportedError for what is not plain LoRA on
 *   linear modules, LimitExceededError for an adapter beyond FORMAT_LIMITS
 */
export function readPeftAdapter(files: { config: string; weights: Uint8Array }): PeftAdapter {
  const config = readPeftConfig(files.config)
  const pairs = pairTensors(readSafetensorsHeader(files.weights))
  checkTargets(config, pairs)
  const rankOf = patternValue('rank_pattern', config.rankPattern)
  const alphaOf = patternValue('alpha_pattern', config.alphaPattern)
  const modules: PeftModule[] = []
  for (const [name, { a, b }] of pairs) {
    const rank = rankOf(name, config.rank)
    const shape = checkShapes({ name, rank, a, b })
    const scaling = alphaOf(name, config.alpha) / (config.useRslora ? Math.sqrt(rank) : rank)
    modules.push({ name, ...shape, rank, scaling, a: readTensor(files.weights, a).data, b: readTensor(files.weights, b).data })
  }
  return { baseModelName: config.baseModelName, modules: groupModules(modules).flatMap(group => group.modules) }
}

interface Pair {
  readonly a: TensorEntry
  readonly b: TensorEntry
}

/** Module name → its two tensors. */
function pairTensors(entries: ReadonlyMap<string, TensorEntry>): Map<string, Pair> {
  const found = new Map<string, { A?: TensorEntry; B?: TensorEntry }>()
  const extra: string[] = []
  for (const entry of entries.values()) {
    const parts = TENSOR_NAME.exec(entry.name)?.groups
    if (parts === undefined) {
      extra.push(entry.name)
      continue
    }
    const matrices = found.get(parts['path']!) ?? {}
    const matrix = parts['matrix'] as 'A' | 'B'
    if (matrices[matrix] !== undefined)
      throw new InvalidInputError(`the tensors ${matrices[matrix].name} and ${entry.name} are the same matrix`)
    matrices[matrix] = entry
    found.set(parts['path']!, matrices)
  }
  refuseExtra(extra)
  // Before the patterns of the config are held against each of them.
  if (found.size > FORMAT_LIMITS.modules)
    throw new LimitExceededError('modules of an adapter', found.size, FORMAT_LIMITS.modules, 'in one manifest')
  if (found.size === 0) throw new InvalidInputError('adapter_model.safetensors has no LoRA tensors (base_model.model.….lora_A.weight)')
  const pairs = new Map<string, Pair>()
  for (const [name, { A: a, B: b }] of found) {
    if (a === undefined || b === undefined)
      throw new InvalidInputError(`module ${name} has lora_${a === undefined ? 'B but no lora_A' : 'A but no lora_B'}`)
    pairs.set(name, { a, b })
  }
  return pairs
}

function refuseExtra(names: readonly string[]): void {
  for (const name of names) {
    const reason = FOREIGN_TENSORS.find(([pattern]) => pattern.test(name))?.[1]
    if (reason !== undefined) throw new UnsupportedError(`adapter_model.safetensors has the tensor ${name}: ${reason}`)
  }
  if (names.length > 0) throw new InvalidInputError(`adapter_model.safetensors has tensors that are no LoRA matrices: ${list(names)}`)
}

/** PEFT would ignore a tensor that is not of a target module; here it is an error, since something was not meant so. */
function checkTargets(config: PeftConfig, pairs: ReadonlyMap<string, Pair>): void {
  const isTarget = targetMatcher(config.targets)
  const strangers = [...pairs.keys()].filter(name => !isTarget(name))
  if (strangers.length > 0) {
    throw new InvalidInputError(`adapter_model.safetensors has modules that adapter_config.json does not target: ${list(strangers)}`)
  }
}

function checkShapes({ name, rank, a, b }: Pair & { name: string; rank: number }): { dIn: number; dOut: number } {
  for (const { name: tensor, shape } of [a, b]) {
    if (shape.length !== 2)
      throw new UnsupportedError(`tensor ${tensor} has ${shape.length} dimensions: only linear modules can be targets`)
  }
  const [rankOfA, dIn] = a.shape as [number, number]
  const [dOut, rankOfB] = b.shape as [number, number]
  if (rankOfA !== rank || rankOfB !== rank) {
    throw new InvalidInputError(
      `module ${name} has lora_A of shape [${a.shape.join(', ')}] and lora_B of [${b.shape.join(', ')}], which do not fit rank ${rank}`
    )
  }
  if (dIn === 0 || dOut === 0)
    throw new InvalidInputError(`module ${name} is ${dIn} wide at its input and ${dOut} at its output; both must be above 0`)
  return { dIn, dOut }
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown
}
