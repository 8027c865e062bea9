/** A zod schema as people read types: `{ rows: number, root: string | null }`, one field a line, with its description behind it. */
import { z } from 'zod'

interface Node {
  $ref?: string
  $defs?: Record<string, Node>
  id?: string
  description?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Node[]
  items?: Node
  properties?: Record<string, Node>
  required?: string[]
  additionalProperties?: Node | boolean
}

export interface Rendered {
  text: string
  /** Shapes with a name that it refers to, themselves rendered: name → [description, text]. */
  named: Map<string, readonly [string, string]>
}

function render(node: Node, indent: string): string {
  if (node.$ref !== undefined) return node.$ref.replace(/^.*\//, '')
  if (node.const !== undefined) return JSON.stringify(node.const)
  if (node.enum !== undefined) return node.enum.map(value => JSON.stringify(value)).join(' | ')
  if (node.anyOf !== undefined) return node.anyOf.map(each => render(each, indent)).join(' | ')
  if (node.type === 'array') {
    const items = render(node.items!, indent)
    return items.includes(' | ') && !items.startsWith('{') ? `(${items})[]` : `${items}[]`
  }
  if (node.type === 'object' && node.properties !== undefined) return fields(node, indent)
  if (node.type === 'object') return `{ [key: string]: ${render(node.additionalProperties as Node, indent)} }`
  if (node.type === undefined) throw new Error(`no type in ${JSON.stringify(node)}`)
  return [node.type]
    .flat()
    .map(type => (type === 'integer' ? 'number' : type))
    .join(' | ')
}

/** Columns of a line before an object is broken into one line for each field. */
const WIDTH = 100

function fields({ properties = {}, required = [] }: Node, indent: string): string {
  const inner = `${indent}  `
  const entries = Object.entries(properties).map(([name, node]) => ({
    text: `${name}${required.includes(name) ? '' : '?'}: ${render(node, inner)}`,
    description: node.description
  }))
  const line = `{ ${entries.map(({ text }) => text).join(', ')} }`
  if (entries.every(({ text, description }) => description === undefined && !text.includes('\n')) && indent.length + line.length <= WIDTH)
    return line
  const lines = entries.map(({ text, description }) => `${inner}${text}${description === undefined ? '' : ` // ${description}`}`)
  return `{\n${lines.join('\n')}\n${indent}}`
}

/** @throws Error for what has no JSON Schema */
export function renderShape(schema: z.ZodType): Rendered {
  const { $defs = {}, ...root } = z.toJSONSchema(schema, { io: 'output' }) as Node
  const named = new Map<string, readonly [string, string]>()
  for (const [name, node] of Object.entries($defs)) named.set(name, [node.description ?? '', render(node, '')])
  if (root.id !== undefined) {
    named.set(root.id, [root.description ?? '', render(root, '')])
    return { text: root.id, named }
  }
  return { text: render(root, ''), named }
}
