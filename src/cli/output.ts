/**
 * Where things are written: results on stdout, state on stderr. Colour and a redrawn line only on a terminal; with `--json`
 * stdout has JSON alone: one document, or one line for each event.
 */
import { COLOUR, PLAIN, type Style } from './render/style.js'

export interface Stream {
  write(text: string): unknown
  isTTY?: boolean | undefined
  columns?: number | undefined
}

export interface OutputInit {
  stdout: Stream
  stderr: Stream
  json: boolean
  env: Readonly<Record<string, string | undefined>>
}

/** Clears the line and goes to its beginning. */
const CLEAR = '\r\x1b[K'

function styleFor(stream: Stream, env: OutputInit['env']): Style {
  // no-color.org: any value but an empty one switches colour off.
  const plain = stream.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return plain ? PLAIN : COLOUR
}

export class Output {
  readonly json: boolean
  /** Of stdout and of stderr. */
  readonly style: Style
  readonly noteStyle: Style
  private readonly stdout: Stream
  private readonly stderr: Stream
  private drawn = false
  private midLine = false
  private held: string[] = []

  constructor({ stdout, stderr, json, env }: OutputInit) {
    this.stdout = stdout
    this.stderr = stderr
    this.json = json
    this.style = styleFor(stdout, env)
    this.noteStyle = styleFor(stderr, env)
  }

  /** Results for people, a line each; nothing with `--json`. */
  lines(lines: readonly string[]): void {
    if (this.json) return
    this.endText()
    this.clear()
    for (const line of lines) this.stdout.write(`${line}\n`)
  }

  /** A result for programs, on one line; nothing without `--json`. */
  document(value: unknown): void {
    if (this.json) this.stdout.write(`${JSON.stringify(value)}\n`)
  }

  /** Text as it comes. */
  text(text: string): void {
    if (this.json || text === '') return
    this.clear()
    this.stdout.write(text)
    this.midLine = !text.endsWith('\n')
  }

  /** Ends the line that `text` left open, and shows what was held back for it. */
  endText(): void {
    if (this.midLine) this.stdout.write('\n')
    this.midLine = false
    for (const line of this.held.splice(0)) this.note(line)
  }

  /** State for people, on stderr. On a terminal it waits until the text that streams has ended. */
  note(line: string): void {
    if (this.midLine && this.stdout.isTTY === true) {
      this.held.push(line)
      return
    }
    this.clear()
    this.stderr.write(`${line}\n`)
  }

  /** Redraws the progress line; nothing where there is no terminal, or while text streams. */
  progress(line: string): void {
    if (this.stderr.isTTY !== true || this.midLine || this.json) return
    const columns = this.stderr.columns ?? 80
    this.stderr.write(`${CLEAR}${line.slice(0, columns - 1)}`)
    this.drawn = true
  }

  private clear(): void {
    if (this.drawn) this.stderr.write(CLEAR)
    this.drawn = false
  }
}
