/** Settings from the environment: `network.privateAddresses` is ZKLORA_NETWORK_PRIVATE_ADDRESSES. */
import { InvalidInputError } from '../errors.js'
import { check, leaves, nearest } from './explain.js'
import { settingsSchema, type SettingsLayer } from './settings.js'

const PREFIX = 'ZKLORA_'
/** The secret of the HTTP server: a setting of nobody, so that it is never shown. */
export const TOKEN_VARIABLE = 'ZKLORA_HTTP_TOKEN'
/** Read elsewhere: where the data folder and the config file are, and whether stacks are shown. */
const RESERVED = ['ZKLORA_DATA_DIR', 'ZKLORA_CONFIG', 'ZKLORA_DEBUG', TOKEN_VARIABLE]

export function variableOf(path: readonly PropertyKey[]): string {
  const words = path.filter(part => typeof part === 'string').map(part => part.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase())
  return PREFIX + words.join('_')
}

/** Lists of texts are written with commas; everything else as JSON (`true`, `8`, `null`, `{…}`). */
function read(name: string, text: string, kind: 'list' | 'json'): unknown {
  if (kind === 'list') return text === '' ? [] : text.split(',').map(item => item.trim())
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InvalidInputError(`environment: ${name} is ${JSON.stringify(text)}, expected is JSON such as true, 8 or {"a":"b"}`, { cause })
  }
}

/** @throws InvalidInputError for an unknown ZKLORA_ variable, with the nearest known one, or for a wrong value. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): SettingsLayer {
  const known = new Map(leaves(settingsSchema).map(leaf => [variableOf(leaf.path), leaf]))
  const layer: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined || RESERVED.includes(name)) continue
    const leaf = known.get(name)
    if (leaf === undefined) {
      const near = nearest(name, [...known.keys(), ...RESERVED])
      const hint = near === undefined ? `known are ${[...known.keys(), ...RESERVED].join(', ')}` : `did you mean ${near}?`
      throw new InvalidInputError(`environment: ${name} is not known; ${hint}`)
    }
    const [first, second] = leaf.path as [string, string | undefined]
    const value = read(name, text, leaf.kind)
    if (second === undefined) layer[first] = value
    else layer[first] = { ...(layer[first] as object | undefined), [second]: value }
  }
  return check(settingsSchema, layer, { place: 'environment', nameOf: variableOf })
}
