/** `zklora export`: a proof file for `verify` anywhere. */
import { rename, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { InvalidInputError, MalformedMessageError } from '../../errors.js'
import { systemReason } from '../../roles/system-error.js'
import { common, type CommonFlags } from '../options.js'
import type { Bind } from '../program.js'
import { bytes } from '../render/style.js'
import { document, exported } from '../shapes/index.js'

interface ExportFlags extends CommonFlags {
  force?: boolean
}

/** Beside and renamed: a file of that name is a whole proof file. */
export async function save(path: string, content: Buffer): Promise<void> {
  const draft = `${path}.${process.pid}.part`
  try {
    await writeFile(draft, content, { flag: 'wx' })
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
    throw new InvalidInputError(`file ${path} cannot be written (${systemReason(cause)})`, { cause })
  }
}

export function exportCommand(program: Command, bind: Bind): void {
  const command = program
    .command('export')
    .summary('write the proof of a session to a file')
    .description('Writes a proof file: the manifest and all bundles of a session. Whoever has it can verify it, with nothing else.')
    .argument('<root>', 'the session root, a bundle digest or the session identifier (at least 8 digits)')
    .argument('<file>', 'where to; the usual ending is .zkproof')
    .option('--force', 'overwrite the file')
  bind(common(command, ['zklora export b3f1c09a77e2 session.zkproof']), {
    action: async (invocation, flags: ExportFlags, [id, file]) => {
      const path = resolve(file!)
      if (flags.force !== true && existsSync(path)) throw new InvalidInputError(`file ${path} is there already: --force overwrites it`)
      const pieces: Buffer[] = []
      const result = await invocation.run(await invocation.config(), 'export', { id: id!.toLowerCase() }, event => {
        if (event.type === 'bytes') pieces.push(Buffer.from(event.base64, 'base64'))
      })
      const content = Buffer.concat(pieces)
      if (content.length !== result.bytes)
        throw new MalformedMessageError(`${content.length} of ${result.bytes} bytes of the proof file came`)
      await save(path, content)
      invocation.result({ ...result, file: path }, [
        `${path}: ${bytes(content.length)}, manifest and bundles; zklora verify ${file!} checks it`
      ])
      return 0
    },
    json: document(exported)
  })
}
