/** Tables of Markdown. */

/** `a \| b` within a table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')

/** @param rows the first is the head */
export function table(rows: readonly (readonly string[])[]): string {
  const [head, ...rest] = rows
  return [head!, head!.map(() => '---'), ...rest].map(row => `| ${row.join(' | ')} |`).join('\n')
}
