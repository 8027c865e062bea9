/** How text is set off: by colour on a terminal, not at all elsewhere. And how numbers, times and identifiers are written. */

export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
  warn(text: string): string
}

const same = (text: string): string => text
export const PLAIN: Style = { bold: same, dim: same, good: same, bad: same, warn: same }

const sgr =
  (on: number, off: number) =>
  (text: string): string =>
    `\x1b[${on}m${text}\x1b[${off}m`
export const COLOUR: Style = { bold: sgr(1, 22), dim: sgr(2, 22), good: sgr(32, 39), bad: sgr(31, 39), warn: sgr(33, 39) }

/** 1234567 → 1,234,567 */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`
  const [divisor, unit] = value < 1024 ** 2 ? [1024, 'KiB'] : value < 1024 ** 3 ? [1024 ** 2, 'MiB'] : [1024 ** 3, 'GiB']
  const scaled = value / divisor
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`
}

export function milliseconds(value: number): string {
  if (value < 1000) return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
  return value < 60_000 ? `${(value / 1000).toFixed(2)} s` : `${Math.floor(value / 60_000)} min ${Math.round((value % 60_000) / 1000)} s`
}

/** The first digits of an identifier, root or digest; commands take 8 of them. */
export function short(hex: string, digits = 12): string {
  return hex.length <= digits ? hex : `${hex.slice(0, digits)}…`
}

/** 12D3KooWabc…xyz → 12D3…xyz */
export function shortPeer(peer: string): string {
  return peer.length <= 12 ? peer : `${peer.slice(0, 4)}…${peer.slice(-6)}`
}

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Text from peers and files (names of adapters): without what could move the cursor or reverse a line. */
export function safe(text: string): string {
  return text.replace(CONTROL, '�')
}

/** What was generated: line breaks and tabs stay, what a terminal would obey does not. */
export function safeText(text: string): string {
  return text.replace(CONTROL, character => (character === '\n' || character === '\t' ? character : '�'))
}

const widthOf = (text: string): number => [...text.replace(/\x1b\[\d+m/g, '')].length

/** Columns that line up; the first row is the head. */
export function table(rows: readonly (readonly string[])[], style: Style): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => widthOf(row[column]!))))
  return rows.map((row, index) => {
    const line = row
      .map((cell, column) => (column === row.length - 1 ? cell : cell + ' '.repeat(widths[column]! - widthOf(cell))))
      .join('  ')
    return index === 0 ? style.dim(line) : line
  })
}
