/** All mutations. */
import { ADAPTER } from './adapter.js'
import { BUNDLE } from './bundle.js'
import { ENCODINGS } from './encodings.js'
import { EVIDENCE } from './evidence.js'
import type { Mutation } from './mutation.js'
import { NETWORK } from './network.js'

export type { Mutation } from './mutation.js'

export const MUTATIONS: readonly Mutation[] = [...ENCODINGS, ...ADAPTER, ...BUNDLE, ...NETWORK, ...EVIDENCE]

/** The source without the check. @throws Error unless its text stands there exactly once */
export function mutated({ rule, file, text, replacement }: Mutation, source: string): string {
  const parts = source.split(text)
  if (parts.length !== 2) throw new Error(`${file} has the text of "${rule}" ${parts.length - 1} times instead of once: ${text}`)
  return parts.join(replacement)
}
