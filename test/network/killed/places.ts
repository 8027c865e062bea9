/** Where a side of a session that is killed has its store, and what it may have signed there. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { ExecutionContext } from 'ava'
import { fromHex, toHex } from '../../../src/bytes.js'
import { decodeMessage } from '../../../src/session/index.js'
import { openDatastore } from '../../../src/roles/platform.js'
import type { Store } from '../../../src/store/index.js'
import { temporaryFolder } from '../../daemon/folders.js'
import type { Home } from '../people.js'

type Teardown = Pick<ExecutionContext, 'teardown'>

export interface Place {
  readonly folder: string
  readonly key: Home['privateKey']
}

export async function place(t: Teardown): Promise<Place> {
  return { folder: await temporaryFolder(t), key: await generateKeyPair('Ed25519') }
}

export async function reopened(t: Teardown, { folder, key }: Place): Promise<Home> {
  const datastore = await openDatastore(folder)
  t.teardown(() => datastore.close())
  return { datastore, privateKey: key }
}

/** Nothing that a side has signed in any session contradicts anything else that it has signed. */
export async function consistent(t: ExecutionContext, { journals }: Store, side: 'user' | 'contributor'): Promise<void> {
  for (const { session } of await journals.list()) consistentBatches(t, await batchesOf({ journals }, session, side))
}

/** What a side has signed and written down of a session, in its order. */
export async function batchesOf(
  { journals }: Pick<Store, 'journals'>,
  session: string,
  side: 'user' | 'contributor'
): Promise<Uint8Array[]> {
  const records = await journals.of(fromHex(session)).load()
  return records.flatMap(record => (record.kind === `${side} batch` && 'own' in record ? [record.own] : []))
}

export function consistentBatches(t: ExecutionContext, batches: readonly Uint8Array[]): void {
  const hashes = new Map<number, string>()
  let closedAt = Infinity
  for (const bytes of batches) {
    const message = decodeMessage(bytes)
    const { accepted, closed, publicHash } = (message as { value: { tail: { accepted: number; closed: boolean; publicHash: Uint8Array } } })
      .value.tail
    t.is(hashes.get(accepted) ?? toHex(publicHash), toHex(publicHash))
    hashes.set(accepted, toHex(publicHash))
    t.true(accepted <= closedAt)
    if (closed) closedAt = accepted
  }
}
