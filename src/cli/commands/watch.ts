/** `zklora watch`: announcements as they come, fetched and verified. */
import type { Command } from 'commander'
import type { Invocation } from '../invocation.js'
import { common, network, networkLayer, type CommonFlags, type NetworkFlags } from '../options.js'
import type { Bind } from '../program.js'
import { renderVerdict } from '../render/sessions.js'
import { lines } from '../shapes/index.js'

interface WatchFlags extends CommonFlags, NetworkFlags {
  kept?: boolean
}

async function watch(invocation: Invocation<never>, flags: WatchFlags): Promise<0> {
  const { output } = invocation
  const config = await invocation.config(networkLayer(flags))
  const show: Parameters<Invocation['run']>[3] = event => {
    if (event.type !== 'verdict') return
    invocation.event(event)
    output.lines([renderVerdict(event.verdict, output.style)])
  }
  output.note('watching announcements; Ctrl-C ends it')
  try {
    await invocation.run(config, 'watch', { kept: flags.kept === true }, show)
  } catch (error) {
    if (!invocation.signal.aborted) throw error
  }
  return 0
}

export function watchCommand(program: Command, bind: Bind): void {
  const command = program
    .command('watch')
    .summary('follow announcements and verify their bundles')
    .description('Shows announcements as they come; their bundles are fetched and verified. Ends with Ctrl-C.')
    .option('--kept', 'show what was judged before, too')
  bind(common(network(command), ['zklora watch', 'zklora watch --kept --json']), {
    action: watch,
    json: lines(['verdict']),
    exits: { 0: 'interrupted by Ctrl-C' }
  })
}
