/** `zklora peers`: who is connected, and how reached. */
import type { Command } from 'commander'
import { common } from '../options.js'
import type { Bind } from '../program.js'
import { plural, safe, table } from '../render/style.js'
import { document, peers as shape } from '../shapes/index.js'

export function peersCommand(program: Command, bind: Bind): void {
  const command = program
    .command('peers')
    .summary('who is connected, and how reached')
    .description('The peers that the daemon is connected to. Without a daemon there are none.')
  bind(common(command, ['zklora peers', 'zklora peers --json']), {
    action: async invocation => {
      const { peers, roles: own } = await invocation.run(await invocation.config(), 'status', {})
      const rows = peers.map(({ peer, direction, roles, multiaddrs }) => [
        peer,
        direction,
        roles.join(', ') || 'unknown',
        safe(multiaddrs[0] ?? 'unknown')
      ])
      const lines =
        peers.length === 0
          ? // A node that is opened for one command has no role.
            [`no peer is connected${own.length === 0 ? ' (zklora start runs the daemon)' : ''}`]
          : [plural(peers.length, 'peer'), ...table([['peer', 'direction', 'roles', 'reached at'], ...rows], invocation.output.style)]
      invocation.result(peers, lines)
      return 0
    },
    json: document(shape)
  })
}
