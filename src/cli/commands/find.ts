/** `zklora find`: who serves adapters, by the DHT. */
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { baseFolder } from '../../daemon/config.js'
import { InvalidInputError } from '../../errors.js'
import { common, network, networkLayer, type CommonFlags, type NetworkFlags } from '../options.js'
import type { Bind } from '../program.js'
import { renderFound } from '../render/adapters.js'
import { document, findResult } from '../shapes/index.js'

interface FindFlags extends CommonFlags, NetworkFlags {
  base?: string
  adapter?: string
}

export function findCommand(program: Command, bind: Bind): void {
  const command = program
    .command('find')
    .summary('look for contributors in the DHT')
    .description('Asks the DHT who serves adapters for a base model, or one adapter, and asks those peers.')
    .option('--base <folder>', 'a base model: its folder, a name from "models" of the config, or its identifier')
    .option('--adapter <id>', 'an adapter: its identifier (or its first 8 digits) or name')
  bind(common(network(command), ['zklora find --base models/novels', 'zklora find --adapter 3fa4c210…']), {
    action: async (invocation, flags: FindFlags) => {
      if (flags.base === undefined && flags.adapter === undefined)
        throw new InvalidInputError('find needs --base or --adapter: what to look for')
      const config = await invocation.config(networkLayer(flags))
      const folder = flags.base === undefined ? undefined : baseFolder(config.settings, flags.base)
      const result = await invocation.run(config, 'find', {
        ...(flags.base !== undefined && { base: existsSync(folder!) ? folder! : flags.base }),
        ...(flags.adapter !== undefined && { adapter: flags.adapter })
      })
      invocation.result(result, renderFound(result, invocation.output.style))
      return 0
    },
    json: document(findResult)
  })
}
