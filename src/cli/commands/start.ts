/** `zklora start`: the daemon, in the foreground until Ctrl-C. */
import type { Command } from 'commander'
import { baseFolder, type Config } from '../../daemon/config.js'
import { startDaemon, type DaemonEvent } from '../../daemon/daemon.js'
import type { AdapterSettings, SettingsLayer } from '../../daemon/settings.js'
import { resolve } from 'node:path'
import { InvalidInputError } from '../../errors.js'
import type { Role } from '../../roles/types.js'
import type { Invocation } from '../invocation.js'
import {
  collect,
  common,
  network,
  networkLayer,
  terms,
  termsOf,
  wholeNumber,
  type CommonFlags,
  type NetworkFlags,
  type TermsFlags
} from '../options.js'
import type { Bind } from '../program.js'
import { renderEvent, renderProgress, renderReady } from '../render/status.js'
import { lines } from '../shapes/index.js'

interface StartFlags extends CommonFlags, NetworkFlags, TermsFlags {
  role?: Role[]
  listen?: string[]
  announce?: string[]
  adapter?: string[]
  base?: string[]
  name?: string[]
  http?: boolean
  httpHost?: string
  httpPort?: number
  httpTokenFile?: string
}

/** `--adapter A --base M --adapter B --base N`, or one --base for all; names likewise, one for each or none. */
function adaptersOf(config: Config, { adapter = [], base = [], name = [], ...flags }: StartFlags): AdapterSettings[] {
  if (adapter.length === 0 && base.length === 0 && name.length === 0) return []
  if (base.length !== 1 && base.length !== adapter.length) {
    throw new InvalidInputError(
      `${adapter.length} times --adapter and ${base.length} times --base: give one --base for all, or one for each --adapter`
    )
  }
  if (name.length !== 0 && name.length !== adapter.length) {
    throw new InvalidInputError(
      `${adapter.length} times --adapter and ${name.length} times --name: give one --name for each --adapter, or none`
    )
  }
  return adapter.map((folder, index) => ({
    folder: resolve(folder),
    base: baseFolder(config.settings, base[index] ?? base[0]!),
    ...(name[index] !== undefined && { name: name[index] }),
    ...termsOf(flags)
  }))
}

/** Settings of the flags; the roles are checked with all others. */
function layerOf(flags: StartFlags): SettingsLayer {
  const { role, listen, announce, http: enabled, httpHost: host, httpPort: port, httpTokenFile: tokenFile } = flags
  const http = {
    ...(enabled && { enabled }),
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(tokenFile !== undefined && { tokenFile })
  }
  return {
    ...networkLayer(flags),
    ...(role && { roles: role }),
    ...(listen && { listen }),
    ...(announce && { announce }),
    ...(Object.keys(http).length > 0 && { http })
  }
}

function show(invocation: Invocation<never>, event: DaemonEvent): void {
  const { output } = invocation
  if (event.type === 'bytes') return
  invocation.event(event)
  if (event.type === 'ready') output.lines(renderReady(event, output.style))
  const bar = renderProgress(event)
  if (bar !== null && event.type !== 'adapter') return
  const line = event.type === 'ready' ? null : renderEvent(event, output.noteStyle)
  if (line !== null && !output.json) output.note(line)
  else if (bar !== null) output.progress(bar)
}

async function start(invocation: Invocation<never>, flags: StartFlags): Promise<0> {
  const { signal } = invocation
  const layer = layerOf(flags)
  const loaded = await invocation.config(layer)
  const own = adaptersOf(loaded, flags)
  const config = own.length === 0 ? loaded : await invocation.config({ ...layer, adapters: own })
  const daemon = await startDaemon({ config, signal, onEvent: event => show(invocation, event) })
  const interrupted = new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  try {
    await Promise.race([interrupted, daemon.failed])
  } finally {
    await daemon.stop()
  }
  return 0
}

export function startCommand(program: Command, bind: Bind): void {
  const command = program
    .command('start')
    .summary('run a node: contributor, user, verifier, bootstrap')
    .description('Runs a node until Ctrl-C, with the roles of the config file or of the flags.')
    .option('--role <role>', 'contributor, user, verifier or bootstrap (repeatable; default user and verifier)', collect)
    .option('--adapter <folder>', 'a PEFT adapter to serve (repeatable)', collect)
    .option('--base <folder>', 'the base model of the adapters: one for all, or one for each', collect)
    .option('--name <name>', 'a name for each adapter', collect)
    .option('--listen <multiaddr>', 'where to listen (repeatable; default /ip4/0.0.0.0/tcp/0)', collect)
    .option('--announce <multiaddr>', 'what to tell others instead (repeatable)', collect)
    .option('--http', 'answer HTTP: /metrics, /healthz, /readyz (default: off)')
    .option('--http-host <host>', 'where it listens (default 127.0.0.1; one that others reach needs a token)')
    .option('--http-port <port>', 'its port, 0 for a free one (default 4080)', wholeNumber(0, 65_535))
    .option('--http-token-file <file>', 'a file with the token that requests have to bring (or ZKLORA_HTTP_TOKEN)')
  common(terms(network(command)), [
    'zklora start --role bootstrap --listen /ip4/0.0.0.0/tcp/4001',
    'zklora start --role contributor --adapter adapters/shakespeare --base models/novels --bootstrap /ip4/192.0.2.7/tcp/4001/p2p/12D3…'
  ])
  bind(command, {
    action: start,
    json: lines(['identity', 'socket', 'adapter', 'registered', 'ready', 'session', 'commitments', 'verdict', 'stopped']),
    exits: { 0: 'interrupted by Ctrl-C, and closed', 130: 'interrupted before it was ready' }
  })
}
