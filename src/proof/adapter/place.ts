/** The modules of an adapter with their places in its manifest, and the blindings of their commitments. */
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedAdapter, QuantizedModule } from '../../lora/types.js'
import { blindingsOf } from './content.js'

export interface Placed {
  readonly module: QuantizedModule
  /** Over all groups. */
  readonly index: number
  /** Width of its group's input. */
  readonly dIn: number
  /** First index of its block of K. */
  readonly offset: number
}

export function place(adapter: QuantizedAdapter): Placed[] {
  const placed: Placed[] = []
  for (const { dIn, modules } of adapter.groups) {
    let offset = 0
    for (const module of modules) {
      placed.push({ module, index: placed.length, dIn, offset })
      offset += module.dOut
    }
  }
  return placed
}

/** One scalar for each column of A, and each row of B. */
export interface Blindings {
  readonly alpha: Uint8Array
  readonly beta: Uint8Array
}

export function drawBlindings(kernel: Kernel, keys: { secret: Uint8Array; content: Uint8Array }, placed: readonly Placed[]): Blindings[] {
  return placed.map(({ module, index }) => ({
    alpha: blindingsOf(kernel, keys, { matrix: 'A', module: index, rank: module.rank }),
    beta: blindingsOf(kernel, keys, { matrix: 'B', module: index, rank: module.rank })
  }))
}
