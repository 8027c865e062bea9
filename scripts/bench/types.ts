/** What the benchmark measures and says. */

/** What stands next to a figure: the same work done another way, in the same run. */
export interface Yardstick {
  readonly name: string
  /** In the unit of the figure. */
  readonly median: number
}

/** What a figure cannot avoid: operations of the kernel, counted from the shape and measured one by one, on one thread. */
export interface Unavoidable {
  /** Milliseconds of all of them. */
  readonly sum: number
  /** Measured time on one thread by that sum. */
  readonly ratio: number
  /** How many, by what they are counted in. */
  readonly counts: Readonly<Record<string, number>>
}

/** One figure: a line of `--json`. */
export interface Row {
  readonly bench: string
  readonly case: string
  readonly metric: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly runs: number
  readonly yardstick?: Yardstick | undefined
  /** median by the yardstick's. */
  readonly ratio?: number | undefined
  /** The 99th of 100. */
  readonly p99?: number | undefined
  readonly operations?: Unavoidable | undefined
}

/** A case that was left out, and why. */
export interface Skipped {
  readonly bench: string
  readonly case: string
  readonly reason: string
}

export interface Machine {
  readonly machine: string
  readonly node: string
  /** Name of the kernel that was measured. */
  readonly kernel: string
}

export interface Results extends Machine {
  readonly cases: readonly Row[]
  readonly skipped: readonly Skipped[]
}

export interface Settings {
  /** Seconds for each figure, when one run takes less. */
  readonly seconds: number
  /** Seconds that a part may take by its estimate; beyond it is skipped. */
  readonly budget: number
  /** Sizes that only show that the benchmark works. */
  readonly tiny: boolean
}

/** Where a part tells what it found. */
export interface Report {
  row(row: Omit<Row, 'bench' | 'ratio'>): void
  skip(name: string, reason: string): void
}

/** Cases that are measured in one process of their own. */
export interface Part {
  readonly name: string
  /** What is done, for readers. */
  readonly what: string
  run(report: Report, settings: Settings): Promise<void>
}

/** Parts of a benchmark. */
export type Bench = (settings: Settings) => readonly Part[]

/** Lines by which the process of a part tells. */
export type Line =
  | { readonly type: 'row'; readonly row: Row }
  | { readonly type: 'skip'; readonly skipped: Skipped }
  | { readonly type: 'kernel'; readonly name: string }
