/** `zklora export`: a proof file for `verify` anywhere. */
import type { Command } from 'commander'
import { common, type CommonFlags } from '../options.js'
import type { Bind } from '../program.js'
import { bytes } from '../render/style.js'
import { saved } from '../save.js'
import { document, exported } from '../shapes/index.js'

interface ExportFlags extends CommonFlags {
  force?: boolean
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
    action: async (invocation, { force }: ExportFlags, [id, file]) => {
      const result = await saved(invocation, { command: 'export', params: { id: id!.toLowerCase() }, file: file!, force })
      invocation.result(result, [`${result.file}: ${bytes(result.bytes)}, manifest and bundles; zklora verify ${file!} checks it`])
      return 0
    },
    json: document(exported)
  })
}
