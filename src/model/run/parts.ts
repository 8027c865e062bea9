/** The parts of a cut graph as sessions of ONNX Runtime, which read their weights from the original files. */
import { dirname, relative, sep } from 'node:path'
import ort from './ort.js'
import { InvalidInputError } from '../../errors.js'
import type { InjectedGraph, Injection } from '../cut/inject.js'
import type { Operation, Part } from '../cut/schedule.js'
import { readNode } from '../onnx/graph.js'
import type { OnnxModel, OnnxNode } from '../onnx/graph.js'
import { ELEMENT_TYPES } from '../onnx/schema.js'
import { encodeNode, encodePart, encodeValueInfo } from '../onnx/write.js'
import type { Tensors } from './tensors.js'

export interface PartOptions {
  /** Threads of ONNX Runtime; absent: one for each core. */
  readonly threads?: number | undefined
  /**
   * True: weights are copied into the layout that multiplies fastest (ONNX Runtime's own default). False: they stay mapped from the
   * file, shared with other processes. Absent: true for quantised weights, which are two orders of magnitude slower without; false for
   * float ones, which gain 7 % (one row) to 18 % (128) and would cost 2 s and 1 GiB of memory of our own for each GiB of weights.
   */
  readonly prepack?: boolean | undefined
}

/** A step of a run; `free`: tensors that nothing after it needs. */
export type RunOperation = { readonly free: readonly string[] } & (
  { readonly kind: 'run'; readonly session: ort.InferenceSession } | Exclude<Operation, { kind: 'run' }>
)

/** Operators on quantised weights: MatMulNBits, MatMulInteger, DequantizeLinear, … */
const QUANTIZED = /NBits|Integer|quant|QLinear/i

const FLOAT32 = ELEMENT_TYPES['float32']!
const BOOL = ELEMENT_TYPES['bool']!

/**
 * Opens the parts in order: the types of a part's inputs are what ONNX Runtime inferred for the outputs of those before it.
 * @throws InvalidInputError with ONNX Runtime's reason when it refuses a part
 */
export async function openParts(
  given: { model: OnnxModel; graph: InjectedGraph; operations: readonly Operation[]; outputs: readonly string[] },
  options: PartOptions
): Promise<{ operations: RunOperation[]; close: () => Promise<void> }> {
  const { model, graph, operations } = given
  const folder = commonFolder([model.path, ...[...model.initializers.values()].flatMap(({ range }) => range?.file ?? [])])
  const types = new Types(model, graph)
  const settings = { ...options, prepack: options.prepack ?? model.nodes.some(({ opType }) => QUANTIZED.test(opType)) }
  const sessions: ort.InferenceSession[] = []
  const close = async () => {
    await Promise.all(sessions.splice(0).map(session => session.release()))
  }
  try {
    for (const operation of operations) {
      if (operation.kind !== 'run') continue
      const session = await openSession(encode(operation.part, { model, graph, types, folder }), folder, settings)
      sessions.push(session)
      types.learn(session)
    }
  } catch (cause) {
    await close()
    throw new InvalidInputError(`ONNX Runtime cannot open ${model.path}: ${(cause as Error).message}`, { cause })
  }
  const queue = [...sessions]
  const plan = operations.map(operation => (operation.kind === 'run' ? { kind: 'run' as const, session: queue.shift()! } : operation))
  return { operations: withLifetimes(plan, given), close }
}

type Unbounded = { kind: 'run'; session: ort.InferenceSession } | Exclude<Operation, { kind: 'run' }>

function withLifetimes(plan: readonly Unbounded[], given: { graph: InjectedGraph; outputs: readonly string[] }): RunOperation[] {
  const needed = new Set(given.outputs)
  return plan
    .toReversed()
    .map(operation => {
      const read = readBy(operation, given.graph)
      const touched = operation.kind === 'run' ? [...read, ...operation.session.outputNames] : read
      const free = touched.filter(name => !needed.has(name))
      for (const name of read) needed.add(name)
      return { ...operation, free }
    })
    .reverse()
}

function readBy(operation: Unbounded, graph: InjectedGraph): readonly string[] {
  if (operation.kind === 'run') return operation.session.inputNames
  return operation.kind === 'ask' ? operation.groups.map(group => graph.x[group]!) : []
}

/** Runs a part; its outputs join the tensors. */
export async function runPart(session: ort.InferenceSession, tensors: Tensors): Promise<void> {
  const results = await session.run(Object.fromEntries(session.inputNames.map(name => [name, tensors.get(name)!])))
  for (const [name, tensor] of Object.entries(results)) tensors.set(name, tensor)
}

async function openSession(bytes: Uint8Array, folder: string, { threads, prepack }: PartOptions): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(bytes, {
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    extra: {
      session: {
        // Weights are read from here, by offset: nothing of them is copied or linked.
        model_external_initializers_file_folder_path: folder,
        ...(!prepack && { disable_prepacking: '1' }),
        // Each session has threads of its own: while one runs, those of the others must not spin (12 parts: 27 ms instead of 500).
        'intra_op.allow_spinning': '0'
      }
    }
  })
}

/** Element types and shapes of tensors that go from part to part. */
class Types {
  private readonly known = new Map<string, { elementType: number; shape: readonly (number | undefined)[] | undefined }>()

  constructor(
    model: OnnxModel,
    private readonly graph: InjectedGraph
  ) {
    for (const { name, elementType, shape } of model.inputs) this.known.set(name, { elementType, shape })
  }

  learn(session: ort.InferenceSession): void {
    for (const output of session.outputMetadata) {
      if (!output.isTensor) throw new Error(`${output.name}, which goes from one part to the next, is no tensor`)
      const shape = output.shape.map(size => (typeof size === 'number' ? size : undefined))
      // No sizes: a scalar, or a tensor of unknown rank. Nothing is claimed then.
      this.known.set(output.name, { elementType: ELEMENT_TYPES[output.type]!, shape: shape.length > 0 ? shape : undefined })
    }
  }

  of(name: string): { elementType: number; shape: readonly (number | undefined)[] | undefined } {
    return this.known.get(name)!
  }

  /** The model's own float type where deltas are added: that of the x which they answer. */
  ofDelta({ contributions }: Injection): number {
    return this.of(this.graph.x[contributions[0]!.group]!).elementType
  }
}

interface Encoding {
  readonly model: OnnxModel
  readonly graph: InjectedGraph
  readonly types: Types
  readonly folder: string
}

function encode(part: Part, { model, graph, types, folder }: Encoding): Uint8Array {
  const injections = new Map(graph.injections.map(injection => [injection.cast, injection]))
  const masks = new Set(graph.injections.map(({ mask }) => mask))
  const casts: OnnxNode[] = []
  const inputs = part.inputs.map(name => {
    const injection = injections.get(name)
    if (injection !== undefined) {
      casts.push(castNode(injection, types.ofDelta(injection)))
      return encodeValueInfo(injection.delta, FLOAT32, [undefined, undefined])
    }
    if (masks.has(name)) return encodeValueInfo(name, BOOL, [undefined, undefined])
    return encodeValueInfo(name, types.of(name).elementType, types.of(name).shape)
  })
  const source = {
    nodes: [...casts, ...part.steps.map(i => graph.nodes[i]!)],
    initializers: part.weights.map(name => model.initializers.get(name)!),
    inputs,
    outputs: part.outputs
  }
  return encodePart(model, source, file => relative(folder, file))
}

/** To float32 it is dropped by ONNX Runtime's optimiser. */
function castNode({ delta, cast }: Injection, to: number): OnnxNode {
  return readNode(encodeNode({ opType: 'Cast', name: cast, inputs: [delta], output: cast, integers: { to } }), cast)
}

/** The deepest folder that holds all files. */
function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0]!)
  // Up to a root at most: what lies on another drive ONNX Runtime refuses.
  while (folder !== dirname(folder) && !files.every(file => file.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
    folder = dirname(folder)
  return folder
}
