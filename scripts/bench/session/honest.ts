/** An honest session of the product's own jobs, without network: tokens of a prefill at every group, then the proof. */
import {
  type CommittedAdapter,
  publicKeyOf,
  publicNext,
  publicStart,
  type ProveInit,
  type SessionContext,
  type SessionRow,
  sessionId,
  signTail,
  sumCommitments
} from '../../../src/proof/index.js'
import type { OutputCommitments } from '../../../src/session/index.js'
import { kernel, random } from '../product.js'
import { OWNER_SECRET, USER_SECRET } from './shapes.js'

const POINT = 32

/** What was committed to at one group: tokens × 32 bytes each. */
export interface GroupCommitments extends OutputCommitments {
  /** The user's. */
  readonly x: Uint8Array
}

/** What a contributor's prove job is given. */
export type ProveJob = Omit<ProveInit, 'kernel' | 'adapter' | 'random' | 'publicAtStart'>

export function contextOf({ manifest }: CommittedAdapter, rows: number): SessionContext {
  return {
    userNonce: random(POINT),
    contributorNonce: random(POINT),
    userKey: publicKeyOf(USER_SECRET),
    contributorKey: publicKeyOf(OWNER_SECRET),
    adapter: manifest.id,
    base: manifest.base,
    started: 1_700_000_000n,
    activationBits: manifest.activationBits,
    weightBits: manifest.weightBits,
    rows,
    groups: manifest.groups.map((_, g) => g)
  }
}

/** Rows of group after group, and both tails over them, closed. */
export function proveJob(
  adapter: CommittedAdapter,
  activations: readonly Int16Array[],
  commitments: readonly GroupCommitments[]
): ProveJob {
  const rows: SessionRow[] = []
  commitments.forEach(({ x: xs, cy, eta }, group) => {
    const { dIn } = adapter.manifest.groups[group]!
    const sums = sumCommitments(kernel, xs, cy)
    const at = (packed: Uint8Array, t: number): Uint8Array => packed.subarray(t * POINT, (t + 1) * POINT)
    for (let t = 0; t < xs.length / POINT; t++) {
      const x = activations[group]!.subarray(t * dIn, (t + 1) * dIn)
      rows.push({ number: rows.length, group, position: t, s: at(sums, t), xCommitment: at(xs, t), x, eta: at(eta, t) })
    }
  })
  const context = contextOf(adapter, rows.length)
  const session = sessionId(context)
  const publicHash = rows.reduce(publicNext, publicStart(session))
  const tail = { rows: rows.length, accepted: rows.length, closed: true, publicHash, privateHash: random(POINT) }
  return {
    context,
    rows,
    userTail: signTail({ secretKey: USER_SECRET, role: 'user', session, tail }),
    contributorTail: signTail({ secretKey: OWNER_SECRET, role: 'contributor', session, tail })
  }
}
