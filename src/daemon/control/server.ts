/** The daemon's side of the control socket. */
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { InvalidInputError, LimitExceededError, MalformedMessageError, ProtocolViolationError } from '../../errors.js'
import type { CommandEvent } from '../commands.js'
import { privateFolder, type SocketPath } from '../paths.js'
import { LineSplitter } from './lines.js'
import {
  CancelledError,
  MOST_CONNECTIONS,
  MOST_LINE_BYTES,
  MOST_RUNNING,
  MOST_UNREAD_BYTES,
  requestSchema,
  toWireError,
  type Hello,
  type Reply,
  type Request
} from './messages.js'

/** Runs a command by name; the daemon binds it to its node. */
export type Execute = (
  command: string,
  params: unknown,
  options: { signal: AbortSignal; onEvent: (event: CommandEvent) => void }
) => Promise<unknown>

export interface ControlServerInit {
  socket: SocketPath
  hello: Hello
  execute: Execute
}

/** One client: its running commands end with its connection. */
function serve(socket: Socket, { hello, execute }: ControlServerInit): void {
  const running = new Map<number, AbortController>()
  const splitter = new LineSplitter(MOST_LINE_BYTES)
  const send = (reply: Reply | Hello): void => {
    if (socket.destroyed) return
    socket.write(`${JSON.stringify(reply)}\n`)
    if (socket.writableLength > MOST_UNREAD_BYTES) socket.destroy()
  }
  const refuse = (id: number | null, error: Error): void => send({ id, error: toWireError(error) })

  const run = async (id: number, command: string, params: unknown): Promise<void> => {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const result = await execute(command, params, { signal: controller.signal, onEvent: event => send({ id, event }) })
      send({ id, result: result ?? null })
    } catch (error) {
      refuse(id, controller.signal.aborted ? new CancelledError(command) : (error as Error))
    } finally {
      running.delete(id)
    }
  }
  const handle = (line: string): void => {
    let request: Request
    try {
      request = requestSchema.parse(JSON.parse(line))
    } catch (cause) {
      refuse(
        null,
        new MalformedMessageError('a line is not a request: expected {"id":1,"command":"…","params":{}} or {"id":1,"cancel":true}', {
          cause
        })
      )
      return
    }
    if ('cancel' in request) {
      running.get(request.id)?.abort()
    } else if (running.has(request.id)) {
      refuse(null, new ProtocolViolationError(`request ${request.id} still runs: use another id`))
    } else if (running.size >= MOST_RUNNING) {
      refuse(request.id, new LimitExceededError('commands running', running.size + 1, MOST_RUNNING, 'on one connection'))
    } else {
      void run(request.id, request.command, request.params ?? {})
    }
  }

  socket.on('data', chunk => {
    try {
      for (const line of splitter.push(chunk)) if (line.trim() !== '') handle(line)
    } catch (error) {
      // Where the next line begins is not known any more.
      refuse(null, error as Error)
      socket.end()
    }
  })
  // A reset of the client's: 'close' follows and does what there is to do.
  socket.on('error', () => {})
  socket.on('close', () => {
    for (const controller of running.values()) controller.abort()
  })
  send(hello)
}

async function listen(server: Server, path: string): Promise<void> {
  try {
    // Who listens here has the store, so that nobody else does: a socket file that is left is a crashed daemon's.
    await rm(path, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
    await chmod(path, 0o600)
  } catch (cause) {
    throw new InvalidInputError(`control socket ${path} cannot be opened (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}

export interface ControlServer {
  readonly path: string
  /** Cancels what runs and waits until every connection is closed. */
  stop(): Promise<void>
}

/** @throws InvalidInputError when the socket cannot be opened. */
export async function startControlServer(init: ControlServerInit): Promise<ControlServer> {
  const { path } = init.socket
  await privateFolder(dirname(path))
  const connections = new Set<Socket>()
  const server = createServer(socket => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    serve(socket, init)
  })
  server.maxConnections = MOST_CONNECTIONS
  await listen(server, path)
  return {
    path,
    stop: async () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of connections) socket.destroy()
      await closed
    }
  }
}
