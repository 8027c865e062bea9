/** Adapter files for the tests: the reference adapters, and small ones made to order. */
import { readFileSync } from 'node:fs'
import { concat, u64, utf8 } from '../../src/bytes.js'
import type { PeftAdapter } from '../../src/lora/index.js'
import { readPeftAdapter, readSafetensors } from '../../src/lora/index.js'
import type { Tensor } from '../../src/lora/index.js'

export const ADAPTERS = ['shakespeare-gpt2', 'kjv-gpt2', 'shakespeare-llama', 'kjv-llama'] as const
export type AdapterName = (typeof ADAPTERS)[number]

export function adapterFiles(name: AdapterName): { config: string; weights: Uint8Array } {
  const folder = `config/demo/adapters/${name}`
  return { config: readFileSync(`${folder}/adapter_config.json`, 'utf8'), weights: readFileSync(`${folder}/adapter_model.safetensors`) }
}

export function readAdapter(name: AdapterName): PeftAdapter {
  return readPeftAdapter(adapterFiles(name))
}

/** `<module>.x`, `<module>.delta` and logits as PyTorch and PEFT computed them in float32. */
export function readReference(name: AdapterName): Map<string, Tensor> {
  return readSafetensors(readFileSync(`test/fixtures/reference/${name}.safetensors`))
}

export interface TensorSource {
  readonly name: string
  readonly shape: readonly number[]
  /** F32 unless told otherwise. */
  readonly dtype?: string
  /** Row-major float32, or bytes as they are to stand in the file. */
  readonly data: readonly number[] | Uint8Array
}

/** A safetensors file; `header` may change the entries before they are written. */
export function safetensorsFile(
  tensors: readonly TensorSource[],
  header: (entries: Record<string, unknown>) => unknown = entries => entries
): Uint8Array {
  const entries: Record<string, unknown> = {}
  const parts: Uint8Array[] = []
  let at = 0
  for (const { name, shape, dtype = 'F32', data } of tensors) {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(Float32Array.from(data).buffer)
    entries[name] = { dtype, shape, data_offsets: [at, at + bytes.length] }
    parts.push(bytes)
    at += bytes.length
  }
  const text = utf8(JSON.stringify(header(entries)))
  return concat([u64(text.length), text, ...parts])
}

/** adapter_config.json as PEFT writes it, with changes. */
export function configText(changes: Record<string, unknown> = {}): string {
  const config = JSON.parse(adapterFiles('shakespeare-llama').config) as Record<string, unknown>
  return JSON.stringify({ ...config, r: 2, lora_alpha: 4, target_modules: ['q_proj', 'v_proj'], ...changes })
}

export interface ModuleSource {
  readonly name: string
  readonly rank: number
  readonly dIn: number
  readonly dOut: number
}

/** lora_A and lora_B of a module, with small weights that differ from entry to entry. */
export function moduleTensors({ name, rank, dIn, dOut }: ModuleSource): TensorSource[] {
  const weights = (count: number, from: number) => Array.from({ length: count }, (_, i) => Math.sin(from + i) / 8)
  return [
    { name: `base_model.model.${name}.lora_A.weight`, shape: [rank, dIn], data: weights(rank * dIn, 1) },
    { name: `base_model.model.${name}.lora_B.weight`, shape: [dOut, rank], data: weights(dOut * rank, 100) }
  ]
}

/** Two modules that configText's targets fit. */
export const QV: readonly TensorSource[] = ['q_proj', 'v_proj'].flatMap(last =>
  moduleTensors({ name: `model.layers.0.self_attn.${last}`, rank: 2, dIn: 3, dOut: 4 })
)
