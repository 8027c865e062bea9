/** Models, adapters and reference numbers for the tests of the base model. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { dequantize, groupModules, hidden, outputs, outputSum, quantizeAdapter, quantizeRows } from '../../src/lora/index.js'
import type { ModuleGroup, PeftModule, QuantizedAdapter } from '../../src/lora/index.js'
import { BaseModel } from '../../src/model/index.js'
import type { BaseModelOptions, DeltaProvider, Logits, Sequence, TargetGroup } from '../../src/model/index.js'
import { readAdapter } from '../lora/files.js'
import type { AdapterName } from '../lora/files.js'

export type BaseName = 'novels-gpt2' | 'novels-llama'

export const baseOf = (adapter: AdapterName): BaseName => (adapter.endsWith('gpt2') ? 'novels-gpt2' : 'novels-llama')
export const modelFolder = (base: BaseName): string => `config/demo/models/${base}`
export const exportFile = (name: string): string => resolve(`test/fixtures/exports/novels-llama/${name}/model.onnx`)

/** What a test opens it also closes, at the end of the process at the latest. */
export const openBase = (base: BaseName, options: BaseModelOptions = {}): Promise<BaseModel> => BaseModel.open(modelFolder(base), options)

export type PeftGroup = ModuleGroup<PeftModule>

export const groupsOf = (adapter: AdapterName): PeftGroup[] => groupModules(readAdapter(adapter).modules)

/** Deltas as PEFT computes them: scaling · (x Aᵀ) Bᵀ, here with sums in float64. */
export function floatDeltas(groups: readonly PeftGroup[]): DeltaProvider {
  return ({ group, positions, x }) => {
    const { dIn, modules } = groups[group]!
    const width = outputSum({ modules })
    const out = new Float32Array(positions.count * width)
    for (let t = 0; t < positions.count; t++) {
      let at = t * width
      for (const { a, b, rank, dOut, scaling } of modules) {
        const h = Array.from({ length: rank }, (_, k) => dot(x.subarray(t * dIn, (t + 1) * dIn), a.subarray(k * dIn, (k + 1) * dIn)))
        for (let j = 0; j < dOut; j++) out[at + j] = scaling * dot(h, b.subarray(j * rank, (j + 1) * rank))
        at += dOut
      }
    }
    return Promise.resolve(out)
  }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** Deltas as a contributor computes them: integer rows in, exact integers out. */
export function integerDeltas(adapter: QuantizedAdapter): DeltaProvider {
  return ({ group, x }) => {
    const { dIn, modules } = adapter.groups[group]!
    const rows = quantizeRows(x, dIn, adapter.activationBits)
    const h = hidden(adapter.groups[group]!, rows.x, rows.count)
    const y = outputs(adapter.groups[group]!, h, rows.count)
    return Promise.resolve(dequantize({ modules, y, rowScales: rows.scales }))
  }
}

export const quantized = (adapter: AdapterName): QuantizedAdapter => quantizeAdapter(readAdapter(adapter))

/** Groups of several adapters one after the other, and a provider that hands each request to its adapter's. */
export function together(parts: readonly { groups: readonly TargetGroup[]; deltas: DeltaProvider }[]): {
  groups: TargetGroup[]
  deltas: DeltaProvider
} {
  const owners = parts.flatMap(({ groups, deltas }) => groups.map((_, group) => ({ group, deltas })))
  return {
    groups: parts.flatMap(({ groups }) => [...groups]),
    deltas: (request, signal) => owners[request.group]!.deltas({ ...request, group: owners[request.group]!.group }, signal)
  }
}

/** Of one adapter's reference file. */
export interface ReferencePrompt {
  readonly input_ids: number[]
  readonly text: string
  readonly loss_base: number
  readonly loss_adapted: number
  readonly greedy_base: number[]
  readonly greedy_adapted: number[]
  readonly greedy_gap_base: number
  readonly greedy_gap_adapted: number
  readonly greedy_text_adapted: string
}

export const referenceOf = <T = { prompts: ReferencePrompt[] }>(name: string): T =>
  JSON.parse(readFileSync(`test/fixtures/reference/${name}.json`, 'utf8')) as T

/** Logits of all tokens, row-major. */
export async function logitsOf(sequence: Sequence, tokens: readonly number[]): Promise<Float32Array> {
  const parts: Logits[] = []
  await sequence.append(tokens, logits => parts.push(logits))
  const out = new Float32Array(parts.reduce((sum, { values }) => sum + values.length, 0))
  let at = 0
  for (const { values } of parts) {
    out.set(values, at)
    at += values.length
  }
  return out
}

/** NaN when there is one, so that no comparison lets it pass. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity
  let most = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= most)) most = difference
  }
  return most
}
