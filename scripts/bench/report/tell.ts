/** Figures as lines on the terminal. */
import { style } from '../../demo/screen.js'
import type { Part, Row, Skipped, Unavoidable } from '../types.js'

const DIGITS = 3

/** 1234.5 → 1,235; 0.012345 → 0.0123 */
export function figure(value: number): string {
  if (value === 0) return '0'
  const places = Math.max(0, DIGITS - 1 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(places, 12)).replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',')
}

export function operationsText({ sum, ratio, counts }: Unavoidable): string {
  const parts = Object.entries(counts).map(([what, count]) => `${figure(count)} ${what}`)
  return `${figure(ratio)} × the ${figure(sum)} ms of what cannot be avoided (${parts.join(', ')})`
}

export function yardstickText({ yardstick, ratio, unit }: Row): string {
  return yardstick === undefined ? '' : `${figure(ratio!)} × ${yardstick.name} (${figure(yardstick.median)} ${unit})`
}

export function announcePart(bench: string, { name, what }: Part): void {
  process.stdout.write(`\n${style.bold(`${bench}/${name}`)}  ${what}\n`)
}

export function tellRow(row: Row): void {
  const { case: name, metric, unit, median, min, runs, p99, operations } = row
  const last = p99 === undefined ? '' : `, p99 ${figure(p99)}`
  const value = `${figure(median)} ${unit}`.padEnd(14)
  const said = style.dim(`min ${figure(min)}${last}, ${runs} ${runs === 1 ? 'run' : 'runs'}`)
  process.stdout.write(`  ${name.padEnd(16)} ${metric.padEnd(20)} ${value} ${said}  ${yardstickText(row)}`.trimEnd() + '\n')
  if (operations !== undefined) process.stdout.write(`  ${' '.repeat(38)}${style.dim(operationsText(operations))}\n`)
}

export function tellSkipped({ case: name, reason }: Skipped): void {
  process.stdout.write(`  ${name.padEnd(16)} left out: ${reason}\n`)
}
