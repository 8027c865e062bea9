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

/** Text that streams in: line breaks become ⏎, and what would pass the right edge starts a new indented line. */
export class Stream {
  private column: number
  private last = ''
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
    for (const piece of text.replace(/\n/g, ' ⏎ ').split(/(?<= )/)) {
      // Line breaks that follow one another are shown once.
      if (piece.trim() === '' && this.last.endsWith(' ')) continue
      if (piece === '⏎ ' && this.last === piece) continue
      this.last = piece
      if (this.column + piece.length > this.width && this.column > this.indent) {
        process.stdout.write(`\n${' '.repeat(this.indent)}`)
        this.column = this.indent
      }
      process.stdout.write(piece)
      this.column += piece.length
    }
  }

  end(): void {
    process.stdout.write('\n')
  }
}

/** Cells padded to the widest of their column. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  for (const row of rows) say(`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('   ')}`.trimEnd())
}
