/** Contributors that cheat and a user that does not care: test code only. */
import { hidden, outputs } from '../../src/lora/delta.js'
import type { QuantizedAdapter } from '../../src/lora/types.js'
import {
  type CommittedAdapter,
  commitOutputs,
  decodeBundle,
  merkleRoot,
  type VerifiedManifest,
  type VerifiedProof
} from '../../src/proof/index.js'
import { type ContributorJobs, inlineContributorJobs, inlineUserJobs, type UserJobs } from '../../src/session/index.js'
import { kernel } from '../proof/fixture.js'
import { random } from './people.js'

/** The adapter with one weight changed by one, after it was advertised. */
export function otherWeights(adapter: QuantizedAdapter): QuantizedAdapter {
  const [first, ...others] = adapter.groups
  const [module, ...modules] = first!.modules
  const b = module!.b.slice()
  b[0]! += b[0]! > 0 ? -1 : 1
  return { ...adapter, groups: [{ ...first!, modules: [{ ...module!, b }, ...modules] }, ...others] }
}

/** Answers with other weights and commits as it should: what it committed to is not what it answered. */
export function answersOtherWeights(adapter: CommittedAdapter): ContributorJobs {
  const other = otherWeights(adapter.quantized)
  return {
    ...inlineContributorJobs({ kernel, adapter, random }),
    answer: async ({ group, x }) => {
      const count = x.length / other.groups[group]!.dIn
      const h = hidden(other.groups[group]!, x, count)
      return { h, y: outputs(other.groups[group]!, h, count) }
    }
  }
}

/** Answers with other weights and commits to those answers: every opening holds, and the proof is made as if all were well. */
export function commitsToOtherWeights(adapter: CommittedAdapter): ContributorJobs {
  const other = otherWeights(adapter.quantized)
  return {
    ...answersOtherWeights(adapter),
    commitOutputs: async ({ group, h }) => {
      const made = commitOutputs({ kernel, adapter, group, h, random })
      const { outputs: width, rank } = adapter.manifest.groups[group]!
      const count = h.length / rank
      const y = kernel.commitRows(kernel.generators('K', 0, width), outputs(other.groups[group]!, h, count), count)
      const cy = Array.from({ length: count }, (_, t) => {
        const blinding = kernel.scale(made.upsilon.subarray(32 * t, 32 * t + 32), kernel.generators('H', 0, 1))
        return kernel.add(kernel.slice(y, t, t + 1), blinding)
      })
      return { ...made, cy: kernel.encode(kernel.concat(cy)) }
    }
  }
}

/** Commits to nothing: the identity. */
export function commitsToIdentity(adapter: CommittedAdapter): ContributorJobs {
  const honest = inlineContributorJobs({ kernel, adapter, random })
  return {
    ...honest,
    commitOutputs: async job => {
      const made = await honest.commitOutputs(job)
      return { ...made, cy: made.cy.map((byte, i) => (i < 32 ? 0 : byte)) }
    },
    checkInputs: async ({ commitments }) => commitments
  }
}

/** A user that reads what the bundle says and looks at no proof. */
export function carelessJobs(manifest: VerifiedManifest): UserJobs {
  return {
    ...inlineUserJobs({ kernel, manifest, random }),
    verify: async bytes => {
      const { statement, digest, length } = decodeBundle(bytes, manifest)
      const { context, session, rows } = statement
      return {
        ...statement,
        ...context,
        root: merkleRoot(session, rows),
        owner: manifest.owner,
        whole: true,
        digest,
        bundleBytes: length
      } as unknown as VerifiedProof
    }
  }
}
