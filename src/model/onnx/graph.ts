/** An ONNX model as the cutter sees it: what it needs is decoded, the rest stays in bytes. */
import { dirname } from 'node:path'
import { contentOf, fieldsOf, integersOf, rawOf, signed, textOf } from './wire.js'
import type { Field } from './wire.js'
import { ModelFile } from './file.js'
import { ATTRIBUTE, DIMENSION, ENTRY, EXTERNAL, GRAPH, MODEL, NODE, SHAPE, TENSOR, TENSOR_TYPE, TYPE, VALUE_INFO } from './schema.js'
import { concat } from '../../bytes.js'
import { LimitExceededError, UnsupportedError } from '../../errors.js'
import { externalRange } from './external.js'

/**
 * Bytes up to which a weight is copied into each part that uses it: shapes and axes are wanted at hand by the runtime's shape
 * inference, which does not read external data. The same bound as ONNX's own tools have.
 */
const INLINE_BYTES = 1024

/** Graphs in the attributes of nodes of graphs, one in the other; exporters nest an If in a Loop, a few at most. */
const MOST_DEPTH = 32

/** Where a weight's bytes lie. */
export interface FileRange {
  /** Without symbolic links. */
  readonly file: string
  readonly offset: number
  readonly length: number
}

export interface Initializer {
  readonly name: string
  readonly dims: readonly number[]
  readonly dataType: number
  /** TensorProto: without the weight's bytes when they lie in `range`, else with them. */
  readonly raw: Uint8Array
  readonly range: FileRange | undefined
  /** Bytes of the weight, or of its encoding. */
  readonly bytes: number
}

export interface OnnxNode {
  /** NodeProto. */
  readonly raw: Uint8Array
  readonly name: string
  readonly opType: string
  readonly domain: string
  /** As they stand; an empty name is an optional input that is not given. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Tensors that the bodies of If, Loop and Scan take from outside of them. */
  readonly captured: readonly string[]
}

/** A graph input or output, or a note on a tensor's type. */
export interface ValueInfo {
  readonly name: string
  /** ValueInfoProto. */
  readonly raw: Uint8Array
  /** TensorProto.DataType; 0 for what is no tensor. */
  readonly elementType: number
  /** Sizes; undefined where the model leaves one open. */
  readonly shape: readonly (number | undefined)[]
}

export interface OnnxModel {
  /** Of the file, without symbolic links. */
  readonly path: string
  /** Fields of ModelProto other than the graph, as they stand. */
  readonly rest: readonly Uint8Array[]
  readonly nodes: readonly OnnxNode[]
  readonly initializers: ReadonlyMap<string, Initializer>
  /** Without those that have an initializer (defaults, before IR version 4 the rule). */
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly valueInfo: ReadonlyMap<string, ValueInfo>
  /** Fields of GraphProto other than those above, as they stand. */
  readonly graphRest: readonly Uint8Array[]
}

/**
 * Reads a model; its weights stay where they are.
 * @throws InvalidInputError for a file that is missing, damaged or no ONNX model, LimitExceededError for one without measure
 */
export function readModel(path: string): OnnxModel {
  const file = new ModelFile(path)
  try {
    const rest: Uint8Array[] = []
    let graph: Field | undefined
    for (const field of file.fields(0, file.size)) {
      if (field.number === MODEL.graph) graph = field
      else rest.push(file.load(field.at, field.to))
    }
    return { path: file.path, rest, ...readGraph(file, graph, path) }
  } finally {
    file.close()
  }
}

function readGraph(file: ModelFile, graph: Field | undefined, path: string): Omit<OnnxModel, 'path' | 'rest'> {
  const nodes: OnnxNode[] = []
  const initializers = new Map<string, Initializer>()
  const lists = { [GRAPH.input]: [] as ValueInfo[], [GRAPH.output]: [] as ValueInfo[], [GRAPH.valueInfo]: [] as ValueInfo[] }
  const graphRest: Uint8Array[] = []
  for (const field of graph === undefined ? [] : file.fields(graph.from, graph.to)) {
    if (field.number === GRAPH.node) nodes.push(readNode(file.load(field.from, field.to), path))
    else if (field.number === GRAPH.initializer) {
      const initializer = readInitializer(file, field)
      initializers.set(initializer.name, initializer)
    } else if (field.number in lists) lists[field.number as keyof typeof lists]!.push(readValueInfo(file.load(field.from, field.to), path))
    else if (field.number === GRAPH.sparseInitializer)
      throw new UnsupportedError(
        `${path} has sparse weights (sparse_initializer), which cannot be cut; export the model with dense weights`
      )
    else graphRest.push(file.load(field.at, field.to))
  }
  return {
    nodes,
    initializers,
    inputs: lists[GRAPH.input].filter(({ name }) => !initializers.has(name)),
    outputs: lists[GRAPH.output],
    valueInfo: new Map(lists[GRAPH.valueInfo].map(info => [info.name, info])),
    graphRest
  }
}

/**
 * Exported for nodes that the cutter makes itself.
 * @param depth of the sub-graph that it stands in
 */
export function readNode(raw: Uint8Array, what: string, depth = 0): OnnxNode {
  if (depth > MOST_DEPTH) throw new LimitExceededError('the depth of graphs in graphs', depth, MOST_DEPTH, `in ${what}`)
  const texts = { [NODE.name]: '', [NODE.opType]: '', [NODE.domain]: '' }
  const inputs: string[] = []
  const outputs: string[] = []
  const captured = new Set<string>()
  for (const field of fieldsOf(raw, what)) {
    if (field.number === NODE.input) inputs.push(textOf(raw, field, what))
    else if (field.number === NODE.output) outputs.push(textOf(raw, field, what))
    else if (field.number === NODE.attribute) for (const name of capturedBy(contentOf(raw, field), what, depth)) captured.add(name)
    else if (field.number in texts) texts[field.number as keyof typeof texts] = textOf(raw, field, what)
  }
  return {
    raw,
    name: texts[NODE.name],
    opType: texts[NODE.opType],
    domain: texts[NODE.domain],
    inputs,
    outputs,
    captured: [...captured]
  }
}

/** Tensors that the sub-graphs of an attribute take from outside. */
function capturedBy(attribute: Uint8Array, what: string, depth: number): string[] {
  const names: string[] = []
  for (const field of fieldsOf(attribute, what)) {
    if (field.number === ATTRIBUTE.graph || field.number === ATTRIBUTE.graphs)
      names.push(...capturedByGraph(contentOf(attribute, field), what, depth))
  }
  return names
}

function capturedByGraph(graph: Uint8Array, what: string, depth: number): string[] {
  const used = new Set<string>()
  const made = new Set([''])
  for (const field of fieldsOf(graph, what)) {
    const content = contentOf(graph, field)
    if (field.number === GRAPH.node) {
      const node = readNode(content, what, depth + 1)
      for (const name of [...node.inputs, ...node.captured]) used.add(name)
      for (const name of node.outputs) made.add(name)
    } else if (field.number === GRAPH.initializer) made.add(nameIn(content, TENSOR.name, what))
    else if (field.number === GRAPH.input) made.add(nameIn(content, VALUE_INFO.name, what))
    else if (field.number === GRAPH.output) used.add(nameIn(content, VALUE_INFO.name, what))
  }
  return [...used].filter(name => !made.has(name))
}

function nameIn(message: Uint8Array, number: number, what: string): string {
  for (const field of fieldsOf(message, what)) if (field.number === number) return textOf(message, field, what)
  return ''
}

function readValueInfo(raw: Uint8Array, what: string): ValueInfo {
  const tensor = messageAt(messageAt(raw, VALUE_INFO.type, what), TYPE.tensor, what)
  const shape: (number | undefined)[] = []
  const dimensions = messageAt(tensor, TENSOR_TYPE.shape, what)
  for (const field of fieldsOf(dimensions, what)) {
    if (field.number === SHAPE.dimension) shape.push(integerIn(contentOf(dimensions, field), DIMENSION.value, what))
  }
  return { name: nameIn(raw, VALUE_INFO.name, what), raw, elementType: integerIn(tensor, TENSOR_TYPE.elementType, what) ?? 0, shape }
}

/** Content of the first field of this number; empty when there is none. */
function messageAt(message: Uint8Array, number: number, what: string): Uint8Array {
  for (const field of fieldsOf(message, what)) if (field.number === number) return contentOf(message, field)
  return new Uint8Array(0)
}

function integerIn(message: Uint8Array, number: number, what: string): number | undefined {
  for (const field of fieldsOf(message, what)) if (field.number === number) return signed(field.value)
  return undefined
}

/** An integer attribute of a node, e.g. `transB` of Gemm. */
export function integerAttribute(node: OnnxNode, name: string): number | undefined {
  for (const field of fieldsOf(node.raw, node.name)) {
    if (field.number !== NODE.attribute) continue
    const attribute = contentOf(node.raw, field)
    if (nameIn(attribute, ATTRIBUTE.name, node.name) === name) return integerIn(attribute, ATTRIBUTE.i, node.name)
  }
  return undefined
}

/** What exporters note beside a node (metadata_props): key → value. */
export function metadataOf(node: OnnxNode): Map<string, string> {
  const found = new Map<string, string>()
  for (const field of fieldsOf(node.raw, node.name)) {
    if (field.number !== NODE.metadata) continue
    const entry = contentOf(node.raw, field)
    found.set(nameIn(entry, ENTRY.key, node.name), nameIn(entry, ENTRY.value, node.name))
  }
  return found
}

/** Fields of TensorProto whose content is the weight's bytes as external data has them (little endian, packed). */
const WEIGHT_BYTES: ReadonlySet<number> = new Set([TENSOR.rawData, TENSOR.floatData, TENSOR.doubleData])

function readInitializer(file: ModelFile, tensor: Field): Initializer {
  const kept: Uint8Array[] = []
  const entries: Uint8Array[] = []
  const dims: number[] = []
  let [name, dataType, location] = ['', 0, 0]
  let range: FileRange | undefined
  for (const field of file.fields(tensor.from, tensor.to)) {
    const length = field.to - field.from
    if (WEIGHT_BYTES.has(field.number) && length > INLINE_BYTES) {
      range = { file: file.path, offset: field.from, length }
      continue
    }
    const raw = file.load(field.at, field.to)
    // The same field again, counted from its own first byte.
    const here = { ...field, at: 0, from: field.from - field.at, to: raw.length }
    if (field.number === TENSOR.externalData) entries.push(contentOf(raw, here))
    else if (field.number === TENSOR.dataLocation) location = signed(field.value)
    else {
      if (field.number === TENSOR.name) name = textOf(raw, here, file.path)
      if (field.number === TENSOR.dataType) dataType = signed(field.value)
      if (field.number === TENSOR.dims) dims.push(...integersOf(raw, here, file.path))
      kept.push(rawOf(raw, here))
    }
  }
  if (location === EXTERNAL) {
    const texts = new Map(entries.map(entry => [nameIn(entry, ENTRY.key, file.path), nameIn(entry, ENTRY.value, file.path)]))
    range = externalRange({ tensor: name, folder: dirname(file.path), entries: texts })
  }
  const raw = concat(kept)
  return { name, dims, dataType, raw, range, bytes: range?.length ?? raw.length }
}
