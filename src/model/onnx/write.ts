/** Writes a part of a model as an ONNX model of its own that refers to the original weights. */
import { concat } from '../../bytes.js'
import type { Initializer, OnnxModel, OnnxNode } from './graph.js'
import { ATTRIBUTE, DIMENSION, ENTRY, EXTERNAL, GRAPH, MODEL, NODE, SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.js'
import { bytesField, fieldsOf, rawOf, textField, varintField } from './wire.js'

export interface PartSource {
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly Initializer[]
  /** ValueInfoProto of each. */
  readonly inputs: readonly Uint8Array[]
  /** Names alone: ONNX Runtime infers their types. */
  readonly outputs: readonly string[]
}

/**
 * ModelProto of the part: all that the model says about itself (opsets, functions, metadata), the part's nodes byte for byte.
 * @param locationOf the external-data location of a weight file
 */
export function encodePart(model: OnnxModel, part: PartSource, locationOf: (file: string) => string): Uint8Array {
  const made = new Set(part.nodes.flatMap(node => node.outputs))
  const graph = concat([
    ...part.nodes.map(node => bytesField(GRAPH.node, node.raw)),
    ...part.initializers.map(initializer => bytesField(GRAPH.initializer, encodeInitializer(initializer, locationOf))),
    ...part.inputs.map(raw => bytesField(GRAPH.input, raw)),
    ...part.outputs.map(name => bytesField(GRAPH.output, textField(VALUE_INFO.name, name))),
    ...[...model.valueInfo.values()].filter(({ name }) => made.has(name)).map(({ raw }) => bytesField(GRAPH.valueInfo, raw)),
    ...model.graphRest
  ])
  return concat([...model.rest, bytesField(MODEL.graph, graph)])
}

function encodeInitializer({ raw, range }: Initializer, locationOf: (file: string) => string): Uint8Array {
  if (range === undefined) return raw
  const entries = { location: locationOf(range.file), offset: String(range.offset), length: String(range.length) }
  return concat([
    raw,
    ...Object.entries(entries).map(([key, value]) =>
      bytesField(TENSOR.externalData, concat([textField(ENTRY.key, key), textField(ENTRY.value, value)]))
    ),
    varintField(TENSOR.dataLocation, EXTERNAL)
  ])
}

/**
 * ValueInfoProto of a tensor.
 * @param shape numbers where a dimension is fixed; undefined when the rank is not known
 */
export function encodeValueInfo(name: string, elementType: number, shape: readonly (number | undefined)[] | undefined): Uint8Array {
  const dimension = (size: number | undefined) =>
    bytesField(SHAPE.dimension, size === undefined ? new Uint8Array(0) : varintField(DIMENSION.value, size))
  const dims = shape === undefined ? [] : [bytesField(TENSOR_TYPE.shape, concat(shape.map(dimension)))]
  const tensor = concat([varintField(TENSOR_TYPE.elementType, elementType), ...dims])
  return concat([textField(VALUE_INFO.name, name), bytesField(VALUE_INFO.type, bytesField(TYPE.tensor, tensor))])
}

/** NodeProto with its outputs renamed; all else byte for byte. */
export function renameOutput(node: OnnxNode, from: string, to: string): Uint8Array {
  const outputs = node.outputs.map(name => textField(NODE.output, name === from ? to : name))
  const rest = [...fieldsOf(node.raw, node.name)].filter(({ number }) => number !== NODE.output)
  return concat([...outputs, ...rest.map(field => rawOf(node.raw, field))])
}

/** NodeProto of a standard operator. */
export function encodeNode(given: {
  opType: string
  name: string
  inputs: readonly string[]
  output: string
  integers?: Readonly<Record<string, number>>
}): Uint8Array {
  const attributes = Object.entries(given.integers ?? {}).map(([key, value]) =>
    bytesField(
      NODE.attribute,
      concat([textField(ATTRIBUTE.name, key), varintField(ATTRIBUTE.i, value), varintField(ATTRIBUTE.type, ATTRIBUTE.typeInteger)])
    )
  )
  return concat([
    ...given.inputs.map(input => textField(NODE.input, input)),
    textField(NODE.output, given.output),
    textField(NODE.name, given.name),
    textField(NODE.opType, given.opType),
    ...attributes
  ])
}
