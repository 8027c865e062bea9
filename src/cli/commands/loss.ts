/** `zklora loss`: what an adapter is worth on a text. */
import type { Command } from 'commander'
import { common, network, networkLayer } from '../options.js'
import type { Bind } from '../program.js'
import { renderLoss } from '../render/sessions.js'
import { document, lossResult } from '../shapes/index.js'
import { readText } from '../text.js'
import { use, useParams, type UseFlags } from './generate.js'

export function lossCommand(program: Command, bind: Bind): void {
  const command = program
    .command('loss')
    .summary('measure the loss of base and adapted model on a text')
    .description('The mean next-token cross entropy of a text, of the base model and with adapters at their contributors.')
    .argument('<file>', 'a text file; - reads stdin')
  bind(common(network(use(command)), ['zklora loss hamlet.txt --base models/novels --adapter shakespeare']), {
    action: async (invocation, flags: UseFlags, [file]) => {
      const config = await invocation.config(networkLayer(flags))
      const text = await readText(file!, invocation.io.stdin)
      const result = await invocation.run(config, 'loss', { ...useParams(config, flags), text })
      invocation.result(result, renderLoss(result, invocation.output.style))
      return result.sessions.some(({ state }) => state === 'failed' || state === 'broken') ? 1 : 0
    },
    json: document(lossResult),
    exits: { 1: 'an error, or a session that failed or broke off' }
  })
}
