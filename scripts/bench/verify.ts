/** `verify`: bundles of one adapter, one by one and many in one multiplication, on one thread. */
import { verify, verifyBatch, type VerifyItem } from '../../src/proof/index.js'
import { type GroupCommitments, proveJob } from './session/honest.js'
import { contributorJobs, kernel, random, userJobs } from './product.js'
import { sample, scaled, type Sample } from './sample.js'
import { makeActivations, register, type Shape, SHAPES } from './session/shapes.js'
import type { Bench, Part, Report, Settings } from './types.js'

const BATCHES = [10, 100]
const SECOND = 1000
/** Share of the budget that goes into making bundles: when there is no time for all, those made come again in a batch. */
const MAKING = 0.25

/** Bundles of different sessions of one adapter, as many as the time allows. */
async function makeBundles(shape: Shape, tokens: number, { most, seconds }: { most: number; seconds: number }): Promise<VerifyItem[]> {
  const { adapter, manifest } = register(shape)
  const activations = makeActivations(shape, tokens)
  const [user, contributor] = [userJobs(manifest), contributorJobs(adapter)]
  const commitments: GroupCommitments[] = []
  for (const group of activations.keys()) {
    const x = await user.commitInputs({ group, x: activations[group]! })
    const { h } = await contributor.answer({ group, x: activations[group]! })
    commitments.push({ x, ...(await contributor.commitOutputs({ group, h })) })
  }
  const items: VerifyItem[] = []
  const start = performance.now()
  while (items.length < most && (items.length === 0 || performance.now() - start < seconds * SECOND)) {
    // A context of its own each time: another session, other challenges, other points in the proof.
    const { bundle } = await contributor.prove(proveJob(adapter, activations, commitments))
    items.push({ manifest, bundle })
  }
  return items
}

async function measure(shape: Shape, tokens: number, report: Report, { seconds, budget }: Settings): Promise<void> {
  const items = await makeBundles(shape, tokens, { most: Math.max(...BATCHES), seconds: budget * MAKING })
  const single = await sample(() => verify({ kernel, random, ...items[0]! }), { seconds })
  const different = items.length < Math.max(...BATCHES) ? `; ${items.length} different ones` : ''
  const yardstick = { name: `one by one${different}`, median: single.median }
  const tell = (name: string, perBundle: Sample): void => {
    const { median, min, runs } = perBundle
    const beside = name.endsWith('/1') ? undefined : yardstick
    report.row({ case: name, metric: 'bundle', unit: 'ms', median, min, runs, yardstick: beside })
    const rate = { median: SECOND / median, min: SECOND / Math.max(...perBundle.values), runs }
    const besideRate = beside && { name: beside.name, median: SECOND / beside.median }
    report.row({ case: name, metric: 'perSecondAndCore', unit: '1/s', ...rate, yardstick: besideRate })
  }
  tell(`${shape.name}/1`, single)
  for (const size of BATCHES) {
    const batch = Array.from({ length: size }, (_, i) => items[i % items.length]!)
    const took = await sample(
      () => {
        const results = verifyBatch({ kernel, items: batch, random })
        const refused = results.find(result => result instanceof Error)
        if (refused !== undefined) throw refused as Error
      },
      { seconds }
    )
    tell(`${shape.name}/${size}`, scaled(took, 1 / size))
  }
}

function part(name: 'demo' | 'distilgpt2', tokens: number): Part {
  return {
    name,
    what: `bundles of the shape ${name}, ${tokens} tokens, of one adapter: one, and batches of ${BATCHES.join(' and ')}, for each bundle`,
    run: (report, settings) => measure(SHAPES[name], tokens, report, settings)
  }
}

export const verifyBench: Bench = () => [part('demo', 64), part('distilgpt2', 128)]
