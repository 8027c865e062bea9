/** Real nodes on loopback, over stores in memory. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { MemoryDatastore } from 'datastore-core'
import type { PeerId } from '@libp2p/interface'
import type { ExecutionContext } from 'ava'
import type { Datastore } from 'interface-datastore'
import { Counters } from '../../src/counters.js'
import { createNet, type OwnNet, type NetInit } from '../../src/net/index.js'
import { nodeTransports } from '../../src/roles/platform.js'
import { Store } from '../../src/store/index.js'

export interface TestNode {
  readonly net: OwnNet
  readonly store: Store
  /** What it counts, in all its parts. */
  readonly counters: Counters
  readonly datastore: Datastore
  /** With /p2p/. */
  readonly address: string
}

export type TestNodeInit = Partial<Omit<NetInit, 'store'>>

/** A started node; stopped when the test ends. */
export async function startNode(t: ExecutionContext, init: TestNodeInit = {}): Promise<TestNode> {
  const datastore = init.datastore ?? new MemoryDatastore()
  const counters = new Counters()
  const store = await Store.open({ datastore, counters })
  const net = await createNet({
    privateKey: await generateKeyPair('Ed25519'),
    transports: nodeTransports(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    version: '0.0.0',
    roles: ['verifier'],
    privateAddresses: true,
    initialQuerySelfInterval: 10,
    ...init,
    datastore,
    counters,
    store
  })
  await net.start()
  t.teardown(() => net.stop())
  return { net, store, counters, datastore, address: net.node.getMultiaddrs()[0]!.toString() }
}

/** What libp2p and its services dispatch events from, whatever the events. */
interface Target {
  addEventListener(name: never, listener: never): void
  removeEventListener(name: never, listener: never): void
}

/** Resolves at the first event whose detail passes. */
export async function event<T>(target: Target, name: string, passes: (detail: T) => boolean): Promise<T> {
  return new Promise(resolve => {
    const listener = ({ detail }: { detail: T }): void => {
      if (!passes(detail)) return
      target.removeEventListener(name as never, listener as never)
      resolve(detail)
    }
    target.addEventListener(name as never, listener as never)
  })
}

/** Connects two nodes, each knowing what the other speaks. */
type Net = Pick<TestNode, 'net'>

export async function connect(from: Net, to: Net): Promise<void> {
  const knows = (node: Net, other: Net): Promise<unknown> =>
    event<{ peerId: PeerId }>(node.net.node, 'peer:identify', ({ peerId }) => peerId.equals(other.net.node.peerId))
  const both = Promise.all([knows(from, to), knows(to, from)])
  await from.net.node.dial(to.net.node.getMultiaddrs())
  await both
}

/** Connects two verifiers and waits until they exchange the gossip of a topic. */
export async function mesh(from: TestNode, to: TestNode, topic: string): Promise<void> {
  const grafted = event<{ peerId: string; topic: string }>(
    from.net.node.services.pubsub,
    'gossipsub:graft',
    graft => graft.peerId === to.net.node.peerId.toString() && graft.topic === topic
  )
  await connect(from, to)
  await grafted
}
