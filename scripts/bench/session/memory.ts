/**
 * The prover's memory: a process that does what a contributor does from its start to the bundle (restore the adapter, answer, commit,
 * prove) and nothing else, and tells its highest RSS less the bytes of the weights. Node, tables and activations are counted in.
 * Usage: memory.js FILE
 */
import { restoreAdapter } from '../../../src/proof/index.js'
import { take } from './handover.js'
import { type GroupCommitments, proveJob } from './honest.js'
import { contributorJobs, kernel, random } from '../product.js'
import { makeActivations, makeAdapter, weightBytes } from './shapes.js'

const KIB_PER_MIB = 1024

const { shape, tokens, manifestBytes, secret, salt, x } = await take(process.argv[2]!)
const adapter = restoreAdapter({ kernel, adapter: makeAdapter(shape), manifestBytes, secret, salt, random })
const jobs = contributorJobs(adapter)
const activations = makeActivations(shape, tokens)
const commitments: GroupCommitments[] = []
for (const group of adapter.manifest.groups.keys()) {
  const { h } = await jobs.answer({ group, x: activations[group]! })
  commitments.push({ x: x[group]!, ...(await jobs.commitOutputs({ group, h })) })
}
await jobs.prove(proveJob(adapter, activations, commitments))
const peak = process.resourceUsage().maxRSS / KIB_PER_MIB - weightBytes(adapter.quantized) / KIB_PER_MIB ** 2
process.stdout.write(`${JSON.stringify({ peak })}\n`)
process.exit()
