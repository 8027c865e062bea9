/** Warm measurements: median, minimum and number of runs. */

export interface Sample {
  readonly median: number
  readonly min: number
  readonly runs: number
  readonly values: readonly number[]
}

export interface Effort {
  /** Seconds after which no further run begins. */
  readonly seconds: number
  /** Runs at least, however long they take, and at most. */
  readonly least?: number
  readonly most?: number
}

const LEAST_RUNS = 3
const MOST_RUNS = 500
/** Milliseconds of runs before those that count: enough for the compilers of V8. A run that takes longer is warm after one. */
const WARM_UP = 100

export function summary(values: readonly number[]): Sample {
  return { median: quantile(values, 0.5), min: Math.min(...values), runs: values.length, values }
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * at
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!]
  return low + (high - low) * (place - Math.floor(place))
}

/** Every value of a sample times a factor: another unit. */
export function scaled({ values }: Sample, factor: number): Sample {
  return summary(values.map(value => value * factor))
}

/** Milliseconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Runs work that takes its own time, in milliseconds, until there are enough values. */
export async function collect(work: () => Promise<number>, { seconds, least = LEAST_RUNS, most = MOST_RUNS }: Effort): Promise<Sample> {
  const before = performance.now()
  do await work()
  while (performance.now() - before < WARM_UP)
  const values: number[] = []
  const start = performance.now()
  while (values.length < least || (values.length < most && performance.now() - start < seconds * 1000)) values.push(await work())
  return summary(values)
}

/** Milliseconds of a run of the work. */
export function sample(work: () => unknown, effort: Effort): Promise<Sample> {
  return collect(() => timed(work), effort)
}

/** Runs that take their own time, each kind in its turn, so that all meet the machine in the same state. */
export async function inTurn(kinds: readonly (() => Promise<number>)[], effort: Effort): Promise<Sample[]> {
  const values: number[][] = kinds.map(() => [])
  const first = await collect(async () => {
    for (const [i, work] of kinds.entries()) values[i]!.push(await work())
    return values[0]!.at(-1)!
  }, effort)
  return values.map(of => summary(of.slice(-first.runs)))
}
