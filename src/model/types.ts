/** What the base model is asked for: where deltas go, and who makes them. */

/** Modules that share one input tensor and are answered together: a group of an adapter's manifest. */
export interface TargetGroup {
  readonly dIn: number
  readonly modules: readonly {
    /** PyTorch path as PEFT has it, e.g. `model.layers.0.self_attn.q_proj`. */
    readonly name: string
    readonly dOut: number
  }[]
}

/** `add_delta`: Y + Σ delta. `replace`: Σ delta. Sums over the groups (contributors) that answer for a module. */
export type CombineMode = 'add_delta' | 'replace'

export interface DeltaRequest {
  /** Index into the groups that the model was opened with. */
  readonly group: number
  /** Positions in the text of the rows, without gaps. */
  readonly positions: { readonly first: number; readonly count: number }
  /** What enters the group's modules: count × dIn, row-major. Shared between groups with one input: not to be changed. */
  readonly x: Float32Array
}

/**
 * Answers for one group: count × Σ dOut, row-major, the group's modules in order (as `dequantize` of the lora room gives it), or
 * null: nobody answers, the modules stay as the base model has them. Groups of one stage are asked at the same time.
 */
export type DeltaProvider = (request: DeltaRequest, signal: AbortSignal) => Promise<Float32Array | null>
