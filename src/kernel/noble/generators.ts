/** The generators of protocols/notation, made once for the process. */
import { u32, utf8 } from '../../bytes.js'
import { hashWide } from '../hash.js'
import { mapToElement, type Element } from './curve.js'
import type { GeneratorFamily } from '../types.js'

const LABEL = 'zklora/v1/generator'

/** By family, then by index. An adapter at the format's limits has 32,768 + 65,536 + 65,536 of them: about 100 MiB. */
const made = new Map<string, Map<number, Element>>()

export function generator(family: GeneratorFamily, index: number): Element {
  let elements = made.get(family)
  if (elements === undefined) made.set(family, (elements = new Map()))
  let element = elements.get(index)
  if (element === undefined) {
    element = mapToElement(hashWide(LABEL, utf8(family), u32(index)))
    elements.set(index, element)
  }
  return element
}
