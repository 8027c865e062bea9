/** `zklora evidence list | export | add`. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { common, type CommonFlags } from '../options.js'
import type { Bind } from '../program.js'
import { renderEvidence } from '../render/evidence.js'
import { bytes } from '../render/style.js'
import { saved } from '../save.js'
import { document, evidenceInfo, exported } from '../shapes/index.js'

interface ExportFlags extends CommonFlags {
  force?: boolean
}

export function evidenceCommands(program: Command, bind: Bind): void {
  const evidence = program
    .command('evidence')
    .summary('what shows that contributors broke their word')
    .description(
      'Contradictions that a contributor signed, and announced bundles that do not hold. Anybody can check them; such a contributor is not chosen without --force.'
    )
    .addHelpText('after', '\nExample:\n  $ zklora evidence list')

  const list = evidence
    .command('list')
    .summary('show what is kept here')
    .description('Shows the evidence that this node keeps: whom it convicts, and of what.')
  bind(common(list, ['zklora evidence list']), {
    action: async invocation => {
      const kept = await invocation.run(await invocation.config(), 'evidence.list', {})
      const { style } = invocation.output
      invocation.result(kept, kept.length === 0 ? ['no evidence against anybody'] : kept.flatMap(each => renderEvidence(each, style)))
      return 0
    },
    json: document(evidenceInfo.array())
  })

  const write = evidence
    .command('export')
    .summary('write one to a file')
    .description('Writes evidence to a file, which others add to theirs.')
    .argument('<id>', 'its identifier (at least 8 digits)')
    .argument('<file>', 'where to; the usual ending is .zkevidence')
    .option('--force', 'overwrite the file')
  bind(common(write, ['zklora evidence export 7d2f91ab44c0 cheat.zkevidence']), {
    action: async (invocation, { force }: ExportFlags, [id, file]) => {
      const result = await saved(invocation, { command: 'evidence.export', params: { id: id!.toLowerCase() }, file: file!, force })
      invocation.result(result, [`${result.file}: ${bytes(result.bytes)}; zklora evidence add ${file!} takes it over`])
      return 0
    },
    json: document(exported)
  })

  const add = evidence
    .command('add')
    .summary('check a file of evidence, and keep it')
    .description('Checks evidence from its own bytes, and keeps it. Exit status 1: it shows nothing.')
    .argument('<file>', 'a file that zklora evidence export wrote')
  bind(common(add, ['zklora evidence add received.zkevidence']), {
    action: async (invocation, _flags: CommonFlags, [file]) => {
      const kept = await invocation.run(await invocation.config(), 'evidence.add', { file: resolve(file!) })
      invocation.result(kept, renderEvidence(kept, invocation.output.style))
      return 0
    },
    json: document(evidenceInfo),
    exits: { 1: 'an error, or it shows nothing' }
  })
}
