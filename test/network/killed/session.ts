/** The session in which one side is killed: four rows, four rows, and the end. */
import type { PeerId } from '@libp2p/interface'
import { openRemoteAdapter, type RemoteAdapterInit } from '../../../src/roles/remote-adapter.js'
import type { SessionInfo } from '../../../src/roles/types.js'
import { kernel, register } from '../../proof/fixture.js'
import { activations, type Participant, random } from '../people.js'

export const registered = register('killed')
const { manifest } = registered

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
