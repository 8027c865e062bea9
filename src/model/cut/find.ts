/**
 * Finds the node of each target module, by what exporters keep of its PyTorch path, then checked by the adapter's shapes. What is
 * not found by a name is not found: the order of nodes is never taken for one.
 */
import { InvalidInputError } from '../../errors.js'
import { describeLinear, NAMING_RULES, pathOfLinear } from './linear.js'
import type { Linear } from './linear.js'

/** A module in the graph: a linear node, and its columns of the node's output. */
export interface FoundModule {
  readonly linear: Linear
  readonly offset: number
  readonly dOut: number
}

/** Widths that say how packed nodes are divided, from config.json. */
export interface HeadWidths {
  readonly q: number
  readonly kv: number
}

/** Names in an error message. */
const CANDIDATES_SHOWN = 5

/** One node for several modules (onnxruntime-genai's builder): its name in place of theirs, their widths in order. */
const PACKED = [
  {
    packed: 'qkv_proj',
    parts: ['q_proj', 'k_proj', 'v_proj'],
    widths: (_: number, heads: HeadWidths | undefined) => heads && [heads.q, heads.kv, heads.kv]
  },
  { packed: 'gate_up_proj', parts: ['gate_proj', 'up_proj'], widths: (dOut: number) => [dOut / 2, dOut / 2] }
] as const

/** The modules of a node as an adapter would name them: one, the parts of a packed one, none when nothing tells its name. */
export function modulesOf(linear: Linear, heads: HeadWidths | undefined): { readonly name: string; readonly dOut: number }[] {
  const path = pathOfLinear(linear)
  if (path === undefined) return []
  const last = path.split('.').at(-1)!
  for (const { packed, parts, widths } of PACKED) {
    if (packed !== last) continue
    const known = widths(linear.dOut, heads)
    if (known?.reduce((sum, width) => sum + width, 0) !== linear.dOut) continue
    return parts.map((part, at) => ({ name: path.slice(0, -last.length) + part, dOut: known[at]! }))
  }
  return [{ name: path, dOut: linear.dOut }]
}

export class ModuleFinder {
  constructor(
    private readonly linears: readonly Linear[],
    private readonly heads: HeadWidths | undefined
  ) {}

  /**
   * @throws InvalidInputError for a module that is not in the graph (with the nearest that are), is there more than once, or has
   *   other widths there
   */
  find(module: { name: string; dIn: number; dOut: number }): FoundModule {
    for (const { rule, pathOf } of NAMING_RULES) {
      const linear = this.named(module.name, { rule, pathOf })
      if (linear !== undefined) return checked(module, { linear, offset: 0, dOut: linear.dOut })
      const part = this.packed(module, { rule, pathOf })
      if (part !== undefined) return checked(module, part)
    }
    throw new InvalidInputError(
      `module ${module.name} (${module.dIn} to ${module.dOut}) is not in the model. Nearest are ${this.nearest(module.name)}. ` +
        'Is the adapter made for this base model, and did the export keep module names (optimum, dynamo or the genai builder do)?'
    )
  }

  private named(name: string, { rule, pathOf }: (typeof NAMING_RULES)[number]): Linear | undefined {
    // The genai builder writes attn for self_attn; a wrapper adds a prefix.
    const names = [name, name.replace('.self_attn.', '.attn.')]
    const paths = this.linears.map(linear => ({ linear, path: pathOf(linear) ?? '' }))
    const exact = paths.filter(({ path }) => names.includes(path))
    const found = exact.length > 0 ? exact : paths.filter(({ path }) => names.some(each => path.endsWith(`.${each}`)))
    if (found.length > 1) {
      const nodes = found.map(({ linear }) => linear.node.name).slice(0, CANDIDATES_SHOWN)
      throw new InvalidInputError(`module ${name} could be any of ${found.length} nodes by their ${rule}: ${nodes.join(', ')}`)
    }
    return found[0]?.linear
  }

  private packed(module: { name: string }, rule: (typeof NAMING_RULES)[number]): FoundModule | undefined {
    const last = module.name.split('.').at(-1)!
    for (const { packed, parts, widths } of PACKED) {
      const at = (parts as readonly string[]).indexOf(last)
      if (at === -1) continue
      const linear = this.named(module.name.slice(0, -last.length) + packed, rule)
      if (linear === undefined) continue
      const known = widths(linear.dOut, this.heads)
      if (known === undefined || known.reduce((sum, width) => sum + width, 0) !== linear.dOut) {
        throw new InvalidInputError(
          `module ${module.name} is packed in ${linear.node.name} (${linear.dOut} wide), but config.json does not say how: ` +
            `num_attention_heads, num_key_value_heads and head_dim give ${known?.join(' + ') ?? 'no widths'}`
        )
      }
      return { linear, offset: known.slice(0, at).reduce((sum, width) => sum + width, 0), dOut: known[at]! }
    }
    return undefined
  }

  private nearest(name: string): string {
    const wanted = new Set(name.split('.'))
    const score = (path: string) => path.split('.').filter(segment => wanted.has(segment)).length
    const candidates = this.linears.map(linear => ({ linear, path: describeLinear(linear) }))
    if (candidates.length === 0) return 'none: the graph has no linear nodes with weights of its own'
    return candidates
      .sort((a, b) => score(b.path) - score(a.path))
      .slice(0, CANDIDATES_SHOWN)
      .map(({ linear, path }) => `${path} (${linear.dIn} to ${linear.dOut})`)
      .join(', ')
  }
}

function checked(module: { name: string; dIn: number; dOut: number }, found: FoundModule): FoundModule {
  if (found.linear.dIn === module.dIn && found.dOut === module.dOut) return found
  throw new InvalidInputError(
    `module ${module.name} takes ${module.dIn} to ${module.dOut} in the adapter, but ${found.linear.dIn} to ${found.dOut} in the model ` +
      `(node ${found.linear.node.name}). The adapter is made for another base model`
  )
}
