/** What the jobs of a session compute, whatever thread they are done on. */
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

/** The same functions, with their results at once. */
export type Work<Jobs> = {
  readonly [Name in keyof Jobs]: Jobs[Name] extends (job: infer Job) => Promise<infer Result> ? (job: Job) => Result : never
}

export interface ContributorWorkInit {
  readonly kernel: Kernel
  readonly adapter: CommittedAdapter
  readonly random: Random
}

export function contributorWork({ kernel, adapter, random }: ContributorWorkInit): Work<ContributorJobs> {
  const { groups } = adapter.manifest
  return {
    answer: ({ group, x }) => {
      const quantized = adapter.quantized.groups[group]!
      const count = x.length / quantized.dIn
      const h = hidden(quantized, x, count)
      return { h, y: outputs(quantized, h, count) }
    },
    commitOutputs: ({ group, h }) => commitOutputs({ kernel, adapter, group, h, random }),
    checkInputs: ({ firstRow, runs, commitments, cy }) => {
      checkInputs({ kernel, random, firstRow, rows: runs.map(({ group, x }) => ({ group: groups[group]!, x })), commitments })
      return sumCommitments(kernel, commitments, cy)
    },
    prove: job => prove({ kernel, adapter, random, ...job })
  }
}

/** Bytes of a blinding. */
const SCALAR = 32

export interface UserWorkInit {
  readonly kernel: Kernel
  readonly manifest: VerifiedManifest
  readonly random: Random
}

export function userWork({ kernel, manifest, random }: UserWorkInit): Work<UserJobs> {
  const { groups } = manifest
  return {
    commitInputs: ({ group, x }) => commitInputs(kernel, groups[group]!, x),
    checkOutputs: ({ firstRow, runs, commitments, blindings, x }) => {
      let at = 0
      const rows = runs.map(({ group: index, y }) => {
        const group = groups[index]!
        const from = at
        at += (y.length / group.outputs) * SCALAR
        return { group, y, upsilon: blindings.subarray(from, at) }
      })
      checkOutputs({ kernel, random, firstRow, rows, commitments })
      return sumCommitments(kernel, x, commitments)
    },
    verify: bundle => verify({ kernel, manifest, bundle, random })
  }
}
