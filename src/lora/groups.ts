/**
 * Which modules share one input tensor, and the order of groups and modules in a manifest.
 *
 * Sharing is told from names alone (the base model need not be at hand), so only families of which it is certain are joined:
 * the parts of one attention or one gated MLP, siblings under one parent, with one input width. A module left alone is right,
 * too: its input is sent once more. A family that were joined wrongly would be refused by the user's side, which finds the
 * tensors in the graph.
 *
 * Order: by what stands before the layer's number (natural order), the number, then inside a layer attention inputs,
 * attention's inner projections, attention output, MLP inputs, MLP outputs, then the parent's path and the sibling's place in
 * its family. Modules outside of layers (lm_head) come last. The order depends on the names only, not on the file's.
 */
import { InvalidInputError, LimitExceededError } from '../errors.js'
import { FORMAT_LIMITS } from '../limits.js'
import { utf8 } from '../bytes.js'

/** What grouping needs of a module. */
export interface NamedModule {
  readonly name: string
  readonly dIn: number
  readonly dOut: number
  readonly rank: number
}

/** Modules that share one input tensor; offsets of h and y follow from their order. */
export interface ModuleGroup<M extends NamedModule> {
  readonly dIn: number
  readonly modules: readonly M[]
}

/** Siblings under one parent that take the same tensor, in the order in which they stand in a group. */
const FAMILIES: readonly (readonly string[])[] = [
  // Llama, Mistral, Qwen, Gemma, Phi, GPT-J, OPT, …
  ['q_proj', 'k_proj', 'v_proj'],
  // BERT's self-attention
  ['query', 'key', 'value'],
  // Llama as published by Meta
  ['wq', 'wk', 'wv'],
  // T5's self-attention
  ['q', 'k', 'v'],
  // DeepSeek V2 and V3: both compress the hidden state.
  ['q_a_proj', 'kv_a_proj_with_mqa'],
  // Gated MLPs: Llama and its kin; Mixtral and Meta's Llama (w2 is the output); T5 v1.1
  ['gate_proj', 'up_proj'],
  ['w1', 'w3'],
  ['wi_0', 'wi_1']
]

/** Attention over another sequence (its queries have another input), and RWKV (key and value mix in other time steps). */
const NEVER_SHARED = /cross|encoder_attn|encdecattention|(^|\.)rwkv\b/i

const ATTENTION = /attn|attention|^self$/i

const OUTPUTS: ReadonlySet<string> = new Set([
  ...['o_proj', 'out_proj', 'c_proj', 'out_lin', 'wo', 'o'],
  ...['down_proj', 'fc2', 'fc_out', 'dense_4h_to_h', 'lin2', 'w2']
])

/** Projections of what q_a_proj and kv_a_proj made. */
const ATTENTION_INNER: ReadonlySet<string> = new Set(['q_b_proj', 'kv_b_proj'])

const STAGE = { attentionInput: 0, attentionInner: 1, attentionOutput: 2, mlpInput: 3, mlpOutput: 4 } as const

/**
 * Groups in manifest order, each with its modules in order.
 * @throws InvalidInputError for two modules of one name, LimitExceededError beyond FORMAT_LIMITS
 */
export function groupModules<M extends NamedModule>(modules: readonly M[]): ModuleGroup<M>[] {
  checkLimits(modules)
  const placed = modules.map(module => ({ module, place: placeOf(module.name) })).sort((a, b) => comparePlaces(a.place, b.place))
  const groups: { dIn: number; outputs: number; family: string | undefined; modules: M[] }[] = []
  for (const { module, place } of placed) {
    // Siblings of one family are neighbours in the order. A width of its own means another input after all.
    const open = groups.find(
      group =>
        place.family !== undefined &&
        group.family === place.family &&
        group.dIn === module.dIn &&
        group.outputs + module.dOut <= FORMAT_LIMITS.groupOutputs
    )
    if (open === undefined) groups.push({ dIn: module.dIn, outputs: module.dOut, family: place.family, modules: [module] })
    else {
      open.modules.push(module)
      open.outputs += module.dOut
    }
  }
  if (groups.length > FORMAT_LIMITS.groups)
    throw new LimitExceededError('number of groups', groups.length, FORMAT_LIMITS.groups, 'in one adapter')
  return groups.map(group => ({ dIn: group.dIn, modules: group.modules }))
}

interface Place {
  readonly name: string
  /** Path before the layer's number; undefined outside of layers. */
  readonly prefix: string | undefined
  readonly layer: number
  readonly stage: number
  readonly parent: string
  readonly sibling: number
  /** Names the siblings that share an input; undefined for a module alone. */
  readonly family: string | undefined
}

function placeOf(name: string): Place {
  const segments = name.split('.')
  const at = segments.findIndex(segment => /^\d{1,9}$/.test(segment))
  const last = segments.at(-1)!
  const parent = segments.slice(0, -1).join('.')
  const family = NEVER_SHARED.test(parent) ? -1 : FAMILIES.findIndex(names => names.includes(last))
  return {
    name,
    prefix: at === -1 ? undefined : segments.slice(0, at).join('.'),
    layer: at === -1 ? 0 : Number(segments[at]),
    stage: stageOf(segments.slice(at + 1)),
    parent,
    sibling: family === -1 ? 0 : FAMILIES[family]!.indexOf(last),
    family: family === -1 ? undefined : `${family} ${parent}`
  }
}

/** @param path the segments after the layer's number */
function stageOf(path: readonly string[]): number {
  const last = path.at(-1)!
  const parent = path.at(-2)
  const attention = path.slice(0, -1).some(segment => ATTENTION.test(segment))
  // BERT: attention.output.dense, intermediate.dense, output.dense; GPT-NeoX, Falcon: attention.dense
  const output = OUTPUTS.has(last) || (last === 'dense' && parent !== 'intermediate')
  if (!attention) return output ? STAGE.mlpOutput : STAGE.mlpInput
  if (ATTENTION_INNER.has(last)) return STAGE.attentionInner
  return output ? STAGE.attentionOutput : STAGE.attentionInput
}

function comparePlaces(a: Place, b: Place): number {
  if ((a.prefix === undefined) !== (b.prefix === undefined)) return a.prefix === undefined ? 1 : -1
  return (
    compareNatural(a.prefix ?? '', b.prefix ?? '') ||
    a.layer - b.layer ||
    a.stage - b.stage ||
    compareNatural(a.parent, b.parent) ||
    a.sibling - b.sibling ||
    compareNatural(a.name, b.name)
  )
}

/**
 * Compares runs of digits and runs of other characters in turn, digits as numbers (experts.2 before experts.10), others and equal
 * numbers ("1", "01") by code units. Zero only for equal strings.
 */
export function compareNatural(a: string, b: string): number {
  const left = runs(a)
  const right = runs(b)
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i]!, right[i]!]
    if (x === y) continue
    if (/^\d/.test(x) && /^\d/.test(y) && BigInt(x) !== BigInt(y)) return BigInt(x) < BigInt(y) ? -1 : 1
    return x < y ? -1 : 1
  }
  return left.length - right.length
}

function runs(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? []
}

function checkLimits(modules: readonly NamedModule[]): void {
  const names = new Set<string>()
  let rankSum = 0
  for (const { name, dIn, dOut, rank } of modules) {
    if (names.has(name)) throw new InvalidInputError(`the adapter has two modules called ${name}`)
    names.add(name)
    limit('bytes of a module name', utf8(name).length, FORMAT_LIMITS.nameBytes, name.slice(0, 80))
    limit('the input width', dIn, FORMAT_LIMITS.dIn, name)
    limit('the output width', dOut, FORMAT_LIMITS.groupOutputs, name)
    limit('the rank', rank, FORMAT_LIMITS.rank, name)
    rankSum += rank
  }
  limit('the number of modules', names.size, FORMAT_LIMITS.modules)
  limit('the sum of all ranks', rankSum, FORMAT_LIMITS.rankSum)
}

function limit(what: string, value: number, most: number, module?: string): void {
  if (value > most) throw new LimitExceededError(what, value, most, module === undefined ? 'in one adapter' : `in module ${module}`)
}
