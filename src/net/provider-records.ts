/** Keys of the DHT (protocols/announce) and what kad-dht keeps of our own provider records. */
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Datastore } from 'interface-datastore'
import { CID } from 'multiformats/cid'
import { create as createMultihash } from 'multiformats/hashes/digest'
import { utf8 } from '../bytes.js'
import { hash } from '../kernel/hash.js'
import { PROVIDER_PREFIX } from './kept-providers.js'

/** Codec raw, multihash SHA2-256 of the digest: js-libp2p's kad-dht reads keys with `CID.decode` and refuses every other multihash. */
const RAW = 0x55
const SHA2_256 = 0x12

function cidOf(digest: Uint8Array): CID {
  return CID.createV1(RAW, createMultihash(SHA2_256, sha256(digest)))
}

/** Contributors for a base model, or users of it. */
export function roleKey(role: 'contributor' | 'user', base: Uint8Array): CID {
  return cidOf(hash('zklora/v1/dht/role', utf8(role), base))
}

/** Who serves an adapter, or keeps its feed and bundles. */
export function adapterKey(adapter: Uint8Array): CID {
  return cidOf(hash('zklora/v1/dht/adapter', adapter))
}

/** Verifiers of a gossip topic. */
export function topicKey(topic: string): CID {
  return cidOf(hash('zklora/v1/dht/topic', utf8(topic)))
}

/**
 * kad-dht remembers what was provided and provides it again for ever, also after a crash and when it is no longer true: a node
 * that starts provides nothing until it says so.
 */
export async function deleteOwnProviderRecords(datastore: Datastore, privateKey: PrivateKey): Promise<void> {
  const own = `/${peerIdFromPrivateKey(privateKey).toString()}`
  const batch = datastore.batch()
  for await (const key of datastore.queryKeys({ prefix: PROVIDER_PREFIX })) if (key.toString().endsWith(own)) batch.delete(key)
  await batch.commit()
}
