/** Nodes of the product on the loopback interface, with stores in memory: what both processes of `rpc` are made of. */
import '../../../src/net/polyfill.js'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MemoryDatastore } from 'datastore-core'
import { createNet, type OwnNet } from '../../../src/net/index.js'
import { type SessionHost, type SessionService, sessionService } from '../../../src/net/session/index.js'
import { nodeTransports } from '../../../src/roles/platform.js'
import { Store } from '../../../src/store/index.js'

export interface LoopbackNode {
  readonly net: OwnNet<{ session: SessionService }>
  readonly store: Store
}

/** @param hostOf who serves sessions, made with the node's store */
export async function loopbackNode(role: 'user' | 'contributor', hostOf?: (store: Store) => Promise<SessionHost>): Promise<LoopbackNode> {
  const datastore = new MemoryDatastore()
  const store = await Store.open({ datastore })
  const net = await createNet<{ session: SessionService }>(
    {
      store,
      datastore,
      privateKey: await generateKeyPair('Ed25519'),
      transports: nodeTransports(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: '0.0.0',
      roles: [role],
      privateAddresses: true
    },
    { session: sessionService({ host: await hostOf?.(store) }) as never }
  )
  await net.start()
  return { net, store }
}
