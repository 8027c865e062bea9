/** A model cut at its injection points, and how a run goes through its parts. */
import { ModuleFinder } from '../cut/find.js'
import type { HeadWidths } from '../cut/find.js'
import { inject } from '../cut/inject.js'
import type { Injection } from '../cut/inject.js'
import { linearNodes } from '../cut/linear.js'
import { schedule } from '../cut/schedule.js'
import { joinSignals } from '../../signals.js'
import type { OnnxModel } from '../onnx/graph.js'
import type { CombineMode, DeltaProvider, TargetGroup } from '../types.js'
import { askGroup, combined } from './answers.js'
import type { Answer, AnswerMemory, Asking } from './answers.js'
import { openParts, runPart } from './parts.js'
import type { PartOptions, RunOperation } from './parts.js'
import { floatsOf } from './tensors.js'
import type { Tensors } from './tensors.js'

/**
 * Bytes of weights in the rest of a stage from which on it is worth a part of its own: a part costs some 60 µs, and one row runs
 * through about 10 GB of weights a second.
 */
const OVERLAP_BYTES = 1024 * 1024

export interface CutOptions extends PartOptions {
  /** Where deltas go; empty: the model runs uncut. */
  readonly groups?: readonly TargetGroup[] | undefined
  readonly combineMode?: CombineMode | undefined
  /** Bytes of weights from which on the rest of a stage runs while the network works. */
  readonly overlapBytes?: number | undefined
}

export interface RunContext {
  /** Positions of the new rows in the text. */
  readonly positions: Asking['positions']
  /** Absent: the base model alone. */
  readonly deltas: DeltaProvider | undefined
  readonly memory: AnswerMemory | undefined
  readonly signal: AbortSignal | undefined
}

/** Nobody answers: the base model. */
const SILENT: DeltaProvider = () => Promise.resolve(null)

export class CutModel {
  private constructor(
    private readonly given: {
      readonly groups: readonly TargetGroup[]
      readonly injections: readonly Injection[]
      readonly x: readonly string[]
      readonly operations: readonly RunOperation[]
    },
    /** Ends the sessions. */
    readonly close: () => Promise<void>
  ) {}

  /**
   * @param outputs of the graph that are wanted; what only others need is left out
   * @throws InvalidInputError for modules that are not found, groups that share no input, graphs that ONNX Runtime refuses
   */
  static async open(
    model: OnnxModel,
    outputs: readonly string[],
    options: CutOptions & { heads?: HeadWidths | undefined }
  ): Promise<CutModel> {
    const { groups = [], combineMode = 'add_delta', overlapBytes = OVERLAP_BYTES } = options
    const finder = new ModuleFinder(groups.length === 0 ? [] : linearNodes(model), options.heads)
    const found = groups.map(({ dIn, modules }) => modules.map(module => finder.find({ ...module, dIn })))
    const graph = inject(model, groups, { found, combineMode })
    const work = {
      steps: graph.nodes.map(({ inputs, captured, outputs: made, opType }) => ({
        inputs: [...inputs, ...captured],
        outputs: made,
        deterministic: !opType.startsWith('Random')
      })),
      weights: new Map([...model.initializers.values()].map(({ name, bytes }) => [name, bytes])),
      inputs: new Set([...model.inputs.map(({ name }) => name), ...graph.injections.flatMap(({ mask }) => mask ?? [])]),
      outputs,
      x: graph.x,
      deltas: new Map(graph.injections.map(({ cast, contributions }) => [cast, contributions.map(({ group }) => group)]))
    }
    const { operations, close } = await openParts({ model, graph, operations: schedule(work, overlapBytes), outputs }, options)
    return new CutModel({ groups, injections: graph.injections, x: graph.x, operations }, close)
  }

  /** Parts in which the graph runs; 1 when uncut. */
  get parts(): number {
    return this.given.operations.filter(({ kind }) => kind === 'run').length
  }

  /** Times that a run waits for answers. */
  get stages(): number {
    return this.given.operations.filter(({ kind }) => kind === 'await').length
  }

  /**
   * @param feeds the graph's inputs
   * @returns the wanted outputs among other tensors
   * @throws the signal's reason; what the provider throws: then the other requests are aborted
   */
  async run(feeds: Tensors, context: RunContext): Promise<Tensors> {
    const tensors = new Map(feeds)
    const ending = new AbortController()
    const { signal, part } = joinSignals(context.signal, ending.signal)
    const { positions, memory, deltas = SILENT } = context
    const asking: Asking = { groups: this.given.groups, deltas, positions, memory, signal }
    let pending: Promise<(readonly [number, Answer])[]> = Promise.resolve([])
    try {
      for (const operation of this.given.operations) {
        signal.throwIfAborted()
        if (operation.kind === 'run') await runPart(operation.session, tensors)
        else if (operation.kind === 'ask') {
          pending = this.ask(operation.groups, tensors, asking)
          // It is awaited after the parts that run meanwhile.
          pending.catch(() => undefined)
        } else {
          this.feedDeltas(new Map(await pending), tensors)
        }
        for (const name of operation.free) tensors.delete(name)
      }
    } catch (error) {
      ending.abort(error)
      throw error
    } finally {
      part()
    }
    return tensors
  }

  private ask(groups: readonly number[], tensors: Tensors, asking: Asking): Promise<(readonly [number, Answer])[]> {
    // Groups with one input get the same array.
    const inputs = new Map(groups.map(group => this.given.x[group]!).map(name => [name, floatsOf(tensors.get(name)!, name)]))
    return Promise.all(groups.map(async group => [group, await askGroup(group, inputs.get(this.given.x[group]!)!, asking)] as const))
  }

  /** Tensors of the injection points that these groups answer for. */
  private feedDeltas(answers: ReadonlyMap<number, Answer>, tensors: Tensors): void {
    for (const injection of this.given.injections) {
      if (!injection.contributions.every(({ group }) => answers.has(group))) continue
      const { delta, mask } = combined(injection, answers)
      tensors.set(injection.delta, delta)
      if (injection.mask !== undefined) tensors.set(injection.mask, mask)
    }
  }
}
