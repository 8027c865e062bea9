/**
 * Puts the injection points into the graph: the linear node's output is renamed, and a node that combines it with the deltas makes
 * the tensor under its old name, so that every reader, bodies of If and Loop included, takes the combined one.
 */
import { InvalidInputError } from '../../errors.js'
import { readNode } from '../onnx/graph.js'
import type { OnnxModel, OnnxNode } from '../onnx/graph.js'
import { encodeNode, renameOutput } from '../onnx/write.js'
import type { CombineMode, TargetGroup } from '../types.js'
import type { FoundModule } from './find.js'
import type { Linear } from './linear.js'

/** One linear node whose output takes deltas. */
export interface Injection {
  /** Tensor of the summed deltas as it is fed: rows × width, float32. */
  readonly delta: string
  /** The same in the model's own float type, which is known once the parts before it are open: what the combining node reads. */
  readonly cast: string
  /** With `replace`: tensor that says what is replaced; rows × width booleans. */
  readonly mask: string | undefined
  readonly width: number
  /** Who answers for which columns: of the group's answer from `from`, of the node's output from `offset`. */
  readonly contributions: readonly { group: number; from: number; offset: number; dOut: number }[]
}

export interface InjectedGraph {
  /** In topological order. */
  readonly nodes: readonly OnnxNode[]
  readonly injections: readonly Injection[]
  /** Of each group: the tensor that enters its modules. */
  readonly x: readonly string[]
}

/** Operators that hand their first input on, row by row. */
const PASSING: ReadonlySet<string> = new Set(['Reshape', 'Identity', 'Cast', 'Flatten', 'Squeeze', 'Unsqueeze'])

/** @throws InvalidInputError when the modules of a group do not share one input */
export function inject(
  model: OnnxModel,
  groups: readonly TargetGroup[],
  options: { found: readonly (readonly FoundModule[])[]; combineMode: CombineMode }
): InjectedGraph {
  const x = sharedInputs(model, groups, options.found)
  const points = collect(groups, options.found)
  const injections: Injection[] = []
  const nodes = model.nodes.flatMap(node => {
    const point = points.get(node)
    if (point === undefined) return [node]
    const { y, dOut: width } = point.linear
    const base = `zklora.base.${y}`
    const delta = `zklora.delta.${y}`
    const cast = `zklora.cast.${y}`
    const mask = options.combineMode === 'replace' ? `zklora.mask.${y}` : undefined
    injections.push({ delta, cast, mask, width, contributions: point.contributions })
    const combine = mask === undefined ? { opType: 'Add', inputs: [base, cast] } : { opType: 'Where', inputs: [mask, cast, base] }
    return [renameOutput(node, y, base), encodeNode({ ...combine, name: `zklora.combine.${y}`, output: y })].map(raw => readNode(raw, y))
  })
  return { nodes, injections, x }
}

interface Point {
  readonly linear: Linear
  readonly contributions: Injection['contributions'][number][]
}

/** The union of all groups' modules, by node. */
function collect(groups: readonly TargetGroup[], found: readonly (readonly FoundModule[])[]): Map<OnnxNode, Point> {
  const points = new Map<OnnxNode, Point>()
  groups.forEach((group, index) => {
    let from = 0
    group.modules.forEach(({ dOut }, m) => {
      const { linear, offset } = found[index]![m]!
      const point = points.get(linear.node) ?? { linear, contributions: [] }
      point.contributions.push({ group: index, from, offset, dOut })
      points.set(linear.node, point)
      from += dOut
    })
  })
  return points
}

/** One tensor for each group: the earliest of its modules' inputs, when all of them are the same rows. */
function sharedInputs(model: OnnxModel, groups: readonly TargetGroup[], found: readonly (readonly FoundModule[])[]): string[] {
  const producers = new Map(model.nodes.flatMap((node, index) => node.outputs.map(name => [name, { node, index }] as const)))
  const rootOf = (tensor: string): string => {
    const producer = producers.get(tensor)?.node
    return producer !== undefined && PASSING.has(producer.opType) ? rootOf(producer.inputs[0]!) : tensor
  }
  return groups.map((group, index) => {
    const inputs = found[index]!.map(({ linear }) => linear.x)
    if (new Set(inputs.map(rootOf)).size > 1) {
      const names = group.modules.map(({ name }, m) => `${name} takes ${inputs[m]}`).join(', ')
      throw new InvalidInputError(
        `the modules of group ${index} do not share one input in this model: ${names}. The adapter's groups do not fit it`
      )
    }
    return inputs.reduce((first, next) => ((producers.get(next)?.index ?? -1) < (producers.get(first)?.index ?? -1) ? next : first))
  })
}
