/** Reading files of a folder within bounds, with errors that say what is missing and what to do. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidInputError, LimitExceededError } from '../errors.js'

export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

/** @throws InvalidInputError when it is not there or cannot be read, LimitExceededError when it is larger than `most` bytes */
export function readBounded(folder: string, name: string, most: number): Uint8Array {
  const path = join(folder, name)
  if (!exists(path)) throw new InvalidInputError(`${folder} has no ${name}`)
  const { size } = statSync(path)
  if (size > most) throw new LimitExceededError(`bytes of ${path}`, size, most, 'of such a file')
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new InvalidInputError(`${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>

/** @throws as readBounded, and InvalidInputError for a file that holds no JSON object */
export function readJson(folder: string, name: string, most: number): Json {
  const bytes = readBounded(folder, name, most)
  const value = parse(new TextDecoder().decode(bytes), join(folder, name))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidInputError(`${join(folder, name)} holds no JSON object. Download it again`)
  return value as Json
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InvalidInputError(`${path} is not JSON: ${(cause as Error).message}. Download it again`, { cause })
  }
}
