/** How the demo speaks: plain lines, colour and a redrawn progress line only on a terminal. */
import { COLOUR, PLAIN, type Style } from '../../src/cli/render/style.js'

const terminal = process.stdout.isTTY === true
export const style: Style = terminal && !process.env['NO_COLOR'] ? COLOUR : PLAIN

const CLEAR = '\r\x1b[K'
let drawn = false

export function say(line = ''): void {
  if (drawn) process.stdout.write(CLEAR)
  drawn = false
  process.stdout.write(`${line}\n`)
}

/** Replaced by the next line; only on a terminal. */
export function progress(line: string): void {
  if (!terminal) return
  process.stdout.write(`${CLEAR}${style.dim(line)}`)
  drawn = true
}

/** Text that streams in, word by word: line breaks become ⏎, and a word that would pass the right edge starts a new indented line. */
export class Stream {
  private column: number
  private started = false
  private rest = ''
  private readonly width = Math.min(process.stdout.columns ?? 100, 100)

  constructor(
    label: string,
    private readonly indent: number
  ) {
    this.column = indent
    if (drawn) process.stdout.write(CLEAR)
    drawn = false
    process.stdout.write(`  ${label.padEnd(indent - 2)}`)
  }

  write(text: string): void {
    // The last word may go on in the next piece.
    const words = (this.rest + text.replace(/\n/g, ' ⏎ ')).split(' ')
    this.rest = words.pop()!
    for (const word of words) this.word(word)
  }

  end(): void {
    this.word(this.rest)
    process.stdout.write('\n')
  }

  private word(word: string): void {
    if (word === '') return
    const wraps = this.started && this.column + 1 + word.length > this.width
    if (wraps) this.column = this.indent
    const gap = wraps ? `\n${' '.repeat(this.indent)}` : this.started ? ' ' : ''
    process.stdout.write(gap + word)
    this.column += word.length + (gap === ' ' ? 1 : 0)
    this.started = true
  }
}

/** Cells padded to the widest of their column. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  for (const row of rows) say(`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('   ')}`.trimEnd())
}
