/**
 * In which order the cut graph runs. A node's stage is the largest number of injected edges on any path to it. Within a stage, what
 * the inputs of target modules need runs first; they leave; what does not depend on the answers runs while the network works.
 */
import { InvalidInputError } from '../../errors.js'

/** A node as the scheduler sees it. */
export interface Step {
  /** Tensors, those taken by sub-graphs included. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** False for what may differ from run to run without inputs (random numbers). */
  readonly deterministic: boolean
}

export interface Work {
  /** In topological order. */
  readonly steps: readonly Step[]
  /** Weights: tensors that are simply there, with their size in bytes. */
  readonly weights: ReadonlyMap<string, number>
  /** Inputs of the graph. */
  readonly inputs: ReadonlySet<string>
  /** Outputs that are wanted. */
  readonly outputs: readonly string[]
  /** Of each group: the tensor that enters its modules. */
  readonly x: readonly string[]
  /** Tensors that hold deltas → the groups that answer into them. */
  readonly deltas: ReadonlyMap<string, readonly number[]>
}

/** Steps that run together. */
export interface Part {
  /** Indices of steps, ascending. */
  readonly steps: readonly number[]
  readonly weights: readonly string[]
  /** Tensors from outside, without weights. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
}

export type Operation =
  | { readonly kind: 'run'; readonly part: Part }
  /** The x of these groups are known: ask for their answers, all at once. */
  | { readonly kind: 'ask'; readonly groups: readonly number[] }
  /** What follows needs their answers. */
  | { readonly kind: 'await'; readonly groups: readonly number[] }

/**
 * @param overlapBytes weights from which on the rest of a stage runs as a part of its own while the network works; below it waits
 *   for the next part, since every part costs some tens of microseconds
 * @throws InvalidInputError when the steps are not in topological order
 */
export function schedule(work: Work, overlapBytes: number): Operation[] {
  const graph = new Dependencies(work)
  const operations: ({ kind: 'run'; steps: number[] } | Exclude<Operation, { kind: 'run' }>)[] = []
  const run = (steps: number[]) => {
    if (steps.length > 0) operations.push({ kind: 'run', steps })
  }
  let pending: number[] = []
  for (let stage = 0; stage <= graph.lastStage; stage++) {
    const groups = work.x.flatMap((x, group) => (graph.stageOf(x) === stage ? [group] : []))
    const available = [...pending, ...graph.stepsAt(stage)]
    const first = graph.ancestors(
      groups.map(group => work.x[group]!),
      new Set(available)
    )
    const rest = available.filter(step => !first.has(step))
    pending = rest
    // Only the last stage may have no x: without one there is no stage above it.
    if (groups.length === 0) continue
    run([...first])
    operations.push({ kind: 'ask', groups })
    if (graph.weightBytes(rest) >= overlapBytes) {
      run(rest)
      pending = []
    }
    operations.push({ kind: 'await', groups })
  }
  run(pending)
  const parts = graph.parts(operations.flatMap(operation => (operation.kind === 'run' ? [operation.steps] : [])))
  return operations.map(operation => (operation.kind === 'run' ? { kind: 'run', part: parts.shift()! } : operation))
}

class Dependencies {
  /** Of each step; −1 for one that is constant, or that nobody needs. */
  readonly stages: readonly number[]
  private readonly producer = new Map<string, number>()
  /** Steps that depend on no input. */
  private readonly constants = new Set<number>()

  constructor(private readonly work: Work) {
    work.steps.forEach((step, i) => {
      const inputs = step.inputs.filter(name => name !== '')
      for (const name of inputs) this.checkKnown(name)
      if (step.deterministic && inputs.every(name => this.isConstant(name))) this.constants.add(i)
      for (const name of step.outputs) this.producer.set(name, i)
    })
    this.stages = this.stagesOf(this.ancestors([...work.outputs, ...work.x], new Set(work.steps.keys())))
  }

  /** Stage of a tensor. */
  stageOf(tensor: string): number {
    return this.stages[this.producer.get(tensor) ?? -1] ?? 0
  }

  get lastStage(): number {
    return this.stages.reduce((most, stage) => Math.max(most, stage), 0)
  }

  stepsAt(stage: number): number[] {
    return this.stages.flatMap((each, step) => (each === stage ? [step] : []))
  }

  /** Those of `among` that the tensors need, themselves included. */
  ancestors(tensors: readonly string[], among: ReadonlySet<number>): Set<number> {
    const found = new Set<number>()
    const open = [...tensors]
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const step = this.producer.get(name)
      if (step === undefined || found.has(step) || !among.has(step)) continue
      found.add(step)
      open.push(...this.work.steps[step]!.inputs)
    }
    return found
  }

  weightBytes(steps: readonly number[]): number {
    const { weights } = this.closed(steps)
    return weights.reduce((sum, name) => sum + this.work.weights.get(name)!, 0)
  }

  /** Steps with the constants that they need and the weights of both. Constants are copied to each part, and folded there. */
  private closed(steps: readonly number[]): { steps: number[]; weights: string[] } {
    const all = new Set([...steps, ...this.ancestors(this.inputsOf(steps), this.constants)])
    const weights = new Set(this.inputsOf([...all]).filter(name => this.work.weights.has(name)))
    return { steps: [...all].sort((a, b) => a - b), weights: [...weights] }
  }

  /** What goes into and out of each part. */
  parts(lists: readonly (readonly number[])[]): Part[] {
    const bodies = lists.map(steps => this.closed(steps))
    const inputs = bodies.map(({ steps }) => {
      const made = new Set(steps.flatMap(i => this.work.steps[i]!.outputs))
      return [...new Set(this.inputsOf(steps))].filter(name => name !== '' && !made.has(name) && !this.work.weights.has(name))
    })
    const wanted = new Set([...this.work.outputs, ...this.work.x, ...inputs.flat()])
    return bodies.map((body, p) => {
      // Constants stay inside: each part has its own.
      const made = body.steps.filter(i => !this.constants.has(i)).flatMap(i => this.work.steps[i]!.outputs)
      return { ...body, inputs: inputs[p]!, outputs: made.filter(name => wanted.has(name)) }
    })
  }

  private inputsOf(steps: readonly number[]): string[] {
    return steps.flatMap(i => this.work.steps[i]!.inputs)
  }

  private isConstant(tensor: string): boolean {
    return this.work.weights.has(tensor) || this.constants.has(this.producer.get(tensor) ?? -1)
  }

  private checkKnown(tensor: string): void {
    const { weights, inputs, deltas } = this.work
    if (weights.has(tensor) || inputs.has(tensor) || deltas.has(tensor) || this.producer.has(tensor)) return
    throw new InvalidInputError(`the tensor ${tensor} is used before it is made: the model's nodes are out of order. Export it again`)
  }

  private stagesOf(needed: ReadonlySet<number>): number[] {
    const stages: number[] = []
    const stageOf = (tensor: string): number => {
      const groups = this.work.deltas.get(tensor)
      // An answer is there one stage after the x that it answers.
      if (groups !== undefined) return 1 + Math.max(...groups.map(group => stageOf(this.work.x[group]!)))
      return Math.max(0, stages[this.producer.get(tensor) ?? -1] ?? 0)
    }
    this.work.steps.forEach(({ inputs }, i) => {
      stages.push(this.constants.has(i) || !needed.has(i) ? -1 : Math.max(0, ...inputs.map(stageOf)))
    })
    return stages
  }
}
