/** A process of the chaos run, started again each time that it was killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Role, SessionInfo } from '../../src/roles/types.js'

const PEER = fileURLToPath(new URL('./peer.js', import.meta.url))
/** Milliseconds in which a process must be ready, on a busy machine. */
const READY = 60_000

export type Line =
  | { readonly type: 'ready'; readonly address: string; readonly adapter?: string }
  | { readonly type: 'session'; readonly session: SessionInfo }
  | { readonly type: 'sessions'; readonly sessions: readonly SessionInfo[] }
  | { readonly type: 'failed'; readonly error: string }

export class Peer {
  address = ''
  private child: ChildProcess | undefined
  private starts = 0
  private stderr = ''
  private listeners = new Set<(line: Line | undefined) => void>()

  constructor(
    readonly role: Role,
    readonly folder: string,
    private readonly options: { readonly port: number; readonly seed: number; readonly bootstrap?: string }
  ) {}

  /** Starts it, and waits until it takes part. @throws when it does not, with what it wrote */
  async start(): Promise<void> {
    const { port, seed, bootstrap } = this.options
    // Another seed for each life: no text is written twice.
    const argv = [
      this.role,
      this.folder,
      String(port),
      String(seed + 1000 * this.starts++),
      ...(bootstrap === undefined ? [] : [bootstrap])
    ]
    const child = fork(PEER, argv, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    this.child = child
    this.stderr = ''
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr = (this.stderr + chunk.toString()).slice(-4000)))
    child.on('message', line => this.tell(line as Line))
    child.once('exit', () => this.tell(undefined))
    const ready = await this.line(line => line.type === 'ready', READY)
    this.address = (ready as Line & { type: 'ready' }).address
  }

  /** The next line that fits. @throws when the process ends or the time is over */
  line(fits: (line: Line) => boolean, milliseconds: number): Promise<Line> {
    return new Promise((resolve, reject) => {
      const end = (result: () => void): void => {
        clearTimeout(timer)
        this.listeners.delete(listener)
        result()
      }
      const listener = (line: Line | undefined): void => {
        if (line === undefined) end(() => reject(new Error(`${this.role} ended: ${this.stderr}`)))
        else if (fits(line)) end(() => resolve(line))
      }
      const timer = setTimeout(
        () => end(() => reject(new Error(`${this.role} said nothing for ${milliseconds} ms: ${this.stderr}`))),
        milliseconds
      )
      this.listeners.add(listener)
    })
  }

  /** Runs what it says past `hear` until it is killed. */
  listen(hear: (line: Line) => void): void {
    this.listeners.add(line => line !== undefined && hear(line))
  }

  send(line: 'rest' | 'sessions' | 'stop'): void {
    this.child?.send(line)
  }

  async sessions(): Promise<readonly SessionInfo[]> {
    const answer = this.line(line => line.type === 'sessions', READY)
    this.send('sessions')
    return ((await answer) as Line & { type: 'sessions' }).sessions
  }

  async kill(): Promise<void> {
    await this.ended(child => child.kill('SIGKILL'))
  }

  async stop(): Promise<void> {
    await this.ended(child => child.send('stop'))
  }

  private async ended(by: (child: ChildProcess) => void): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    by(child)
    await exit
  }

  private tell(line: Line | undefined): void {
    for (const listener of [...this.listeners]) listener(line)
  }
}
