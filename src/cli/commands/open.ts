/** `zklora open`: one row of an own session, for whoever is to see it. */
import type { Command } from 'commander'
import { common, wholeNumber, type CommonFlags } from '../options.js'
import type { Bind } from '../program.js'
import { bytes, safe } from '../render/style.js'
import { saved } from '../save.js'
import { document, openedFile } from '../shapes/index.js'

interface OpenFlags extends CommonFlags {
  row: number
  force?: boolean
}

/** Digits of the root in a file's name. */
const DIGITS = 12

export function openCommand(program: Command, bind: Bind): void {
  const command = program
    .command('open')
    .summary('show one row of an own session to somebody')
    .description(
      'Writes a row file: one row of a session of this user with the proof of the session. Whoever has it can verify it (zklora verify), and sees that row: its activations, from which text may be inferred, and one row of x·A·B. Only rows of sessions that ran with --keep-rows can be opened.'
    )
    .argument('<root>', 'the session root, a bundle digest or the session identifier (at least 8 digits)')
    .argument('[file]', 'where to (default: ROOT-row-N.zkproof)')
    .requiredOption('--row <n>', 'the number of the row in the session, from 0', wholeNumber(0, 0xffff_ffff))
    .option('--force', 'overwrite the file')
  bind(common(command, ['zklora open b3f1c09a77e2 --row 3 row.zkproof']), {
    action: async (invocation, flags: OpenFlags, [id, file]) => {
      const name = file ?? `${id!.toLowerCase().slice(0, DIGITS)}-row-${flags.row}.zkproof`
      const params = { id: id!.toLowerCase(), row: flags.row }
      const result = await saved(invocation, { command: 'open', params, file: name, force: flags.force })
      invocation.result(result, [
        `${safe(result.file)}: ${bytes(result.bytes)}, row ${flags.row} and the proof of its session; zklora verify ${safe(name)} checks it`,
        'whoever has this file sees the row: give it only to whom it is meant for'
      ])
      return 0
    },
    json: document(openedFile)
  })
}
