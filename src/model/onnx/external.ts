/** Weights in files beside the model (external data, ONNX's ExternalData.md). */
import { realpathSync, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { InvalidInputError } from '../../errors.js'
import type { FileRange } from './graph.js'

/**
 * Where the weight lies.
 * @param given.folder of the model; a location that leaves it is refused, as ONNX Runtime does. (Symbolic links in it are the
 *   hub cache's layout and are followed.)
 * @throws InvalidInputError for a location that may not be read, a missing file, a range beyond its end
 */
export function externalRange(given: { tensor: string; folder: string; entries: ReadonlyMap<string, string> }): FileRange {
  const { tensor, folder, entries } = given
  const location = entries.get('location') ?? ''
  if (location === '' || isAbsolute(location) || location.split(/[\\/]/).includes('..'))
    throw new InvalidInputError(`the weight ${tensor} lies at ${JSON.stringify(location)}; only files in the model's folder are read`)
  const { file, size } = locate(join(folder, location), tensor)
  const offset = numberIn(entries, 'offset', 0, tensor)
  const length = numberIn(entries, 'length', size - offset, tensor)
  if (offset + length > size)
    throw new InvalidInputError(
      `the weight ${tensor} ends at byte ${offset + length} of ${file}, which has ${size}. The file is cut off: download it again`
    )
  return { file, offset, length }
}

function locate(path: string, tensor: string): { file: string; size: number } {
  try {
    const file = realpathSync(path)
    return { file, size: statSync(file).size }
  } catch (cause) {
    throw new InvalidInputError(`the weight ${tensor} lies in ${path}, which is missing. Download it too: it belongs to the model`, {
      cause
    })
  }
}

function numberIn(entries: ReadonlyMap<string, string>, key: string, fallback: number, tensor: string): number {
  const text = entries.get(key)
  if (text === undefined) return fallback
  if (!/^\d{1,15}$/.test(text))
    throw new InvalidInputError(`the weight ${tensor} has the ${key} ${JSON.stringify(text)} in its external data`)
  return Number(text)
}
