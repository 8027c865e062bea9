/** The sessions in which one side is killed. */
import type { PeerId } from '@libp2p/interface'
import type { ExecutionContext } from 'ava'
import { useNodeEd25519 } from '../../../src/roles/ed25519.js'
import { openRemoteAdapter, type RemoteAdapterInit } from '../../../src/roles/remote-adapter.js'
import type { UserSettling } from '../../../src/roles/settling/user.js'
import type { SessionInfo } from '../../../src/roles/types.js'
import { inlineUserJobs, type UserJobs } from '../../../src/session/index.js'
import { kernel, makeAdapter, register } from '../../proof/fixture.js'
import { activations, type Participant, random, settlingFor } from '../people.js'

// As nodes have it: many sessions have many signatures.
useNodeEd25519()

export const registered = register('killed', makeAdapter('killed', [{ dIn: 20, modules: [{ dOut: 12, rank: 2 }] }]))
const { manifest } = registered

/** A contributor that serves one peer as many sessions as it likes. */
export const MANY = { limits: { perPeer: 64 } }

/** The user's settling, which tries when it is told to. */
export const settlingOf = (t: ExecutionContext, user: Participant): UserSettling => settlingFor(t, user, manifest)

/** Four rows, four rows, and the end. */
export async function converse(user: Participant, peer: PeerId, settling?: RemoteAdapterInit['settling']): Promise<SessionInfo> {
  const adapter = await openRemoteAdapter({
    kernel,
    random,
    sessions: user.sessions,
    fetch: user.net.fetch,
    store: user.store,
    peer,
    manifest,
    rows: 100,
    commitRows: 4,
    settling
  })
  for (const position of [0, 4]) {
    await adapter.deltas({ group: 0, position, rows: activations(4, manifest.groups[0]!.dIn) })
    while (adapter.accepted < position + 4) {
      if (adapter.info().state !== 'open') return adapter.finish()
      await new Promise(resolve => setTimeout(resolve, 1))
    }
  }
  return adapter.finish()
}

/** Ten rows of which both have accepted four, the contributor alone four more, and two are answered and in no batch: then the line is cut. */
export async function breakOff(user: Participant, peer: PeerId, settling: UserSettling): Promise<string> {
  const { net, sessions, store } = user
  const inline = inlineUserJobs({ kernel, manifest, random })
  let [opened, come] = [(): void => {}, (): void => {}]
  const first = new Promise<void>(resolve => (opened = resolve))
  const second = new Promise<void>(resolve => (come = resolve))
  // The contributor's second batch comes, and is not opened.
  const checkOutputs: UserJobs['checkOutputs'] = async job => {
    if (job.firstRow > 0) {
      come()
      return new Promise(() => {})
    }
    const sums = await inline.checkOutputs(job)
    opened()
    return sums
  }
  const adapter = await openRemoteAdapter({
    ...{ kernel, random, sessions, store, peer, manifest, settling },
    ...{ fetch: net.fetch, rows: 100, commitRows: 4, jobs: { ...inline, checkOutputs } }
  })
  const ask = (position: number, count: number) => adapter.deltas({ group: 0, position, rows: activations(count, manifest.groups[0]!.dIn) })
  await ask(0, 4)
  await first
  while (adapter.accepted < 4) await new Promise(resolve => setImmediate(resolve))
  await ask(4, 4)
  await second
  await ask(8, 2)
  await adapter.abort(new Error('the line is cut'))
  return adapter.info().session
}
