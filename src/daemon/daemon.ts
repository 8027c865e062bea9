/** The node that stays: identity, roles, adapters of the config, control socket, and one event for everything worth a line. */
import { InvalidInputError } from '../errors.js'
import { registerAdapter } from '../library/registered.js'
import type { OwnAdapterInfo, Role, ZkloraNode } from '../roles/types.js'
import { VERSION } from '../roles/version.js'
import { execute, type CommandEvent } from './commands.js'
import type { Config } from './config.js'
import { connectControl } from './control/client.js'
import { CancelledError, CONTROL_PROTOCOL } from './control/messages.js'
import { startControlServer, type ControlServer } from './control/server.js'
import { startDaemonHttp } from './http/index.js'
import { openNode } from './open-node.js'
import { keyFile, socketPath } from './paths.js'

export interface ReadyEvent {
  type: 'ready'
  version: string
  pid: number
  peerId: string
  roles: readonly Role[]
  multiaddrs: string[]
  dataDir: string
  /** Path of the control socket. */
  socket: string
  /** Where HTTP is answered; null: it is off. */
  http: string | null
  adapters: OwnAdapterInfo[]
}

export type DaemonEvent =
  | { type: 'identity'; peerId: string; made: boolean; file: string }
  /** The data folder's path is too long for a socket: where it is instead. */
  | { type: 'socket'; path: string; fallback: string }
  | { type: 'registered'; adapter: OwnAdapterInfo; outcome: 'kept' | 'added' | 'replaced' }
  | ReadyEvent
  | CommandEvent
  | { type: 'stopped' }

export interface DaemonInit {
  config: Config
  /** Ends the start; a daemon that runs is ended by `stop`. */
  signal: AbortSignal
  onEvent: (event: DaemonEvent) => void
}

export interface Daemon {
  readonly ready: ReadyEvent
  /** Rejects when what the daemon lives by fails. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

async function refuseSecond(config: Config, path: string): Promise<void> {
  const other = await connectControl(path)
  if (other === null) return
  other.close()
  const { pid, peerId } = other.hello
  throw new InvalidInputError(
    `a daemon already runs on ${config.dataDir} (process ${pid}, peer ${peerId}): stop it first, or choose another folder with --data-dir`
  )
}

/**
 * Starts; when it returns, every adapter of the config is served and the control socket answers.
 * @throws InvalidInputError when another process has the data folder, or something in the config cannot be used.
 */
export async function startDaemon({ config, signal, onEvent }: DaemonInit): Promise<Daemon> {
  const { dataDir, settings } = config
  const socket = socketPath(dataDir)
  if (settings.adapters.length > 0 && !settings.roles.includes('contributor')) {
    throw new InvalidInputError(
      `adapters are set, but the roles are ${settings.roles.join(', ')}: add the role contributor, or leave out the adapters`
    )
  }
  await refuseSecond(config, socket.path)
  const http = await startDaemonHttp(config)
  const { node, identityMade } = await openNode(config, { roles: settings.roles, network: 'listen', metrics: http?.metrics }).catch(
    async (error: unknown) => {
      await http?.stop()
      throw error
    }
  )
  http?.serve(node)
  let control: ControlServer | undefined
  const watching = new AbortController()
  const stop = async (): Promise<void> => {
    watching.abort()
    await control?.stop()
    await http?.stop()
    await node.stop()
    onEvent({ type: 'stopped' })
  }
  try {
    onEvent({ type: 'identity', peerId: node.peerId, made: identityMade, file: keyFile(dataDir) })
    if (socket.fallback !== null) onEvent({ type: 'socket', path: socket.path, fallback: socket.fallback })
    const hello = { zklora: VERSION, protocol: CONTROL_PROTOCOL, pid: process.pid, peerId: node.peerId }
    control = await startControlServer({ socket, hello, execute: (name, params, options) => execute(node, name, params, options) })
    const failed = watch(node, watching.signal, onEvent)
    await registerAll({ config, signal, onEvent }, node)
    const ready = await describe(node, { dataDir, socket: socket.path, http: http?.url ?? null })
    http?.ready()
    onEvent(ready)
    return { ready, failed, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Announcements, verdicts and sessions of this node, as events; rejects only by a fault of ours. */
function watch(node: ZkloraNode, signal: AbortSignal, onEvent: (event: DaemonEvent) => void): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    node.watch({ signal, onProgress: onEvent }).catch((error: unknown) => {
      if (!signal.aborted) reject(error as Error)
    })
  })
  // Who starts a daemon may look later than it fails.
  failed.catch(() => {})
  return failed
}

async function registerAll({ config, signal, onEvent }: DaemonInit, node: ZkloraNode): Promise<void> {
  for (const params of config.settings.adapters) {
    if (signal.aborted) throw new CancelledError('start')
    const { adapter, outcome } = await registerAdapter(node, params, { signal, onProgress: onEvent })
    onEvent({ type: 'registered', adapter, outcome })
  }
}

async function describe(node: ZkloraNode, places: Pick<ReadyEvent, 'dataDir' | 'socket' | 'http'>): Promise<ReadyEvent> {
  const adapters = node.roles.includes('contributor') ? await node.listAdapters() : []
  return {
    type: 'ready',
    version: VERSION,
    pid: process.pid,
    peerId: node.peerId,
    roles: node.roles,
    multiaddrs: node.multiaddrs(),
    ...places,
    adapters
  }
}
