/** The real command line as child processes, and their JSON lines as they come. */
import type { ExecutionContext } from 'ava'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { strictly } from './strict.js'

const MAIN = 'dist/src/cli/main.js'
/** Milliseconds for anything that a process is waited for, on a busy machine. */
const PATIENCE = 60_000

export interface Line {
  type: string
  [key: string]: unknown
}

export interface Ended {
  status: number | null
  stdout: string
  stderr: string
  /** Milliseconds since the signal was sent. */
  afterSignal: number
}

export class Process {
  readonly lines: Line[] = []
  private stdout = ''
  private stderr = ''
  private signalled = 0
  /** A line that is not of the documented shape. */
  private wrong: unknown
  private readonly child: ChildProcess
  private readonly ended: Promise<Ended>
  private wake = (): void => {}

  constructor(t: Pick<ExecutionContext, 'teardown'>, argv: readonly string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, [MAIN, ...argv], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.child = child
    const check = strictly(argv)
    createInterface({ input: child.stdout! }).on('line', line => {
      try {
        check?.(line)
      } catch (error) {
        this.wrong ??= error
      }
      this.stdout += `${line}\n`
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Line)
      this.wake()
    })
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.ended = once(child, 'close').then(([status]) => {
      this.wake()
      return { status: status as number | null, stdout: this.stdout, stderr: this.stderr, afterSignal: Date.now() - this.signalled }
    })
    t.teardown(async () => {
      child.kill('SIGKILL')
      await this.ended
    })
  }

  /** The first JSON line that fits. */
  async until(fits: (line: Line) => boolean, what: string): Promise<Line> {
    const deadline = Date.now() + PATIENCE
    for (;;) {
      if (this.wrong !== undefined) throw this.wrong
      const found = this.lines.find(fits)
      if (found !== undefined) return found
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${what} did not come; stdout:\n${this.stdout}\nstderr:\n${this.stderr}`)
      }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, deadline - Date.now())
        this.wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async ready(): Promise<Line & { peerId: string; multiaddrs: string[] }> {
    return (await this.until(line => line.type === 'ready', 'ready')) as Line & { peerId: string; multiaddrs: string[] }
  }

  async end(): Promise<Ended> {
    const ended = await this.ended
    if (this.wrong !== undefined) throw this.wrong
    return ended
  }

  interrupt(signal: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
    this.signalled = Date.now()
    this.child.kill(signal)
    return this.end()
  }
}
