/** What an adapter can target in a base model, read from its files: nothing is run. */
import { readModelFolder } from '../hub/index.js'
import { modulesOf } from './cut/find.js'
import { linearNodes } from './cut/linear.js'
import { describeBaseModel } from './description.js'
import type { BaseModelDescription } from './description.js'
import { readModel } from './onnx/graph.js'
import { readSettings } from './settings.js'

/** A module that a LoRA adapter can target. */
export interface InspectedModule {
  readonly name: string
  readonly dIn: number
  readonly dOut: number
  /** Modules with the same number take the same input. */
  readonly input: number
}

export interface InspectedModel {
  readonly name: string
  readonly modelType: string
  /** Positions of the longest text; null when the model does not say. */
  readonly contextLength: number | null
  /** In the order of the graph. */
  readonly modules: readonly InspectedModule[]
  readonly description: BaseModelDescription
}

/**
 * @param path a folder in Hugging Face layout
 * @param name as for describeBaseModel
 * @throws InvalidInputError for a folder that holds no such model, or a damaged one
 */
export function inspectModel(path: string, name?: string): InspectedModel {
  const folder = readModelFolder(path)
  const description = describeBaseModel(folder, name)
  const { contextLength, heads } = readSettings(folder)
  const found = linearNodes(readModel(folder.onnx)).flatMap(linear =>
    modulesOf(linear, heads).map(module => ({ ...module, dIn: linear.dIn, x: linear.x }))
  )
  const times = new Map<string, number>()
  for (const module of found) times.set(module.name, (times.get(module.name) ?? 0) + 1)
  // A name that two nodes have names neither: an adapter cannot target it.
  const clear = found.filter(module => times.get(module.name) === 1)
  const inputs = [...new Set(clear.map(({ x }) => x))]
  return {
    name: description.name,
    modelType: description.modelType,
    contextLength: contextLength ?? null,
    modules: clear.map(({ name: module, dIn, dOut, x }) => ({ name: module, dIn, dOut, input: inputs.indexOf(x) })),
    description
  }
}
