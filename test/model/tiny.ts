/** Small ONNX models made to order, with weights that a test can compute with. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concat } from '../../src/bytes.js'
import { CutModel } from '../../src/model/run/cut-model.js'
import type { CutOptions } from '../../src/model/run/cut-model.js'
import { readModel } from '../../src/model/onnx/graph.js'
import type { OnnxModel } from '../../src/model/onnx/graph.js'
import { ATTRIBUTE, GRAPH, MODEL, NODE, OPSET, TENSOR, VALUE_INFO } from '../../src/model/onnx/schema.js'
import { bytesField, textField, varintField } from '../../src/model/onnx/wire.js'
import { encodeNode, encodeValueInfo } from '../../src/model/onnx/write.js'

export const FLOAT = 1
export const INT64 = 7
/** Field number of GraphProto.name. */
const GRAPH_NAME = 2

const folders: string[] = []
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'zklora-test-'))
  folders.push(folder)
  return folder
}

export interface TinyNode {
  readonly op: string
  readonly in: readonly string[]
  readonly out: string
  readonly name?: string
  readonly integers?: Record<string, number>
  /** Fields of NodeProto that encodeNode does not write. */
  readonly extra?: Uint8Array
}

export interface TinyTensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly values: readonly number[]
  /** TensorProto.DataType; FLOAT unless told otherwise. */
  readonly type?: number
}

export interface TinyGraph {
  readonly nodes: readonly TinyNode[]
  readonly tensors?: readonly TinyTensor[]
  /** ValueInfoProto. */
  readonly inputs?: readonly Uint8Array[]
  readonly outputs?: readonly string[]
  /** Fields of GraphProto and ModelProto as they are to stand. */
  readonly graphExtra?: Uint8Array
  readonly modelExtra?: Uint8Array
}

/** [1, n] of token identifiers. */
export const INPUT_IDS = encodeValueInfo('input_ids', INT64, [1, undefined])

export function tinyNode({ op, in: inputs, out, name = out, integers, extra }: TinyNode): Uint8Array {
  return concat([encodeNode({ opType: op, name, inputs, output: out, ...(integers && { integers }) }), extra ?? new Uint8Array(0)])
}

/** Values as raw bytes. */
export function tinyTensor({ name, dims, values, type = FLOAT }: TinyTensor): Uint8Array {
  const data = type === INT64 ? BigInt64Array.from(values, BigInt) : type === FLOAT ? Float32Array.from(values) : Int32Array.from(values)
  return concat([
    ...dims.map(dim => varintField(TENSOR.dims, dim)),
    varintField(TENSOR.dataType, type),
    textField(TENSOR.name, name),
    bytesField(TENSOR.rawData, new Uint8Array(data.buffer))
  ])
}

export function tinyGraph({ nodes, tensors = [], inputs = [INPUT_IDS], outputs = ['logits'], graphExtra }: TinyGraph): Uint8Array {
  return concat([
    ...nodes.map(node => bytesField(GRAPH.node, tinyNode(node))),
    ...tensors.map(tensor => bytesField(GRAPH.initializer, tinyTensor(tensor))),
    ...inputs.map(input => bytesField(GRAPH.input, input)),
    ...outputs.map(name => bytesField(GRAPH.output, textField(VALUE_INFO.name, name))),
    textField(GRAPH_NAME, 'tiny'),
    graphExtra ?? new Uint8Array(0)
  ])
}

export function tinyModel(graph: TinyGraph): Uint8Array {
  const opset = (domain: string, version: number) =>
    bytesField(MODEL.opsetImport, concat([textField(OPSET.domain, domain), varintField(OPSET.version, version)]))
  const irVersion = varintField(1, 8)
  return concat([
    irVersion,
    opset('', 17),
    opset('com.microsoft', 1),
    graph.modelExtra ?? new Uint8Array(0),
    bytesField(MODEL.graph, tinyGraph(graph))
  ])
}

/** Written to a folder of its own. */
export function tinyFile(graph: TinyGraph): string {
  const path = join(temporaryFolder(), 'model.onnx')
  writeFileSync(path, tinyModel(graph))
  return path
}

export const readTiny = (graph: TinyGraph): OnnxModel => readModel(tinyFile(graph))

export const openTiny = (graph: TinyGraph, options: CutOptions = {}): Promise<CutModel> =>
  CutModel.open(readTiny(graph), graph.outputs ?? ['logits'], options)

/** An attribute that holds a sub-graph, e.g. `then_branch`. */
export function graphAttribute(name: string, graph: TinyGraph): Uint8Array {
  const type = varintField(ATTRIBUTE.type, 5)
  return bytesField(NODE.attribute, concat([textField(ATTRIBUTE.name, name), bytesField(ATTRIBUTE.graph, tinyGraph(graph)), type]))
}

/** metadata_props of a node. */
export function metadata(key: string, value: string): Uint8Array {
  return bytesField(NODE.metadata, concat([textField(1, key), textField(2, value)]))
}

/** A matrix with entries that differ, small enough to compute with. */
export function matrix(name: string, rows: number, columns: number): TinyTensor {
  return { name, dims: [rows, columns], values: Array.from({ length: rows * columns }, (_, i) => ((i * 7) % 11) / 8 - 0.5) }
}

/** x · w for rows of x. */
export function product(x: readonly number[], w: TinyTensor): number[] {
  const [inner, columns] = w.dims as [number, number]
  return Array.from({ length: (x.length / inner) * columns }, (_, at) => {
    const row = Math.floor(at / columns)
    let sum = 0
    for (let i = 0; i < inner; i++) sum += x[row * inner + i]! * w.values[i * columns + (at % columns)]!
    return sum
  })
}
