/** Texts from arguments, files and stdin, bounded. */
import type { Readable } from 'node:stream'
import { InvalidInputError, LimitExceededError } from '../errors.js'
import { readAtMost } from '../hub/index.js'
import { systemReason } from '../roles/system-error.js'
import { MOST_TEXT_BYTES } from './invocation.js'

/** @throws LimitExceededError above MOST_TEXT_BYTES. */
export async function readStdin(stdin: Readable): Promise<string> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of stdin) {
    const bytes = Buffer.from(part as Buffer)
    length += bytes.length
    if (length > MOST_TEXT_BYTES) throw new LimitExceededError('bytes of the text', length, MOST_TEXT_BYTES, 'from stdin')
    parts.push(bytes)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** The text of a file, or of stdin for `-`. */
export async function readText(file: string, stdin: Readable): Promise<string> {
  if (file === '-') return readStdin(stdin)
  try {
    return (await readAtMost(file, MOST_TEXT_BYTES, 'bytes of the text', `in one run; ${file} can be cut`)).toString('utf8')
  } catch (cause) {
    if (cause instanceof LimitExceededError) throw cause
    throw new InvalidInputError(`file ${file} cannot be read (${systemReason(cause)})`, { cause })
  }
}
