/** From settings to a running node, and a command on whichever node there is. */
import type { NodeOptions } from '../roles/options.js'
import type { Role, ZkloraNode } from '../roles/types.js'
import { commands, execute, type CommandName, type CommandOptions, type CommandParams, type CommandResult } from './commands.js'
import type { Config } from './config.js'
import { connectControl } from './control/client.js'
import { CancelledError } from './control/messages.js'
import { loadIdentity } from '../roles/identity.js'
import { keyFile, privateFolder, socketPath } from './paths.js'

/** How `createNode` is told what the settings say. */
export interface OpenOptions {
  roles: Role[]
  network: 'none' | 'dial' | 'listen'
  /** Where libp2p counts. */
  metrics?: NodeOptions['metrics']
}

export interface OpenedNode {
  node: ZkloraNode
  /** True: the identity was made just now. */
  identityMade: boolean
}

/** @throws InvalidInputError for a data folder, key file or store that cannot be used. */
export async function openNode({ dataDir, settings }: Config, { roles, network, metrics }: OpenOptions): Promise<OpenedNode> {
  await privateFolder(dataDir)
  const { key, made } = await loadIdentity(keyFile(dataDir))
  // Only here: `verify` of a file loads neither network nor models.
  const { createNode } = await import('../roles/node.js')
  const node = await createNode({
    dataDir,
    privateKey: key,
    roles,
    listen: network === 'listen' ? settings.listen : [],
    announce: network === 'listen' ? settings.announce : [],
    bootstrap: network === 'none' ? [] : settings.bootstrap,
    privateAddresses: settings.network.privateAddresses,
    advertiseUser: settings.network.advertiseUser,
    follow: settings.network.follow,
    limits: settings.limits,
    metrics
  })
  return { node, identityMade: made }
}

export interface RunOptions extends CommandOptions {
  /** Told before the command runs: the process of the daemon that runs it, or null for a node of its own. */
  onRoute?: ((daemon: number | null) => void) | undefined
}

/**
 * Runs a command on the daemon of the data folder when there is one, else on a node opened for it and stopped after it.
 * @throws what the command throws; over the socket it has the same name, code and sentence.
 */
export async function runCommand<N extends CommandName>(
  config: Config,
  name: N,
  params: CommandParams<N>,
  options: RunOptions
): Promise<CommandResult<N>> {
  const daemon = await connectControl(socketPath(config.dataDir).path)
  options.onRoute?.(daemon?.hello.pid ?? null)
  if (daemon !== null) {
    try {
      return (await daemon.call(name, params, options)) as CommandResult<N>
    } finally {
      daemon.close()
    }
  }
  if (options.signal.aborted) throw new CancelledError(name)
  const { node } = await openNode(config, commands[name].needs)
  try {
    return (await execute(node, name, params, options)) as CommandResult<N>
  } finally {
    await node.stop()
  }
}
