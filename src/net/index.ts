/**
 * A participant's network: the libp2p node with fetch, announce and discovery, over one store.
 *
 *     const net = await createNet({ store, roles: ['verifier'], version, privateKey, datastore, transports: [tcp()], listen })
 *     await net.start()
 */
import type { ServiceFactoryMap } from 'libp2p'
import type { Datastore } from 'interface-datastore'
import { NET_LIMITS } from '../limits.js'
import { keptManifest, type Store } from '../store/index.js'
import { type AnnounceInit, type AnnounceService, announceService, TOPICS } from './announce/index.js'
import { SignatureChecks } from './announce/checks.js'
import type { Discovery } from './discovery.js'
import { type FetchInit, type FetchService, fetchService, type FetchSource } from './fetch/index.js'
import { createNetNode, type NetHost, type NetNode, type NetNodeInit } from './node.js'
import { keepersOf, type KeptNode } from './keepers.js'

export * from './announce/index.js'
export * from './discovery.js'
export { checkComponents, embeddedNet, type EmbeddedInit, type NetComponents } from './embedded.js'
export * from './fetch/index.js'
export * from './node.js'
export { adapterKey, deleteOwnProviderRecords, roleKey, topicKey } from './provider-records.js'

export interface NetInit extends NetNodeInit {
  datastore: Datastore
  store: Store
  /** Topics that a verifier follows; default: all. */
  topics?: readonly string[] | undefined
  /** What this node serves, for one base model or all; absent for who serves nothing. */
  catalogue?: FetchSource['catalogue'] | undefined
  fetch?: Omit<FetchInit, 'source'> | undefined
  announce?: Pick<AnnounceInit, 'limits' | 'now'> | undefined
  /** Milliseconds until a node without peers dials its bootstrap nodes again; doubles with each attempt. */
  rejoinWait?: number | undefined
}

type OwnServices = { fetch: FetchService; announce: AnnounceService }

export interface Net<Extra extends Record<string, unknown> = Record<never, unknown>> {
  readonly node: NetHost<OwnServices & Extra>
  readonly fetch: FetchService
  readonly announce: AnnounceService
  readonly discovery: Discovery
  start(): Promise<void>
  stop(): Promise<void>
}

/** With a libp2p node of its own. */
export interface OwnNet<Extra extends Record<string, unknown> = Record<never, unknown>> extends Net<Extra> {
  readonly node: NetNode<OwnServices & Extra>
}

/** What this node answers fetch requests with. */
export function storeSource(store: Store, catalogue?: FetchSource['catalogue']): FetchSource {
  return {
    manifest: id => keptManifest(store, id),
    bundle: digest => store.bundles.get(digest),
    feed: (feed, from, count) => store.feeds.range(feed, from, count),
    heads: (topic, since, most) => store.feeds.heads(topic, since, most),
    ...(catalogue === undefined ? {} : { catalogue })
  }
}

/** What every participant has: fetch and announcements, over its store. */
export function ownServices(
  init: Pick<NetInit, 'store' | 'topics' | 'catalogue' | 'roles' | 'fetch' | 'announce' | 'counters'>,
  onLonely: (topic: string) => void
): {
  fetch: ReturnType<typeof fetchService>
  announce: ReturnType<typeof announceService>
} {
  const { store, topics = TOPICS, catalogue, roles, counters } = init
  const follow = roles.includes('verifier') ? topics : []
  const checks = new SignatureChecks(init.announce?.limits?.gossipSignatures)
  return {
    fetch: fetchService({ source: storeSource(store, catalogue), checks, counters, ...init.fetch }),
    announce: announceService({ store, follow, onLonely, checks, counters, ...init.announce })
  }
}

/** Makes a network that is not started yet. @param services more libp2p services, such as the contributor's sessions */
export async function createNet<Extra extends Record<string, unknown> = Record<never, unknown>>(
  init: NetInit,
  services: ServiceFactoryMap<Extra> = {} as ServiceFactoryMap<Extra>
): Promise<OwnNet<Extra>> {
  const lonely: { tell: (topic: string) => void } = { tell: () => {} }
  const node = await createNetNode<OwnServices & Extra>(init, {
    ...services,
    ...ownServices(init, topic => lonely.tell(topic))
  } as unknown as ServiceFactoryMap<OwnServices & Extra>)
  const own = node.services as unknown as OwnServices
  const keepers = keepersOf(node as unknown as KeptNode, init, NET_LIMITS.connections)
  const { discovery } = keepers
  lonely.tell = topic => discovery.joinTopics([topic])
  return {
    node,
    fetch: own.fetch,
    announce: own.announce,
    discovery,
    async start() {
      await node.start()
      keepers.start()
    },
    async stop() {
      await keepers.stop()
      await node.stop()
    }
  }
}
