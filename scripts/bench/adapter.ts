/** `adapter`: registering an adapter with the certificates of all its modules, and checking them. */
import { type Kernel, wasmKernel } from '../../src/kernel/index.js'
import { type CommitAdapterInit, commitAdapter, publicKeyOf, registerAdapter, verifyManifest } from '../../src/proof/index.js'
import { sessionWorkers } from '../../src/roles/workers.js'
import { kernel, noble, random } from './product.js'
import { collect, type Sample, sample, summary, timed } from './sample.js'
import { makeAdapter, modulesOf, OWNER_SECRET, type Shape, SHAPES, smallShape } from './session/shapes.js'
import type { Bench, Part, Report, Settings, Yardstick } from './types.js'

const THREADS = 2
const KIB_PER_MIB = 1024
/** Milliseconds from which on a registration is measured once. */
const LONG = 30_000

function initOf(shape: Shape, { weightBits, on = kernel }: { weightBits?: number | undefined; on?: Kernel } = {}): CommitAdapterInit {
  return {
    kernel: on,
    adapter: makeAdapter(shape, weightBits),
    base: new Uint8Array(32).fill(3),
    name: shape.name,
    ownerKey: publicKeyOf(OWNER_SECRET),
    secret: random(32),
    salt: random(32),
    random
  }
}

/** On the worker threads of a node, as `adapter add` does it. */
async function measure(shape: Shape, report: Report, { seconds }: Settings): Promise<void> {
  const { pool, registration: jobs } = sessionWorkers({ kernel, random, threads: THREADS })
  const init = initOf(shape)
  let commits = 0
  const make = async (): Promise<{ manifest: Awaited<ReturnType<typeof registerAdapter>>['manifest']; took: number }> => {
    const began = performance.now()
    const onProgress = (done: number, total: number): void => {
      if (2 * done === total) commits = performance.now() - began
    }
    const { manifest } = await registerAdapter({ ...init, jobs, onProgress })
    return { manifest, took: performance.now() - began }
  }
  const first = await make()
  // Before anything is checked: Node, the weights, the threads with their tables and generators are counted in.
  const peak = process.resourceUsage().maxRSS / KIB_PER_MIB
  const committed: number[] = []
  const took =
    first.took > LONG
      ? summary([first.took])
      : await collect(
          async () => {
            const { took: again } = await make()
            committed.push(commits)
            return again
          },
          { seconds }
        )
  if (committed.length === 0) committed.push(commits)
  await pool!.stop()
  const { manifest } = first
  const say = (metric: string, unit: string, { median, min, runs }: Sample, yardstick?: Yardstick): void =>
    report.row({ case: shape.name, metric, unit, median, min, runs, yardstick })
  say('make', 'ms', took, { name: 'the commitments alone', median: summary(committed).median })
  const checked = await sample(() => verifyManifest({ kernel, manifest, random }), { seconds })
  say('check', 'ms', checked)
  say('bytes', 'bytes', summary([manifest.certificates.length / modulesOf(shape)]))
  say('manifestBytes', 'bytes', summary([manifest.bytes.length]))
  say('peakMemory', 'MiB', summary([peak]))
}

const SMALL_BITS = 8

/** On one thread, with both kernels in turn. */
async function compare(shape: Shape, report: Report, { seconds }: Settings): Promise<void> {
  const effort = { seconds, least: 1 }
  const [ours, theirs] = [wasmKernel(), noble].map(on => initOf(shape, { weightBits: SMALL_BITS, on })) as [
    CommitAdapterInit,
    CommitAdapterInit
  ]
  const make = await sample(() => commitAdapter(ours), { seconds })
  const slow = summary([await timed(() => commitAdapter(theirs))])
  const say = (metric: string, { median, min, runs }: Sample, yardstick: Sample): void =>
    report.row({ case: shape.name, metric, unit: 'ms', median, min, runs, yardstick: { name: 'noble', median: yardstick.median } })
  say('make', make, slow)
  const { manifest } = commitAdapter(ours)
  const check = (on: Kernel) => sample(() => verifyManifest({ kernel: on, manifest, random }), effort)
  say('check', await check(kernel), await check(noble))
}

function part(shape: Shape, what: string): Part {
  return { name: shape.name, what, run: (report, settings) => measure(shape, report, settings) }
}

const small = { ...smallShape(1), name: 'small' }

export const adapterBench: Bench = ({ tiny }) =>
  tiny
    ? [part(SHAPES.tiny, '2 modules 20 → 12, rank 2, 2 threads')]
    : [
        {
          name: 'small',
          what: '1 module 128 → 384, rank 8, 8 bits, one thread',
          run: (report, settings) => compare(small, report, settings)
        },
        part(SHAPES.distilgpt2, '6 modules 768 → 2304, rank 16 (295k weights), 12 bits, 2 threads; checked on one'),
        part(
          SHAPES['llama8b-qv'],
          '32 groups of q 4096 → 4096 and v 4096 → 1024, rank 16 (6.8M weights), 12 bits, 2 threads; checked on one'
        )
      ]
