/** `zklora status`. */
import type { Command } from 'commander'
import { runCommand } from '../../daemon/open-node.js'
import { common } from '../options.js'
import type { Bind } from '../program.js'
import { renderStatus } from '../render/status.js'
import { document, statusReport } from '../shapes/index.js'

export function statusCommand(program: Command, bind: Bind): void {
  const command = program
    .command('status')
    .summary('peers, sessions, verdicts, adapters, sizes')
    .description('The state of the daemon; without one, what the data folder holds.')
  bind(common(command, ['zklora status --json']), {
    action: async invocation => {
      let runs = true
      const status = await runCommand(
        await invocation.config(),
        'status',
        {},
        {
          signal: invocation.signal,
          onEvent: () => {},
          onRoute: daemon => {
            runs = daemon !== null
            if (!runs) invocation.output.note('no daemon runs on this data folder (zklora start); this is what the folder holds')
          }
        }
      )
      invocation.result(status, renderStatus(status, invocation.output.style, { runs }))
      return 0
    },
    json: document(statusReport)
  })
}
