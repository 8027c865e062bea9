/** docs/benchmarks.md and its chart, from the results of one run. */
import { readFile, writeFile } from 'node:fs/promises'
import { chart, curvesOf, growthOf } from './chart.js'
import { PARAGRAPHS } from './paragraphs.js'
import { figure, operationsText, yardstickText } from './tell.js'
import type { Results, Row } from '../types.js'

const PAGE = 'docs/benchmarks.md'
const CHART = 'docs/benchmarks.svg'

function tableRow(row: Row, field: number | undefined): string {
  const { case: name, metric, unit, median, min, runs, p99 } = row
  const value = `${figure(median)} ${unit}${p99 === undefined ? '' : ` (p99 ${figure(p99)})`}`
  const nanoseconds = unit === 'ns' ? median : unit === 'µs' ? median * 1000 : undefined
  const inFields = row.bench === 'kernel' && field !== undefined && nanoseconds !== undefined ? ` = ${figure(nanoseconds / field)} F` : ''
  return `| ${name} | ${metric} | ${value}${inFields} | ${figure(min)} | ${runs} | ${yardstickText(row)} |`
}

function section(bench: string, { cases, skipped }: Results): string[] {
  const rows = cases.filter(row => row.bench === bench)
  const left = skipped.filter(each => each.bench === bench)
  if (rows.length === 0 && left.length === 0) return []
  const field = cases.find(row => row.bench === 'kernel' && row.case === 'field')?.median
  const operations = rows.flatMap(row =>
    row.operations === undefined ? [] : [`- ${row.case}, ${row.metric}: ${operationsText(row.operations)}`]
  )
  return [
    `## ${bench}`,
    '',
    PARAGRAPHS[bench]!,
    '',
    '| case | metric | median | min | runs | beside it |',
    '|---|---|---|---|---|---|',
    ...rows.map(row => tableRow(row, field)),
    '',
    ...(operations.length === 0
      ? []
      : ['On one thread, beside the operations of the kernel that cannot be avoided:', '', ...operations, '']),
    ...left.map(each => `Left out: ${each.case}: ${each.reason}.\n`)
  ]
}

function growth({ cases }: Results): string[] {
  const said = (['tokens', 'modules'] as const).flatMap(along =>
    curvesOf(cases, along).map(curve => `${curve.name} with the ${along} to the power ${growthOf(curve).toFixed(2)}`)
  )
  return [
    '## Growth',
    '',
    '![Time of proof and verification against tokens and modules](benchmarks.svg)',
    '',
    `${PARAGRAPHS['growth']!} Between the last two points: ${said.join(', ')}.`,
    ''
  ]
}

/** Text between these lines of the page is written by hand and stays. */
const NOTES = /<!-- notes -->[\s\S]*<!-- end of notes -->/

async function notes(): Promise<string> {
  const page = await readFile(PAGE, 'utf8').catch(() => '')
  return NOTES.exec(page)?.[0] ?? '<!-- notes -->\n<!-- end of notes -->'
}

/** Writes both files. The results must have those of `growth`. */
export async function writeDocs(results: Results, benches: readonly string[]): Promise<void> {
  const page = [
    '# Benchmarks',
    '',
    '<!-- Written by `npm run bench -- --write`; only the notes are written by hand. -->',
    '',
    `${results.machine}; Node ${results.node}; kernel ${results.kernel}. Medians of warm runs; beside each figure the same work done another`,
    'way in the same run. `npm run bench` makes them anew on any machine, `npm run bench -- --help` says how.',
    '',
    await notes(),
    '',
    ...benches.flatMap(bench => section(bench, results)),
    ...growth(results)
  ]
  await writeFile(PAGE, page.join('\n'))
  await writeFile(CHART, chart(results.cases))
}
