/** The base model identifier of a folder, and the name by which an adapter refers to its base model (protocols/adapter). */
import { fromHex, toHex } from '../bytes.js'
import { inspectModel, readBaseModelDescription } from '../model/index.js'
import type { InspectedModel } from '../model/index.js'
import { baseModelId } from '../proof/index.js'

export interface BaseModelName {
  readonly id: Uint8Array
  readonly name: string
}

/** `organisation/model`, as the hub has it. */
const HUB_NAME = /^[\w-][\w.-]*\/[\w.-]+$/

/** What PEFT wrote; of a path on the trainer's machine its last component. */
export function publicName(peftName: string): string {
  if (HUB_NAME.test(peftName)) return peftName
  const parts = peftName.split(/[\\/]/).filter(part => part !== '')
  return parts.at(-1) ?? peftName
}

/**
 * @param name as the adapter has it; absent: as the folder says
 * @throws InvalidInputError for a folder that holds no model in Hugging Face layout
 */
export function readBaseModel(folder: string, name?: string): BaseModelName {
  const description = readBaseModelDescription(folder, name)
  return { id: baseModelId(description), name: description.name }
}

/** As inspectModel, with the base model identifier in hex in place of what it is made from. */
export function inspectBaseModel(folder: string, name?: string): Omit<InspectedModel, 'description'> & { readonly id: string } {
  const { description, ...inspected } = inspectModel(folder, name)
  return { id: toHex(baseModelId(description)), ...inspected }
}

/** A base model's identifier. */
export const IDENTIFIER = /^[0-9a-f]{64}$/

/** @param base a folder, or an identifier of 64 hexadecimal digits @throws as `readBaseModel` */
export function baseId(base: string): Uint8Array {
  return IDENTIFIER.test(base) ? fromHex(base) : readBaseModel(base).id
}
