/** The schemas of `protocols/`, read for what a generator needs: fields with number, type and the numbers that their comments name. */
import { readFileSync } from 'node:fs'

export type Scalar = 'bytes' | 'uint32' | 'uint64' | 'bool' | 'string'

export interface Field {
  readonly name: string
  readonly number: number
  /** A scalar, or the name of a message. */
  readonly type: string
  readonly repeated: boolean
  /** Numbers in its comment, such as lengths and limits. */
  readonly hints: readonly number[]
  readonly comment: string
}

export interface MessageType {
  readonly name: string
  readonly fields: readonly Field[]
  /** Names of the fields of which at most one is set. */
  readonly oneof: readonly string[]
}

export type Schema = ReadonlyMap<string, MessageType>

const FIELD = /^(repeated\s+)?(\w+)\s+(\w+)\s*=\s*(\d+)\s*(?:\[[^\]]*\])?;\s*(?:\/\/(.*))?$/

/** @param path of a .proto file, with what proto3 has and this project uses: messages, scalars, repeated, one oneof each */
export function readSchema(path: string): Schema {
  const types = new Map<string, MessageType>()
  let current: { name: string; fields: Field[]; oneof: string[] } | undefined
  let inOneof = false
  for (const raw of readFileSync(path, 'utf8').split('\n')) {
    const line = raw.trim()
    const opened = /^message\s+(\w+)\s*\{$/.exec(line)
    if (opened !== null) {
      current = { name: opened[1]!, fields: [], oneof: [] }
      types.set(current.name, current)
    } else if (/^oneof\s/.test(line)) inOneof = true
    else if (line === '}') {
      if (inOneof) inOneof = false
      else current = undefined
    } else if (current !== undefined && line !== '' && !line.startsWith('//')) {
      const parts = FIELD.exec(line)
      if (parts === null) throw new Error(`${path}: this line of the schema is not understood: ${line}`)
      const [, repeated, type, name, number, comment = ''] = parts
      const hints = [...comment.matchAll(/\b\d+\b/g)].map(Number)
      current.fields.push({ name: name!, number: Number(number), type: type!, repeated: repeated !== undefined, hints, comment })
      if (inOneof) current.oneof.push(name!)
    }
  }
  return types
}
