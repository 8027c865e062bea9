/** Topics and message identifiers of gossip (protocols/announce). */
import { utf8 } from '../../bytes.js'
import { hash } from '../../kernel/hash.js'

/** Sixteen: a topic for each model would be easy to eclipse and hard to find. */
export const TOPICS: readonly string[] = Array.from({ length: 16 }, (_, number) => `/zklora/announce/1/${number.toString(16)}`)

/** The first four bits of the base model identifier. */
export function topicNumber(base: Uint8Array): number {
  return base[0]! >>> 4
}

export function topicOf(base: Uint8Array): string {
  return TOPICS[topicNumber(base)]!
}

/** Over topic and data: over the data alone, whoever sends it first on another topic would keep it out of its own. */
export function gossipMessageId(topic: string, data: Uint8Array): Uint8Array {
  return hash('zklora/v1/gossip', utf8(topic), data)
}
