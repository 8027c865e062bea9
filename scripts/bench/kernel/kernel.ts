/** `kernel`: each operation by itself, on one thread and on all; beside it the noble kernel, on less of the same. */
import { type Operation, prepare, unitsOf } from './operations.js'
import { kernel, multiplyField, noble, nobleMultiplications } from '../product.js'
import { sample, scaled, summary, type Sample } from '../sample.js'
import { onAllThreads, THREADS } from './threads.js'
import type { Bench, Part, Report, Settings, Yardstick } from '../types.js'

/** One line of the table. */
interface Case {
  readonly name: string
  readonly unit: 'ns' | 'µs' | 'MB/s'
  readonly metric: string
  readonly operation: Operation
  /** What the noble kernel does in its place. */
  readonly smaller: Operation
}

const PER_MILLISECOND = { ns: 1e6, µs: 1e3 } as const
/** MB/s from milliseconds for a byte. */
const MEGA = 1e-3

const few = (value: number, most: number): number => Math.min(value, most)

function commit(bits: 8 | 16, width: number): Case {
  const operation = { kind: 'commit', bits, rows: 128, width } as const
  const smaller = { ...operation, rows: 64, width: few(width, 128) }
  return { name: `commit${bits}/${width}`, unit: 'ns', metric: 'entry', operation, smaller }
}

function msm(bits: 128 | 252, points: number): Case {
  const operation = { kind: 'msm', bits, points } as const
  return { name: `msm${bits}/${points}`, unit: 'µs', metric: 'point', operation, smaller: { ...operation, points: few(points, 1024) } }
}

function ofPoints(kind: 'decode' | 'encode', points: number): Case {
  const operation = { kind, points } as const
  return { name: kind, unit: 'µs', metric: 'point', operation, smaller: { kind, points: few(points, 128) } }
}

function casesOf(part: string, tiny: boolean): Case[] {
  switch (part) {
    case 'rows':
      return (tiny ? [8] : [128, 768, 4096]).flatMap(width => [commit(8, width), commit(16, width)])
    case 'msm':
      return (tiny ? [16] : [1024, 4096, 32_768]).flatMap(points => [msm(252, points), ...(tiny ? [] : [msm(128, points)])])
    case 'points':
      return [ofPoints('decode', tiny ? 4 : 1024), ofPoints('encode', tiny ? 4 : 1024)]
    default: {
      const fold = { kind: 'fold', rows: tiny ? 4 : 128, width: tiny ? 8 : 4096 } as const
      const inner = { kind: 'inner', length: tiny ? 8 : 4096 } as const
      const hash = { kind: 'hash', bytes: tiny ? 1024 : 2 ** 22 } as const
      return [
        { name: 'fold', unit: 'ns', metric: 'entry', operation: fold, smaller: { ...fold, width: few(fold.width, 512) } },
        { name: 'inner', unit: 'ns', metric: 'entry', operation: inner, smaller: inner },
        { name: 'hash', unit: 'MB/s', metric: 'throughput', operation: hash, smaller: { ...hash, kind: 'nobleHash' } }
      ]
    }
  }
}

/** Milliseconds of an operation in the unit of its case. */
function inUnit({ unit }: Case, operation: Operation, took: Sample): Sample {
  const units = unitsOf(operation)
  return unit === 'MB/s' ? summary(took.values.map(ms => (units / ms) * MEGA)) : scaled(took, PER_MILLISECOND[unit] / units)
}

async function measure(one: Case, report: Report, { seconds, tiny }: Settings): Promise<void> {
  const { name, metric, unit, operation, smaller } = one
  const took = await sample(prepare(kernel, operation), { seconds })
  const beside = inUnit(one, smaller, await sample(prepare(noble, smaller), { seconds: seconds / 2 }))
  const share = unitsOf(operation) / unitsOf(smaller)
  const yardstick: Yardstick = { name: share === 1 ? 'noble' : `noble, 1/${Math.round(share)} of it, scaled`, median: beside.median }
  report.row({ case: name, metric, unit, ...figures(inUnit(one, operation, took)), yardstick })
  if (tiny && name !== 'decode') return
  const repeats = Math.max(1, Math.round((seconds * 1000) / took.median / 2))
  const all = inUnit(one, operation, await onAllThreads(operation, repeats))
  report.row({ case: name, metric: `${metric}On${THREADS}Threads`, unit, ...figures(all), yardstick })
}

function figures({ median, min, runs }: Sample): Pick<Sample, 'median' | 'min' | 'runs'> {
  return { median, min, runs }
}

/** Multiplications in one run. */
const MULTIPLICATIONS = 100_000

async function field(report: Report, { seconds }: Settings): Promise<void> {
  const ns = PER_MILLISECOND.ns / MULTIPLICATIONS
  const own = scaled(await sample(() => multiplyField(MULTIPLICATIONS), { seconds }), ns)
  const beside = scaled(await sample(() => nobleMultiplications(MULTIPLICATIONS), { seconds: seconds / 2 }), ns)
  report.row({ case: 'field', metric: 'multiplication', unit: 'ns', ...figures(own), yardstick: { name: 'noble', median: beside.median } })
}

const WHAT: Record<string, string> = {
  field:
    'F, one multiplication in the field of 2^255 − 19 (of two at once, where the kernel does two), each on the result of the one before',
  rows: 'commitments to 128 rows of 8- and 16-bit integers over generators that have their tables, for each entry',
  msm: 'multi-scalar multiplication over points that came from the wire, for each point',
  points: 'canonical encodings to points and back, for each point',
  scalars: '128 16-bit rows of 4096 folded, an inner product of 4096 scalars, for each entry; and BLAKE3 over 4 MiB'
}

export const kernelBench: Bench = ({ tiny }) =>
  Object.entries(WHAT).map(([name, what]): Part => ({
    name,
    what,
    async run(report, settings) {
      if (name === 'field') return field(report, settings)
      for (const one of casesOf(name, tiny)) await measure(one, report, settings)
    }
  }))
