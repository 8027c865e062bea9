/** LoRA adapters: read as PEFT stores them, quantised to integers, applied exactly. */
export * from './budget.js'
export * from './delta.js'
export * from './exact.js'
export * from './groups.js'
export * from './peft.js'
export * from './quantize.js'
export * from './safetensors.js'
export type * from './types.js'
