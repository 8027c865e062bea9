/** What is measured: the product's kernel and jobs, chosen in this one place. The noble kernel stays the yardstick. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { type Kernel, nobleKernel, wasmKernel } from '../../src/kernel/index.js'
import { kernelMemory } from '../../src/kernel/wasm/memory.js'
import type { CommittedAdapter, Random, VerifiedManifest } from '../../src/proof/index.js'
import { useNodeEd25519 } from '../../src/roles/ed25519.js'
import { sessionWorkers, type SessionWorkers } from '../../src/roles/workers.js'
import { type ContributorJobs, inlineContributorJobs, inlineUserJobs, type UserJobs } from '../../src/session/index.js'

// As a node does.
useNodeEd25519()

export const noble = nobleKernel()
export const kernel: Kernel = wasmKernel()

export const random: Random = bytes => {
  const out = new Uint8Array(bytes)
  // What the system gives at a time.
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(out.subarray(at, at + 65_536))
  return out
}

/** In this thread: what the work itself takes. */
export function userJobs(manifest: VerifiedManifest): UserJobs {
  return inlineUserJobs({ kernel, manifest, random })
}

export function contributorJobs(adapter: CommittedAdapter): ContributorJobs {
  return inlineContributorJobs({ kernel, adapter, random })
}

/** As a node does them: on worker threads, one less than there are cores. */
export function nodeJobs(): SessionWorkers {
  return sessionWorkers({ kernel, random })
}

/** Bytes of a pair of field elements. */
const PAIR = 80

/** `count` field multiplications of the product's kernel: pairs, each on the result of the one before. */
export function multiplyField(count: number): void {
  const memory = kernelMemory()
  memory.start()
  memory.exports.mulTimes(memory.room(PAIR), memory.room(PAIR), count / 2)
}

export function nobleMultiplications(count: number): void {
  const { Fp } = ed25519.Point
  let value = ed25519.Point.BASE.X
  for (let i = 0; i < count; i++) value = Fp.mul(value, value)
}
