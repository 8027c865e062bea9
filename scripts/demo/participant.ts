/** Processes of the demo: started, listened to line by line, stopped for certain. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Compiled entries beside this file's own in dist/. */
const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))
export const CHEAT = fileURLToPath(new URL('./cheat.js', import.meta.url))

/** Lines of a process's stderr that are shown when it fails. */
const LOG_LINES = 15
/** Milliseconds from SIGINT to SIGKILL. */
const STOP_MS = 5_000

/** One line of JSON from a process. */
export type Line = Record<string, unknown> & { type?: string }

const running = new Set<Participant>()

export class Participant {
  readonly lines: Line[] = []
  private readonly log: string[] = []
  private readonly child: ChildProcess
  private readonly waiting = new Set<() => void>()
  readonly exited: Promise<number>
  private ended = false

  constructor(
    readonly name: string,
    args: readonly string[],
    private readonly onLine: (line: Line) => void = () => {}
  ) {
    this.child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(this)
    createInterface({ input: this.child.stdout! }).on('line', text => this.take(text))
    createInterface({ input: this.child.stderr! }).on('line', text => {
      this.log.push(text)
      if (this.log.length > LOG_LINES) this.log.shift()
    })
    this.exited = new Promise(resolve => {
      this.child.once('close', code => {
        this.ended = true
        running.delete(this)
        for (const wake of this.waiting) wake()
        resolve(code ?? 1)
      })
    })
  }

  static cli(name: string, args: readonly string[], onLine?: (line: Line) => void): Participant {
    return new Participant(name, [CLI, ...args], onLine)
  }

  private take(text: string): void {
    const line = JSON.parse(text) as Line
    this.lines.push(line)
    this.onLine(line)
    for (const wake of this.waiting) wake()
  }

  /** The first line, past or to come, that `test` picks. */
  async line(what: string, milliseconds: number, test: (line: Line) => boolean): Promise<Line> {
    const deadline = AbortSignal.timeout(milliseconds)
    for (;;) {
      const found = this.lines.find(test)
      if (found !== undefined) return found
      if (this.ended) throw new Error(this.failure(`${what} was expected, but the process ended`))
      if (deadline.aborted) throw new Error(this.failure(`${what} was expected within ${milliseconds / 1000} s`))
      await new Promise<void>(resolve => {
        const wake = (): void => {
          this.waiting.delete(wake)
          deadline.removeEventListener('abort', wake)
          resolve()
        }
        this.waiting.add(wake)
        deadline.addEventListener('abort', wake, { once: true })
      })
    }
  }

  /** What was expected, and the last lines that the process wrote. */
  failure(message: string): string {
    return [`${this.name}: ${message}`, ...this.log.map(line => `  | ${line}`)].join('\n')
  }

  async stop(): Promise<void> {
    if (this.ended) return
    this.child.kill('SIGINT')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS)
    await this.exited
    clearTimeout(timer)
  }
}

/** Runs a command to its end and gives the JSON that it ends with. Throws when it fails, unless `mayFail`. */
export async function command(
  args: readonly string[],
  { onLine, mayFail = false }: { onLine?: (line: Line) => void; mayFail?: boolean } = {}
): Promise<Line> {
  const process = Participant.cli(`zklora ${args[0]}`, [...args, '--json'], onLine)
  const status = await process.exited
  if (status !== 0 && !mayFail) throw new Error(process.failure(`ended with status ${status}`))
  const last = process.lines.at(-1)
  if (last === undefined) throw new Error(process.failure('wrote nothing'))
  return last
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(participant => participant.stop()))
}
