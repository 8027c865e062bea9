/** Linear nodes: those that multiply activations by a weight. They are what LoRA can target. */
import { integerAttribute, metadataOf } from '../onnx/graph.js'
import type { OnnxModel, OnnxNode } from '../onnx/graph.js'

export interface Linear {
  readonly node: OnnxNode
  /** Input and output tensor. */
  readonly x: string
  readonly y: string
  readonly dIn: number
  readonly dOut: number
  /** Initializer that holds the weight. */
  readonly weight: string
}

/** All linear nodes of the graph (not of bodies of If and Loop) in order. */
export function linearNodes(model: OnnxModel): Linear[] {
  const producers = new Map(model.nodes.flatMap(node => node.outputs.map(name => [name, node] as const)))
  return model.nodes.flatMap(node => linearOf(node, { model, producers }) ?? [])
}

interface Surroundings {
  readonly model: OnnxModel
  readonly producers: ReadonlyMap<string, OnnxNode>
}

function linearOf(node: OnnxNode, graph: Surroundings): Linear | undefined {
  const [x, b] = node.inputs
  const y = node.outputs[0]
  if (x === undefined || b === undefined || y === undefined) return undefined
  const shape = shapeOf(node, b, graph)
  // A product of two constants is no layer; x is what is computed.
  if (shape === undefined || graph.model.initializers.has(x)) return undefined
  return { node, x, y, ...shape }
}

type Shape = Pick<Linear, 'dIn' | 'dOut' | 'weight'>

function shapeOf(node: OnnxNode, b: string, graph: Surroundings): Shape | undefined {
  if (node.opType === 'MatMul') return floatShape(b, false, graph)
  // A transposed x is no list of rows.
  if (node.opType === 'Gemm' && !integerAttribute(node, 'transA')) return floatShape(b, integerAttribute(node, 'transB') === 1, graph)
  if (node.opType === 'MatMulNBits') {
    // Packed weights: widths are in the attributes (com.microsoft.MatMulNBits).
    return { weight: b, dIn: integerAttribute(node, 'K') ?? 0, dOut: integerAttribute(node, 'N') ?? 0 }
  }
  return undefined
}

function floatShape(b: string, transposed: boolean, graph: Surroundings): Shape | undefined {
  const found = weightOf(b, graph)
  if (found === undefined || found.dims.length !== 2) return undefined
  const [rows, columns] = found.dims as [number, number]
  return transposed ? { weight: found.name, dIn: columns, dOut: rows } : { weight: found.name, dIn: rows, dOut: columns }
}

/** The initializer behind a tensor, through what exporters put between: a cast, a transposition, stored integers. */
function weightOf(tensor: string, graph: Surroundings): { name: string; dims: readonly number[] } | undefined {
  const initializer = graph.model.initializers.get(tensor)
  if (initializer !== undefined) return { name: tensor, dims: initializer.dims }
  const producer = graph.producers.get(tensor)
  if (producer === undefined) return undefined
  if (['Identity', 'Cast', 'DequantizeLinear'].includes(producer.opType)) return weightOf(producer.inputs[0]!, graph)
  if (producer.opType !== 'Transpose') return undefined
  const below = weightOf(producer.inputs[0]!, graph)
  // A matrix has only one other order of its axes.
  return below && { name: below.name, dims: below.dims.toReversed() }
}

/** Part of a path where the module ends and the operator begins: `MatMul`, `Gemm_output_0`, `MatMul_Q4`, `MatMulNBits`. */
const OPERATOR = /^(MatMul|Gemm)(NBits)?(_.*)?$/

/** `/model/layers.0/self_attn/q_proj/MatMul_output_0` → `model.layers.0.self_attn.q_proj`; undefined for a name without an operator. */
function pathBeforeOperator(name: string): string | undefined {
  const segments = name.replace(/^\//, '').replaceAll('/', '.').split('.')
  const at = segments.findLastIndex(segment => OPERATOR.test(segment))
  return at < 1 ? undefined : segments.slice(0, at).join('.')
}

const NAME_SCOPES = 'pkg.torch.onnx.name_scopes'

/** `['', 'model', 'model.layers.0.mlp.up_proj', 'linear']` (a Python list) → its last entry but one. */
function pathInScopes(scopes: string | undefined): string | undefined {
  return [...(scopes ?? '').matchAll(/'([^']*)'/g)].at(-2)?.[1]
}

function pathOfWeight(name: string): string | undefined {
  return pathBeforeOperator(name) ?? /^(.+)\.weight$/.exec(name)?.[1]
}

/** The ways in which exporters tell the module of a node, in the order in which they are believed. */
export const NAMING_RULES: readonly { readonly rule: string; readonly pathOf: (linear: Linear) => string | undefined }[] = [
  { rule: 'node name', pathOf: ({ node }) => pathBeforeOperator(node.name) },
  { rule: 'output name', pathOf: ({ y }) => pathBeforeOperator(y) },
  { rule: 'name scope', pathOf: ({ node }) => pathInScopes(metadataOf(node).get(NAME_SCOPES)) },
  { rule: 'weight name', pathOf: ({ weight }) => pathOfWeight(weight) }
]

/** The path of the node's module, by the first rule that tells one. */
export function pathOfLinear(linear: Linear): string | undefined {
  for (const { pathOf } of NAMING_RULES) {
    const path = pathOf(linear)
    if (path !== undefined) return path
  }
  return undefined
}

/** The path by which a person would know the node; its own name when it tells none. */
export function describeLinear(linear: Linear): string {
  return pathOfLinear(linear) ?? linear.node.name
}
