/** How long a session of a shape would take with the present kernel, so that what takes too long is left out and not waited for. */
import { prepare } from '../kernel/operations.js'
import { kernel } from '../product.js'
import { sample } from '../sample.js'
import type { Shape } from './shapes.js'

/** How often the user's commitments are made in all: twice to measure, once for the proof, once to price them. */
const COMMITS = 4
/** How often prove and what it needs are run, and points that each entry of the widest row costs in one run. */
const PROVES = 5
const POINTS_OF_A_PROOF = 8

/** Milliseconds of an entry of a 16-bit row and of a point of a multiplication. */
async function calibrate(): Promise<{ entry: number; point: number }> {
  const [rows, width, points] = [64, 64, 512]
  const effort = { seconds: 0.2, least: 2 }
  const entry = (await sample(prepare(kernel, { kind: 'commit', bits: 16, rows, width }), effort)).median / (rows * width)
  const point = (await sample(prepare(kernel, { kind: 'msm', bits: 252, points }), effort)).median / points
  return { entry, point }
}

/** Seconds, registration included. */
export async function estimate({ groups, rank }: Shape, tokens: number): Promise<number> {
  const { entry, point } = await calibrate()
  const sum = (of: (group: Shape['groups'][number]) => number): number => groups.reduce((total, group) => total + of(group), 0)
  const widths = sum(({ dIn, dOut }) => dOut.reduce((total, width) => total + dIn + width, 0))
  const inputs = sum(({ dIn }) => dIn)
  const rows = tokens * groups.length
  const entries = rank * widths + COMMITS * tokens * inputs
  const points = PROVES * (POINTS_OF_A_PROOF * Math.max(...groups.map(({ dIn }) => dIn)) + 3 * rows)
  return (entries * entry + points * point) / 1000
}
