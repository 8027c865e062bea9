/** The jobs of a session in this thread, one after the other; between two of them the event loop gets its turn. */
import { hidden, outputs } from '../../lora/delta.js'
import {
  checkInputs,
  checkOutputs,
  commitInputs,
  commitOutputs,
  type CommittedAdapter,
  prove,
  type Random,
  sumCommitments,
  type VerifiedManifest,
  verify
} from '../../proof/index.js'
import type { Kernel } from '../../kernel/types.js'
import type { ContributorJobs, UserJobs } from './jobs.js'

/** Bytes of a blinding. */
const SCALAR = 32

/** Timers, input and output come first, then the job. */
async function afterOthers<T>(job: () => T): Promise<T> {
  await new Promise(resolve => setTimeout(resolve, 0))
  return job()
}

export function inlineContributorJobs(init: {
  readonly kernel: Kernel
  readonly adapter: CommittedAdapter
  readonly random: Random
}): ContributorJobs {
  const { kernel, adapter, random } = init
  const { groups } = adapter.manifest
  return {
    answer: ({ group, x }) =>
      afterOthers(() => {
        const quantized = adapter.quantized.groups[group]!
        const count = x.length / quantized.dIn
        const h = hidden(quantized, x, count)
        return { h, y: outputs(quantized, h, count) }
      }),
    commitOutputs: ({ group, h }) => afterOthers(() => commitOutputs({ kernel, adapter, group, h, random })),
    checkInputs: ({ firstRow, runs, commitments, cy }) =>
      afterOthers(() => {
        checkInputs({ kernel, random, firstRow, rows: runs.map(({ group, x }) => ({ group: groups[group]!, x })), commitments })
        return sumCommitments(kernel, commitments, cy)
      }),
    prove: job => afterOthers(() => prove({ kernel, adapter, random, ...job }))
  }
}

export function inlineUserJobs(init: { readonly kernel: Kernel; readonly manifest: VerifiedManifest; readonly random: Random }): UserJobs {
  const { kernel, manifest, random } = init
  const { groups } = manifest
  return {
    commitInputs: ({ group, x }) => afterOthers(() => commitInputs(kernel, groups[group]!, x)),
    checkOutputs: ({ firstRow, runs, commitments, blindings, x }) =>
      afterOthers(() => {
        let at = 0
        const rows = runs.map(({ group: index, y }) => {
          const group = groups[index]!
          const from = at
          at += (y.length / group.outputs) * SCALAR
          return { group, y, upsilon: blindings.subarray(from, at) }
        })
        checkOutputs({ kernel, random, firstRow, rows, commitments })
        return sumCommitments(kernel, x, commitments)
      }),
    verify: bundle => afterOthers(() => verify({ kernel, manifest, bundle, random }))
  }
}
