/** Turns what zod finds into sentences: the wrong key, the nearest right one, the value expected. */
import { distance } from 'fastest-levenshtein'
import { z } from 'zod'
import { InvalidInputError } from '../errors.js'

type Path = readonly PropertyKey[]

/** The part of a JSON Schema that is read here. */
interface SchemaNode {
  description?: string
  properties?: Record<string, SchemaNode>
  items?: SchemaNode
  additionalProperties?: SchemaNode | boolean
}

/** How a source writes a key: `network.privateAddresses`, `ZKLORA_NETWORK_PRIVATE_ADDRESSES`, `--private-addresses`. */
export interface Source {
  /** Begins the sentence: `in /home/a/zklora.json`. */
  place: string
  nameOf(path: Path): string
}

export function dotted(path: Path): string {
  let out = ''
  for (const part of path) out += typeof part === 'number' ? `[${part}]` : `${out === '' ? '' : '.'}${String(part)}`
  return out
}

/** The candidate that is nearest in spelling, if it is near at all: at most a third of its letters differ. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Infinity
  for (const candidate of candidates) {
    const d = distance(word.toLowerCase(), candidate.toLowerCase())
    if (d < least && d <= Math.max(1, Math.ceil(candidate.length / 3))) {
      best = candidate
      least = d
    }
  }
  return best
}

/** The schema at a path, and the deepest description on the way to it. */
function lookUp(root: SchemaNode, path: Path): { node: SchemaNode | undefined; expected: string | undefined } {
  let node: SchemaNode | undefined = root
  let expected = root.description
  for (const part of path) {
    if (typeof part === 'number') node = node?.items
    else node = node?.properties?.[String(part)] ?? (typeof node?.additionalProperties === 'object' ? node.additionalProperties : undefined)
    expected = node?.description ?? expected
  }
  return { node, expected }
}

function valueAt(value: unknown, path: Path): unknown {
  for (const part of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part]
  return value
}

/** Long values are cut: the sentence names the value, it does not repeat a file. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function sentence(schema: SchemaNode, value: unknown, issue: z.core.$ZodIssue, source: Source): string {
  const { node, expected } = lookUp(schema, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(node?.properties ?? {})
    return issue.keys
      .map(key => {
        const near = nearest(key, known)
        const name = source.nameOf([...issue.path, key])
        const right = (name: string) => source.nameOf([...issue.path, name])
        return near === undefined
          ? `${name} is not known; known are ${known.map(right).join(', ')}`
          : `${name} is not known; did you mean ${right(near)}?`
      })
      .join('; ')
  }
  const name = source.nameOf(issue.path)
  return `${name === '' ? 'the whole' : name} is ${shown(valueAt(value, issue.path))}, expected is ${expected ?? issue.message}`
}

const jsonSchemas = new WeakMap<z.ZodType, SchemaNode>()

function jsonSchema(schema: z.ZodType): SchemaNode {
  let known = jsonSchemas.get(schema)
  if (known === undefined) {
    known = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode
    jsonSchemas.set(schema, known)
  }
  return known
}

/**
 * The value, checked.
 * @throws InvalidInputError that names every wrong key, the nearest right one and the value expected.
 */
export function check<T>(schema: z.ZodType<T>, value: unknown, source: Source): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const json = jsonSchema(schema)
  const sentences = parsed.error.issues.map(issue => sentence(json, value, issue, source))
  throw new InvalidInputError(`${source.place}: ${sentences.join('; ')}`)
}

/** A key with a value of its own: what the environment can set. */
export interface Leaf {
  readonly path: readonly string[]
  readonly kind: 'list' | 'json'
  /** The value expected, in words. */
  readonly expected: string
}

export function leaves(schema: z.ZodType): Leaf[] {
  const found: Leaf[] = []
  const visit = (node: SchemaNode & { type?: string }, path: string[]): void => {
    if (node.properties !== undefined) {
      for (const [key, child] of Object.entries(node.properties)) visit(child, [...path, key])
      return
    }
    const items = node.items as (SchemaNode & { type?: string }) | undefined
    found.push({ path, kind: items?.type === 'string' ? 'list' : 'json', expected: node.description ?? '' })
  }
  visit(jsonSchema(schema), [])
  return found
}
