/** Nodes that ask one another for what they hold: honest ones, and one that is answered for by hand. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import type { ExecutionContext } from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { equal } from '../../../src/bytes.js'
import { Counters } from '../../../src/counters.js'
import { hash } from '../../../src/kernel/hash.js'
import { FETCH_PROTOCOL, type FetchInit, type FetchService, fetchService, type FetchSource } from '../../../src/net/fetch/index.js'
import { decodeRequest, type Request } from '../../../src/net/fetch/messages.js'
import { createNetNode, type NetNode } from '../../../src/net/node.js'
import { FrameStream } from '../../../src/net/streams.js'
import { nodeTransports } from '../../../src/roles/platform.js'

export const bundleDigest = (bytes: Uint8Array): Uint8Array => hash('zklora/v1/bundle', bytes)
/** More than two pieces. */
export const LARGE = Uint8Array.from({ length: 600_000 }, (_, i) => i * 7)
export const DIGEST = bundleDigest(LARGE)
export const WAIT = { what: 'a test', milliseconds: 10_000 }

/** A node with nothing but these services, stopped when the test ends. */
export async function startPeer<Extra extends Record<string, unknown>>(
  t: ExecutionContext,
  services: Parameters<typeof createNetNode<Extra>>[1]
) {
  const node = await createNetNode<Extra>(
    {
      privateKey: await generateKeyPair('Ed25519'),
      datastore: new MemoryDatastore(),
      transports: nodeTransports(),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: '0.0.0',
      roles: [],
      privateAddresses: true
    },
    services
  )
  await node.start()
  t.teardown(() => node.stop())
  return node
}

export type FetchNode = NetNode<{ fetch: FetchService }>

/** A node that asks, and one for each source that it knows the addresses of. */
export async function network(t: ExecutionContext, sources: FetchSource[], init: Partial<FetchInit> = {}) {
  const blamed: string[] = []
  const [counters, theirs] = [new Counters(), new Counters()]
  const asker: FetchNode = await startPeer(t, {
    fetch: fetchService({
      source: {},
      counters,
      onBlame: (peer, error) => blamed.push(`${holders.findIndex(holder => holder.equals(peer))} ${error.name}`),
      ...init
    })
  })
  const nodes: FetchNode[] = await Promise.all(
    sources.map(source => startPeer(t, { fetch: fetchService({ source, limits: init.limits, counters: theirs }) }))
  )
  const holders = nodes.map(({ peerId }) => peerId)
  for (const node of nodes) await asker.peerStore.patch(node.peerId, { multiaddrs: node.getMultiaddrs() })
  return { fetch: asker.services.fetch, holders, nodes, blamed, asker, counters, theirs }
}

/** Has these bundles. */
export const holding = (...bundles: Uint8Array[]): FetchSource => ({
  bundle: async digest => bundles.find(bytes => equal(bundleDigest(bytes), digest))
})

/** A peer whose streams are answered by hand. */
export async function scripted(
  t: ExecutionContext,
  answer: (frames: FrameStream, request: Request, stream: Stream) => Promise<void>,
  init: Partial<FetchInit> = {}
) {
  const liar = await startPeer(t, {})
  await liar.handle(FETCH_PROTOCOL, async (stream: Stream, connection: Connection) => {
    const frames = new FrameStream(stream, { peer: connection.remotePeer.toString() })
    try {
      await answer(frames, decodeRequest((await frames.read(WAIT))!), stream)
    } catch (error) {
      frames.abort(error)
    }
  })
  const { fetch, asker, blamed, counters } = await network(t, [], init)
  await asker.peerStore.patch(liar.peerId, { multiaddrs: liar.getMultiaddrs() })
  return { fetch, peer: liar.peerId, blamed, counters, connect: () => asker.dial(liar.getMultiaddrs()) }
}

/** One frame after the other. */
export async function send(frames: FrameStream, ...list: Uint8Array[]): Promise<void> {
  for (const frame of list) await frames.write(frame, WAIT)
}
