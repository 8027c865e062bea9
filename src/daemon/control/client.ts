/** The command line's side of the control socket. */
import { connect, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { ConnectionLostError, MalformedMessageError, TimeoutError, UnsupportedError } from '../../errors.js'
import type { CommandEvent } from '../commands.js'
import { refuseForeignFolder } from '../paths.js'
import { LineSplitter } from './lines.js'
import {
  CONTROL_PROTOCOL,
  MOST_LINE_BYTES,
  CancelledError,
  fromWireError,
  helloSchema,
  replySchema,
  type Hello,
  type Reply,
  type WireError
} from './messages.js'

/** Milliseconds until a daemon must have said hello. */
const HELLO_TIMEOUT = 5_000
/** Milliseconds for a cancelled command to end in order before it is given up. */
const CANCEL_GRACE = 1_000

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
  onEvent?: ((event: CommandEvent) => void) | undefined
}

export interface ClientCallOptions {
  signal?: AbortSignal | undefined
  onEvent?: ((event: CommandEvent) => void) | undefined
}

export interface ControlClient {
  readonly hello: Hello
  call(command: string, params: unknown, options?: ClientCallOptions): Promise<unknown>
  close(): void
}

/** Connects; null when nobody listens, which is how a data folder without a daemon looks. */
async function open(path: string): Promise<Socket | null> {
  const socket = connect(path)
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket))
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') resolve(null)
      else reject(new ConnectionLostError(`the daemon's control socket ${path} cannot be opened (${cause.code})`, { cause }))
    })
  })
}

class Client implements ControlClient {
  hello!: Hello
  private readonly pending = new Map<number, Pending>()
  private readonly greeted: Promise<void>
  private greet!: () => void
  private unanswered!: (error: Error) => void
  private failure: Error | undefined
  private next = 1

  constructor(private readonly socket: Socket) {
    this.greeted = new Promise((resolve, reject) => {
      this.greet = resolve
      this.unanswered = reject
    })
    const splitter = new LineSplitter(MOST_LINE_BYTES)
    socket.on('data', chunk => {
      try {
        for (const line of splitter.push(chunk)) this.receive(line)
      } catch (error) {
        this.fail(error as Error)
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => this.fail(new ConnectionLostError('the daemon is gone: it was stopped, or it cut this connection')))
  }

  async ready(timeout: number): Promise<this> {
    const timer = setTimeout(() => this.fail(new TimeoutError('the hello of the daemon', timeout)), timeout)
    try {
      await this.greeted
      return this
    } finally {
      clearTimeout(timer)
    }
  }

  private receive(line: string): void {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch (cause) {
      throw new MalformedMessageError('the daemon sent a line that is not JSON', { cause })
    }
    if (this.hello === undefined) {
      const hello = helloSchema.safeParse(value)
      if (!hello.success) throw new MalformedMessageError('what listens on the control socket is not a zklora daemon')
      if (hello.data.protocol !== CONTROL_PROTOCOL) {
        throw new UnsupportedError(
          `the daemon (version ${hello.data.zklora}) speaks another control protocol: stop it and start this version`
        )
      }
      this.hello = hello.data
      this.greet()
      return
    }
    const reply = replySchema.safeParse(value)
    if (!reply.success) throw new MalformedMessageError('the daemon sent a line that is no reply')
    this.settle(reply.data as Reply)
  }

  private settle(reply: Reply): void {
    // An error without a request is about something that this client never sends: whatever waits, waits in vain.
    if (reply.id === null) throw fromWireError((reply as { error: WireError }).error)
    const pending = this.pending.get(reply.id)
    if (pending === undefined) return
    if ('event' in reply) {
      pending.onEvent?.(reply.event as CommandEvent)
      return
    }
    this.pending.delete(reply.id)
    if ('error' in reply) pending.reject(fromWireError(reply.error))
    else pending.resolve(reply.result)
  }

  /** The first reason counts: what follows ('close') follows from it. */
  private fail(error: Error): void {
    this.failure ??= error
    this.unanswered(this.failure)
    for (const pending of this.pending.values()) pending.reject(this.failure)
    this.pending.clear()
    this.socket.destroy()
  }

  async call(command: string, params: unknown, { signal, onEvent }: ClientCallOptions = {}): Promise<unknown> {
    if (signal?.aborted === true) throw new CancelledError(command)
    if (this.failure !== undefined) throw this.failure
    const id = this.next++
    const answer = new Promise<unknown>((resolve, reject) => this.pending.set(id, { resolve, reject, onEvent }))
    let grace: NodeJS.Timeout | undefined
    const cancel = (): void => {
      this.socket.write(`${JSON.stringify({ id, cancel: true })}\n`)
      grace = setTimeout(() => this.pending.get(id)?.reject(new CancelledError(command)), CANCEL_GRACE)
    }
    signal?.addEventListener('abort', cancel, { once: true })
    this.socket.write(`${JSON.stringify({ id, command, params })}\n`)
    try {
      return await answer
    } finally {
      clearTimeout(grace)
      signal?.removeEventListener('abort', cancel)
      this.pending.delete(id)
    }
  }

  close(): void {
    this.socket.destroy()
  }
}

/**
 * The daemon that listens at `path`, or null when there is none.
 * @throws ConnectionLostError, TimeoutError, UnsupportedError when somebody listens who cannot be spoken to, InvalidInputError when
 *   the socket's folder is another user's
 */
export async function connectControl(path: string, timeout = HELLO_TIMEOUT): Promise<ControlClient | null> {
  await refuseForeignFolder(dirname(path))
  const socket = await open(path)
  return socket === null ? null : new Client(socket).ready(timeout)
}
