/** The stages of an adapter: as PEFT stores it, and as integers. */

/** One LoRA target module as PEFT stores it. */
export interface PeftModule {
  /** PyTorch path, e.g. `model.layers.0.self_attn.q_proj`, without PEFT's prefix. */
  readonly name: string
  readonly dIn: number
  readonly dOut: number
  readonly rank: number
  /** alpha / r, or alpha / sqrt(r) with `use_rslora`. */
  readonly scaling: number
  /** `lora_A.weight`: rank × dIn, row-major. */
  readonly a: Float32Array
  /** `lora_B.weight`: dOut × rank, row-major. */
  readonly b: Float32Array
}

export interface PeftAdapter {
  /** PEFT's `base_model_name_or_path`. */
  readonly baseModelName: string
  /** In manifest order (see groups.ts). */
  readonly modules: readonly PeftModule[]
}

/** One module as integers: `delta = scale · s_t · ((x A) B)`, where s_t is the row's scale. */
export interface QuantizedModule {
  readonly name: string
  readonly dOut: number
  readonly rank: number
  /** Columns of A one after the other: rank × dIn, integers of weightBits. */
  readonly a: Int16Array
  /** Rows of B one after the other: rank × dOut, integers of weightBits. */
  readonly b: Int16Array
  /** s_m: float64, secret towards everybody but the users served. */
  readonly scale: number
}

/** Modules that share one input tensor: one row x, one commitment, outputs one after the other. */
export interface QuantizedGroup {
  readonly dIn: number
  readonly modules: readonly QuantizedModule[]
}

export interface QuantizedAdapter {
  readonly baseModelName: string
  /** a: activations are integers with |x| ≤ 2^(a−1) − 1. */
  readonly activationBits: number
  /** b: weights are integers with |w| ≤ 2^(b−1) − 1. */
  readonly weightBits: number
  readonly groups: readonly QuantizedGroup[]
}

/** Quantised activation rows of one group. */
export interface QuantizedRows {
  /** count × dIn, row-major, integers of activationBits. */
  readonly x: Int16Array
  /** s_t of each row: count. */
  readonly scales: Float64Array
  readonly count: number
}
