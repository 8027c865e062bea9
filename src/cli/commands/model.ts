/** `zklora model inspect`. */
import type { Command } from 'commander'
import { baseFolder } from '../../daemon/config.js'
import { inspectBaseModel } from '../../roles/base-model.js'
import { common } from '../options.js'
import type { Bind } from '../program.js'
import { count, plural, safe, table } from '../render/style.js'
import { document, inspectedModel } from '../shapes/index.js'

export function modelCommands(program: Command, bind: Bind): void {
  const model = program
    .command('model')
    .summary('look into base models')
    .description('Looks into base models.')
    .addHelpText('after', '\nExample:\n  $ zklora model inspect models/novels')
  const inspect = model
    .command('inspect')
    .summary('list the modules that an adapter can target')
    .description('Lists the modules of a base model that a LoRA adapter can target, and what adapters call the model. It needs no daemon.')
    .argument('<folder>', 'the folder of the base model, or a name from "models" of the config')
  bind(common(inspect, ['zklora model inspect models/novels']), {
    action: async (invocation, _, [folder]) => {
      const config = await invocation.config()
      const inspected = inspectBaseModel(baseFolder(config.settings, folder!))
      const { id, name, modelType, contextLength, modules } = inspected
      const rows = modules.map(({ name: module, dIn, dOut, input }) => [safe(module), String(dIn), String(dOut), String(input)])
      invocation.result(inspected, [
        `${safe(name)} (${safe(modelType)}), context ${contextLength === null ? 'unknown' : plural(contextLength, 'token')}`,
        `base model identifier ${id}`,
        `${plural(modules.length, 'module')}, ${count(new Set(modules.map(({ input }) => input)).size)} inputs (modules with one number share it)`,
        ...table([['module', 'd_in', 'd_out', 'input'], ...rows], invocation.output.style)
      ])
      return 0
    },
    json: document(inspectedModel)
  })
}
