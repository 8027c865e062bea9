/** What a verification says: what was proved, by whom, and what was not. */
import type { OpenedRow, ProofRange, VerifyReport } from '../../roles/types.js'
import { shapeOf } from './adapters.js'
import { NOT_PROVED } from './sessions.js'
import { bytes, count, milliseconds, plural, safe, short, type Style } from './style.js'

/** Exit status of `verify`: a proof that fails weighs more than one that could not be checked. */
export function exitStatus(reports: readonly VerifyReport[]): 0 | 1 | 2 {
  if (reports.some(report => report.verdict === 'invalid')) return 1
  return reports.length > 0 && reports.every(report => report.verdict === 'valid') ? 0 : 2
}

/** `27 in each of 12 groups`, or each group's number. */
function groupsOf({ rowsPerGroup }: ProofRange): string {
  const numbers = new Set(rowsPerGroup.map(({ rows }) => rows))
  if (numbers.size === 1) return `${count(rowsPerGroup[0]!.rows)} in each of ${plural(rowsPerGroup.length, 'group')}`
  return rowsPerGroup.map(({ group, rows }) => `${count(rows)} in group ${group}`).join(', ')
}

function renderRange(range: ProofRange): string[] {
  return [
    `  rows ${count(range.start)} to ${count(range.end - 1)} (${groupsOf(range)}), ${bytes(range.bundleBytes)}`,
    `    root   ${range.root}`,
    `    digest ${range.digest}`
  ]
}

function wholeness(report: VerifyReport): string {
  const first = report.ranges[0]!
  const last = report.ranges.at(-1)!
  if (report.whole) return 'the whole session: from its first row to its last, closed by both'
  const from = first.start === 0 ? '' : `from row ${count(first.start)}, `
  return `${from}open at row ${count(last.end)}: rows after it are not in this proof`
}

/** Numbers of a row that are shown. */
const SHOWN = 6

function renderRow({ number, group, position, modules, x, y }: OpenedRow): string[] {
  const some = (values: readonly number[]): string => `${values.slice(0, SHOWN).join(', ')}${values.length > SHOWN ? ', …' : ''}`
  return [
    `  shown: row ${count(number)} of the session is at position ${count(position)} of group ${group} (${modules.map(({ name }) => safe(name)).join(', ')})`,
    `    x = ${some(x)} (${plural(x.length, 'integer')})`,
    `    y = ${some(y)} (${plural(y.length, 'integer')}; --json has them all)`
  ]
}

export function renderReport(report: VerifyReport, style: Style): string[] {
  const source = style.bold(safe(report.source))
  if (report.verdict === 'invalid') return [`${source}: ${style.bad('invalid')}`, `  ${safe(report.error ?? '')}`]
  const { adapter, ranges } = report
  if (report.verdict === 'unchecked' || adapter === null || ranges.length === 0) {
    return [`${source}: ${style.warn('could not be checked')}`, `  ${safe(report.error ?? '')}`]
  }
  const first = ranges[0]!
  const rows = ranges.reduce((sum, range) => sum + range.end - range.start, 0)
  return [
    `${source}: ${style.good('valid')}`,
    `  proved: every one of ${plural(rows, 'committed row')} is y = x·A·B for the one adapter that both sides named before the first row`,
    `  adapter ${safe(adapter.name)} (${short(adapter.id)}), ${shapeOf(adapter)}, for base model ${safe(adapter.baseName)} (${short(adapter.base)})`,
    ...(report.row === null ? [] : renderRow(report.row)),
    `  session ${first.session}, ${wholeness(report)}`,
    `  contributor key ${first.contributorKey}`,
    `  user key        ${first.userKey}`,
    ...ranges.flatMap(renderRange),
    `  checked in ${milliseconds(report.elapsed.manifest + report.elapsed.bundles)} (adapter ${milliseconds(report.elapsed.manifest)}, proof ${milliseconds(report.elapsed.bundles)})`,
    ...NOT_PROVED.map(sentence => style.dim(`  not proved: ${sentence}`))
  ]
}

export function renderReports(reports: readonly VerifyReport[], style: Style): string[] {
  const lines = reports.flatMap(report => renderReport(report, style))
  if (reports.length < 2) return lines
  const of = (verdict: VerifyReport['verdict']): number => reports.filter(report => report.verdict === verdict).length
  return [...lines, `${plural(reports.length, 'proof')}: ${of('valid')} valid, ${of('invalid')} invalid, ${of('unchecked')} not checked`]
}
