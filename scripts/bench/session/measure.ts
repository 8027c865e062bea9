/** One session measured job by job, as the product does them, over a prefill of so many tokens. */
import { fileURLToPath } from 'node:url'
import { Participant } from '../../demo/participant.js'
import { floatDeltas } from './floats.js'
import { hand } from './handover.js'
import { type GroupCommitments, proveJob } from './honest.js'
import { contributorJobs, userJobs } from '../product.js'
import { collect, type Sample, timed } from '../sample.js'
import { makeActivations, modulesOf, register, type Shape } from './shapes.js'
import { hashTraffic } from './traffic.js'
import type { Report, Settings, Unavoidable } from '../types.js'
import { ofContributorCommit, ofProve, ofUserCommit, ofVerify, unavoidable } from './unavoidable.js'

const MEMORY = fileURLToPath(new URL('./memory.js', import.meta.url))
/** Milliseconds from which on a job is measured twice after its first run, and not three times. */
const LONG = 10_000

export interface Session {
  /** Of the case. */
  readonly name: string
  readonly shape: Shape
  readonly tokens: number
  /** False: prove and verify alone. */
  readonly whole: boolean
}

export async function measureSession({ name, shape, tokens, whole }: Session, report: Report, { seconds }: Settings): Promise<void> {
  const registered = register(shape)
  const { adapter, manifest } = registered
  const x = makeActivations(shape, tokens)
  const [user, contributor] = [userJobs(manifest), contributorJobs(adapter)]
  const groups = [...x.keys()]
  /** Once to warm up; what is long is done at least twice more, and not more often. */
  const runs = async (work: () => Promise<number>): Promise<Sample> => {
    const first = await work()
    return collect(work, first > LONG ? { seconds: 0, least: 2 } : { seconds, most: 50 })
  }
  /** One after the other: what belongs to a group is made before its clock starts. */
  const eachGroup = (begin: (group: number) => () => unknown): Promise<Sample> =>
    runs(async () => {
      let total = 0
      for (const group of groups) total += await timed(begin(group))
      return total
    })
  const allGroups = (job: (group: number) => Promise<unknown>): Promise<Sample> => runs(() => timed(() => Promise.all(groups.map(job))))

  const floats = await eachGroup(group => floatDeltas(adapter.quantized.groups[group]!, x[group]!))
  const yardstick = { name: 'the float deltas', median: floats.median }
  const say = (metric: string, { median, min, runs: count }: Sample, operations?: Unavoidable): void =>
    report.row({ case: name, metric, unit: 'ms', median, min, runs: count, yardstick, operations })

  const userCommit = (group: number): Promise<Uint8Array> => user.commitInputs({ group, x: x[group]! })
  const h: Float64Array[] = []
  for (const group of groups) h.push((await contributor.answer({ group, x: x[group]! })).h)
  const contributorCommit = (group: number): ReturnType<typeof contributor.commitOutputs> =>
    contributor.commitOutputs({ group, h: h[group]! })
  if (whole) {
    const userTook = await allGroups(userCommit)
    say('userCommit', userTook, await unavoidable(ofUserCommit(shape, tokens), userTook))
    say('contributorDelta', await eachGroup(group => () => contributor.answer({ group, x: x[group]! })))
    const contributorTook = await allGroups(contributorCommit)
    say('contributorCommit', contributorTook, await unavoidable(ofContributorCommit(shape, tokens), contributorTook))
  }

  const commitments: GroupCommitments[] = []
  for (const group of groups) commitments.push({ x: await userCommit(group), ...(await contributorCommit(group)) })
  const job = proveJob(adapter, x, commitments)
  if (whole) say('hash', await runs(() => hashTraffic(registered, { x, contributor, commitments, rows: job.rows })))
  const proveTook = await runs(() => timed(() => contributor.prove(job)))
  say('prove', proveTook, await unavoidable(ofProve(shape, tokens), proveTook))
  const { bundle } = await contributor.prove(job)
  const verifyTook = await runs(() => timed(() => user.verify(bundle)))
  say('verify', verifyTook, await unavoidable(ofVerify(shape, tokens), verifyTook))

  const once = (metric: string, unit: string, value: number): void =>
    report.row({ case: name, metric, unit, median: value, min: value, runs: 1 })
  once('bundleBytes', 'bytes', bundle.length)
  once('bytesPerTokenModule', 'bytes', bundle.length / (tokens * modulesOf(shape)))
  if (whole) once('peakMemory', 'MiB', await proverMemory({ shape, tokens, adapter, commitments }))
}

/** In a process of its own. */
async function proverMemory(given: Parameters<typeof hand>[0]): Promise<number> {
  const { file, remove } = await hand(given)
  try {
    const process = new Participant('memory', [MEMORY, file])
    const line = await process.line('the peak', LONGEST, ({ peak }) => peak !== undefined)
    await process.exited
    return line['peak'] as number
  } finally {
    await remove()
  }
}

/** Milliseconds for a process that does the contributor's part once. */
const LONGEST = 600_000
