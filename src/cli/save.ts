/** Files that a command is told to write: whole, or not there. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CommandParams, CommandResult } from '../daemon/commands.js'
import { InvalidInputError, MalformedMessageError } from '../errors.js'
import { systemReason } from '../roles/system-error.js'
import type { Invocation } from './invocation.js'

/** Beside and renamed: a file of that name is a whole one. */
async function save(path: string, content: Buffer): Promise<void> {
  const draft = `${path}.${process.pid}.part`
  try {
    await writeFile(draft, content, { flag: 'wx' })
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
    throw new InvalidInputError(`file ${path} cannot be written (${systemReason(cause)})`, { cause })
  }
}

/** Commands that give a file's bytes. */
type Giving = 'export' | 'evidence.export' | 'open'

/** Runs one, and writes the file. @throws InvalidInputError for a file that is there */
export async function saved<N extends Giving>(
  invocation: Pick<Invocation, 'run' | 'config'>,
  { command, params, file, force }: { command: N; params: CommandParams<N>; file: string; force: boolean | undefined }
): Promise<CommandResult<N> & { file: string }> {
  const path = resolve(file)
  if (force !== true && existsSync(path)) throw new InvalidInputError(`file ${path} is there already: --force overwrites it`)
  const pieces: Buffer[] = []
  const result = await invocation.run(await invocation.config(), command, params, event => {
    if (event.type === 'bytes') pieces.push(Buffer.from(event.base64, 'base64'))
  })
  const content = Buffer.concat(pieces)
  if (content.length !== result.bytes) throw new MalformedMessageError(`${content.length} of ${result.bytes} bytes of the file came`)
  await save(path, content)
  return { ...result, file: path }
}
