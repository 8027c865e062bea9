/** `zklora adapter add | list | remove`. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { baseFolder } from '../../daemon/config.js'
import { common, terms, termsOf, type CommonFlags, type TermsFlags } from '../options.js'
import type { Bind } from '../program.js'
import { renderOwnAdapter, renderOwnAdapters } from '../render/adapters.js'
import { safe } from '../render/style.js'
import { document, ownAdapterInfo } from '../shapes/index.js'

interface AddFlags extends CommonFlags, TermsFlags {
  base: string
  name?: string
}

export function adapterCommands(program: Command, bind: Bind): void {
  const adapter = program
    .command('adapter')
    .summary('the adapters that this node serves')
    .description('Adds, lists and removes the adapters that this node serves.')
    .addHelpText('after', '\nExample:\n  $ zklora adapter list')

  const add = adapter
    .command('add')
    .summary('register a PEFT adapter')
    .description(
      'Reads a PEFT folder, quantises and commits the weights, proves that each lies in its range, and serves the adapter while a daemon with the role contributor runs.'
    )
    .argument('<folder>', 'the folder of the PEFT adapter')
    .requiredOption('--base <folder>', 'the folder of its base model, or a name from "models" of the config')
    .option('--name <name>', 'how others see it (default: the name of the folder)')
  bind(common(terms(add), ['zklora adapter add adapters/shakespeare --base models/novels --mode listed --allow 12D3… --limit-rows 100']), {
    action: async (invocation, flags: AddFlags, [folder]) => {
      const config = await invocation.config()
      const added = await invocation.run(config, 'adapter.add', {
        folder: resolve(folder!),
        base: baseFolder(config.settings, flags.base),
        ...(flags.name !== undefined && { name: flags.name }),
        ...termsOf(flags)
      })
      invocation.result(added, renderOwnAdapter(added, invocation.output.style))
      return 0
    },
    json: document(ownAdapterInfo)
  })

  const list = adapter
    .command('list')
    .summary('show them, with their extraction budgets')
    .description('Shows the adapters of this node and what those who are served can learn.')
  bind(common(list, ['zklora adapter list --json']), {
    action: async invocation => {
      const adapters = await invocation.run(await invocation.config(), 'adapter.list', {})
      invocation.result(adapters, renderOwnAdapters(adapters, invocation.output.style))
      return 0
    },
    json: document(ownAdapterInfo.array())
  })

  const remove = adapter
    .command('remove')
    .summary('serve one no more')
    .description('Serves an adapter no more. What was answered stays counted, should it be added again.')
    .argument('<adapter>', 'its identifier, the first 8 digits of it, or its name')
  bind(common(remove, ['zklora adapter remove shakespeare']), {
    action: async (invocation, _flags, [wanted]) => {
      const removed = await invocation.run(await invocation.config(), 'adapter.remove', { adapter: wanted! })
      invocation.result(removed, [`${safe(removed.name)} (${removed.id}) is served no more`])
      return 0
    },
    json: document(ownAdapterInfo)
  })
}
