/** A daemon's socket in a folder of its own, and the command line before it. */
import type { ExecutionContext } from 'ava'
import { execute } from '../../src/daemon/commands.js'
import { CONTROL_PROTOCOL } from '../../src/daemon/control/messages.js'
import { startControlServer } from '../../src/daemon/control/server.js'
import { socketPath } from '../../src/daemon/paths.js'
import type { ZkloraNode } from '../../src/roles/types.js'
import { temporaryFolder } from '../daemon/folders.js'
import { smallNode, type SmallNode } from '../daemon/small-node.js'
import { type Ran, type TerminalOptions, zklora } from './terminal.js'

interface Daemon {
  dataDir: string
  node: SmallNode
  run(argv: readonly string[], options?: TerminalOptions): Promise<Ran>
}

/** A daemon's socket with a small node behind it: what the commands send and show is under test here. */
export async function daemon(t: ExecutionContext, methods: Partial<ZkloraNode> = {}): Promise<Daemon> {
  const dataDir = await temporaryFolder(t)
  const node = smallNode(methods)
  const server = await startControlServer({
    socket: socketPath(dataDir),
    hello: { zklora: '0.1.0', protocol: CONTROL_PROTOCOL, pid: process.pid, peerId: node.peerId },
    execute: (name, params, options) => execute(node, name, params, options)
  })
  t.teardown(() => server.stop())
  return { dataDir, node, run: (argv, options) => zklora([...argv, '--data-dir', dataDir], options) }
}
