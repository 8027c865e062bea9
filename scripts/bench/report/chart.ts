/** The chart: time of proof and verification against tokens and against modules, both axes logarithmic, as an SVG without scripts. */
import { figure } from './tell.js'
import type { Row } from '../types.js'

export interface Point {
  readonly at: number
  readonly median: number
}

export interface Curve {
  readonly name: string
  readonly colour: string
  readonly points: readonly Point[]
}

/** Pixels. */
const [WIDTH, HEIGHT, LEFT, TOP, INNER_WIDTH, INNER_HEIGHT] = [380, 300, 60, 40, 300, 200]
const COLOURS = { prove: '#3465a4', verify: '#c4511c' } as const

/** Medians of growth's cases `tokens-16`, `modules-4`, … */
export function curvesOf(cases: readonly Row[], along: 'tokens' | 'modules'): Curve[] {
  return (['prove', 'verify'] as const).map(metric => ({
    name: metric,
    colour: COLOURS[metric],
    points: cases
      .filter(row => row.bench === 'growth' && row.metric === metric && row.case.startsWith(`${along}-`))
      .map(row => ({ at: Number(row.case.slice(along.length + 1)), median: row.median }))
      .sort((a, b) => a.at - b.at)
  }))
}

/** The power of growth between the last two points: 1 is linear. */
export function growthOf({ points }: Curve): number {
  const [before, last] = points.slice(-2) as [Point, Point]
  return Math.log(last.median / before.median) / Math.log(last.at / before.at)
}

/** Powers of `base` around all values. */
function ticks(values: readonly number[], base: number): number[] {
  const low = Math.floor(Math.log(Math.min(...values)) / Math.log(base) + 1e-9)
  const high = Math.ceil(Math.log(Math.max(...values)) / Math.log(base) - 1e-9)
  return Array.from({ length: high - low + 1 }, (_, i) => base ** (low + i))
}

function scale(marks: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(marks[0]!), Math.log(marks.at(-1)!)]
  return value => from + ((Math.log(value) - low) / (high - low)) * (to - from)
}

function text(x: number, y: number, what: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${what}</text>`
}

function curve({ name, colour, points }: Curve, x: (value: number) => number, y: (value: number) => number): string {
  const path = points.map(({ at, median }) => `${x(at).toFixed(1)},${y(median).toFixed(1)}`).join(' ')
  const dots = points.map(
    ({ at, median }) =>
      `<circle cx="${x(at).toFixed(1)}" cy="${y(median).toFixed(1)}" r="3" fill="${colour}"/>` +
      text(x(at), y(median) - 7, figure(median), `text-anchor="middle" fill="${colour}"`)
  )
  const { at, median } = points.at(-1)!
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
    ...dots,
    text(x(at), y(median) + 14, name, `text-anchor="end" fill="${colour}" font-weight="bold"`)
  ].join('\n')
}

/** @param curves with at least two points each */
function panel(curves: readonly Curve[], { left, title, axis }: { left: number; title: string; axis: string }): string {
  const points = curves.flatMap(each => each.points)
  const across = [...new Set(points.map(({ at }) => at))].sort((a, b) => a - b)
  const up = ticks(
    points.map(({ median }) => median),
    10
  )
  const x = scale(across, left + LEFT, left + LEFT + INNER_WIDTH)
  const y = scale(up, TOP + INNER_HEIGHT, TOP)
  const line = (x1: number, y1: number, x2: number, y2: number): string =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#ccc"/>`
  return [
    text(left + LEFT, TOP - 18, title, 'font-weight="bold"'),
    ...up.map(mark => line(left + LEFT, y(mark), left + LEFT + INNER_WIDTH, y(mark))),
    ...up.map(mark => text(left + LEFT - 6, y(mark) + 4, figure(mark).replace(/\.0+$/, ''), 'text-anchor="end"')),
    ...across.map(mark => line(x(mark), TOP, x(mark), TOP + INNER_HEIGHT)),
    ...across.map(mark => text(x(mark), TOP + INNER_HEIGHT + 16, String(mark), 'text-anchor="middle"')),
    text(left + LEFT + INNER_WIDTH / 2, TOP + INNER_HEIGHT + 34, axis, 'text-anchor="middle"'),
    ...curves.map(each => curve(each, x, y))
  ].join('\n')
}

export function chart(cases: readonly Row[]): string {
  const width = 2 * WIDTH
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<title>Milliseconds of proof and verification against tokens and modules</title>`,
    `<rect width="${width}" height="${HEIGHT}" fill="white"/>`,
    panel(curvesOf(cases, 'tokens'), { left: 0, title: 'ms, 4 modules 128 → 384, rank 8', axis: 'tokens' }),
    panel(curvesOf(cases, 'modules'), { left: WIDTH, title: 'ms, 16 tokens at modules 128 → 384, rank 8', axis: 'modules' }),
    '</svg>',
    ''
  ].join('\n')
}
