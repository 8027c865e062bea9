/** The running hashes of a session: every message of both directions into its chain, every row into the public one. */
import { NET_LIMITS } from '../../../src/limits.js'
import { PrivateChain, PublicChain } from '../../../src/session/chains.js'
import { packActivations, packDeltas } from '../../../src/session/messages/packing.js'
import { type ContributorJobs, encodeMessage } from '../../../src/session/index.js'
import type { PublicRow } from '../../../src/proof/index.js'
import type { GroupCommitments } from './honest.js'
import { random } from '../product.js'
import { timed } from '../sample.js'
import type { Registered } from './shapes.js'

const ENTRY = 8
const OVERHEAD = 64

export interface Traffic {
  readonly x: readonly Int16Array[]
  readonly contributor: ContributorJobs
  readonly commitments: readonly GroupCommitments[]
  readonly rows: readonly PublicRow[]
}

/** Parts of so many rows that a frame of rows of this many bytes holds. */
function* framesOf(count: number, rowBytes: number): Generator<{ from: number; rows: number }> {
  const most = Math.max(1, Math.floor((NET_LIMITS.frameBytes - OVERHEAD) / rowBytes))
  for (let from = 0; from < count; from += most) yield { from, rows: Math.min(most, count - from) }
}

/** Messages of the user and of the contributor about one group. */
async function messagesOf({ adapter }: Registered, group: number, traffic: Traffic): Promise<[Uint8Array[], Uint8Array[]]> {
  const { dIn, outputs, modules } = adapter.manifest.groups[group]!
  const x = traffic.x[group]!
  const count = x.length / dIn
  const { y } = await traffic.contributor.answer({ group, x })
  const bits = adapter.manifest.activationBits
  const asked = [...framesOf(count, 2 * dIn)].map(({ from, rows }) => {
    const packed = packActivations(x.subarray(from * dIn, (from + rows) * dIn), bits)
    return encodeMessage({ rows: { request: group, group, position: from, count: rows, x: packed } })
  })
  const widths = modules.map(({ dOut }) => dOut)
  const answered = [...framesOf(count, ENTRY * outputs)].map(({ from, rows }) => {
    const packed = packDeltas(widths, y.subarray(from * outputs, (from + rows) * outputs), rows)
    return encodeMessage({ deltas: { request: group, firstRow: group * count + from, count: rows, ...packed } })
  })
  return [asked, answered]
}

/** Milliseconds of one side's hashing; the messages are made before its clock starts. */
export async function hashTraffic(registered: Registered, traffic: Traffic): Promise<number> {
  const session = random(32)
  const secrets = { user: random(32), contributor: random(32) }
  const [user, contributor, open] = [
    new PrivateChain('user', session, secrets),
    new PrivateChain('contributor', session, secrets),
    new PublicChain(session)
  ]
  let total = 0
  for (const group of traffic.x.keys()) {
    const [asked, answered] = await messagesOf(registered, group, traffic)
    total += await timed(() => {
      for (const message of asked) user.append(message)
      for (const message of answered) contributor.append(message)
    })
  }
  const commitments = traffic.commitments.map(({ x, cy, upsilon }) => ({ x, answer: [cy, upsilon] }))
  total += await timed(() => {
    for (const { x, answer } of commitments) {
      user.append(x)
      for (const part of answer) contributor.append(part)
    }
    for (const row of traffic.rows) open.append(row)
  })
  return total
}
