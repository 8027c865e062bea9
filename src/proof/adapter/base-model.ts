/** Base model identifier (protocols/adapter): what both sides need to agree on, whatever the export; says nothing about weights. */
import { concat, prefixed, u32, u64, utf8 } from '../../bytes.js'
import { hash } from '../../kernel/hash.js'
import { LABELS } from '../labels.js'
import type { BaseModelDescription } from '../types.js'

/** 32 bytes. */
export function baseModelId({ name, modelType, dimensions, tokens, merges }: BaseModelDescription): Uint8Array {
  const keys = dimensions.map(([key, value]) => concat([prefixed(utf8(key)), u64(value)]))
  return hash(LABELS.baseModel, utf8(name), utf8(modelType), concat([u32(keys.length), ...keys]), textList(tokens), textList(merges))
}

function textList(texts: readonly string[]): Uint8Array {
  return concat([u32(texts.length), ...texts.map(text => prefixed(utf8(text)))])
}
