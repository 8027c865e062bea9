/**
 * The network as a service of somebody else's libp2p node: the same protocols, announcements and discovery on the components that
 * libp2p hands to its services.
 */
import type {
  AbortOptions,
  ComponentLogger,
  Connection,
  ContentRouting,
  Libp2pEvents,
  PeerId,
  PeerStore,
  PrivateKey,
  Startable,
  TypedEventTarget
} from '@libp2p/interface'
import type { GossipSub } from '@libp2p/gossipsub'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'
import { InvalidInputError } from '../errors.js'
import type { Registrar, StreamOpener } from './components.js'
import type { AnnounceService } from './announce/index.js'
import type { FetchService } from './fetch/index.js'
import { type Net, type NetInit, ownServices } from './index.js'
import { KAD_PROTOCOL, type NetHost } from './node.js'
import { type Keepers, keepersOf, type KeptNode } from './keepers.js'

/** What libp2p hands over; the services by the names under which the node has them. */
export interface NetComponents {
  peerId: PeerId
  privateKey: PrivateKey
  peerStore: PeerStore
  datastore: Datastore
  registrar: Registrar
  connectionManager: StreamOpener & {
    openConnection(peer: PeerId | Multiaddr | Multiaddr[], options?: AbortOptions): Promise<Connection>
    getConnections(peer?: PeerId): Connection[]
    getMaxConnections(): number
  }
  addressManager: { getAddresses(): Multiaddr[] }
  contentRouting: ContentRouting
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  dht?: KadDHT
  pubsub?: GossipSub
  ping?: Ping
}

export type EmbeddedInit = Pick<
  NetInit,
  'store' | 'topics' | 'catalogue' | 'roles' | 'fetch' | 'announce' | 'rejoinWait' | 'bootstrap' | 'counters'
>

/** @throws InvalidInputError that names the service that is missing, or the setting with which it would harm the network */
export function checkComponents(components: NetComponents): { dht: KadDHT; pubsub: GossipSub; ping: Ping } {
  const [dht, pubsub, ping] = [serviceOf(components, 'dht'), serviceOf(components, 'pubsub'), serviceOf(components, 'ping')]
  const remedy = 'start from libp2pDefaults() and add your own to it'
  if (dht === undefined || pubsub === undefined || ping === undefined) {
    const missing = Object.entries({ dht, pubsub, ping }).filter(([, service]) => service === undefined)
    throw new InvalidInputError(`the libp2p node has no service named ${missing.map(([name]) => name).join(', ')}: ${remedy}`)
  }
  const { protocol } = dht as unknown as { protocol?: string }
  if (protocol !== KAD_PROTOCOL) {
    throw new InvalidInputError(`service dht speaks ${protocol}, contributors are found by ${KAD_PROTOCOL}: ${remedy}`)
  }
  if (pubsub.globalSignaturePolicy !== 'StrictNoSign') {
    throw new InvalidInputError(
      `service pubsub has the signature policy ${pubsub.globalSignaturePolicy}, it has to be StrictNoSign: ${remedy}`
    )
  }
  return { dht, pubsub, ping }
}

/** libp2p throws for a service that the node does not have. */
function serviceOf<Name extends 'dht' | 'pubsub' | 'ping'>(components: NetComponents, name: Name): NetComponents[Name] {
  try {
    return components[name]
  } catch {
    return undefined
  }
}

/** A network on the components of a libp2p node. `start` when all its services have started. */
export function embeddedNet<Extra extends Record<string, Startable>>(
  components: NetComponents,
  init: EmbeddedInit,
  services: { [name in keyof Extra]: (components: NetComponents) => Extra[name] }
): Net<Extra> {
  const { dht, pubsub, ping } = checkComponents(components)
  const factories = ownServices(init, topic => keepers.discovery.joinTopics([topic]))
  const fetch: FetchService = factories.fetch(components)
  const announce: AnnounceService = factories.announce({
    pubsub,
    logger: components.logger,
    registrar: components.registrar,
    connectionManager: components.connectionManager,
    events: components.events
  })
  const more = Object.fromEntries(Object.entries(services).map(([name, factory]) => [name, factory(components)])) as Extra
  const node = hostOf(components, { dht, pubsub, ping, fetch, announce, ...more })
  const keepers: Keepers = keepersOf(node as unknown as KeptNode, init, components.connectionManager.getMaxConnections())
  const startable: Startable[] = [fetch, ...Object.values(more), announce]
  return {
    node: node as unknown as Net<Extra>['node'],
    fetch,
    announce,
    discovery: keepers.discovery,
    async start() {
      for (const service of startable) await service.start()
      announce.afterStart()
      keepers.start()
    },
    async stop() {
      await keepers.stop()
      for (const service of startable.reverse()) await service.stop()
    }
  }
}

/** A libp2p node as its own services see it. */
function hostOf(components: NetComponents, services: Record<string, unknown>): Omit<NetHost, 'services'> & { services: unknown } {
  const { peerId, peerStore, contentRouting, logger, events, connectionManager, addressManager } = components
  return {
    peerId,
    peerStore,
    contentRouting,
    logger,
    services,
    dial: (peer: PeerId | Multiaddr | Multiaddr[], options) => connectionManager.openConnection(peer, options),
    getPeers: () => [...new Map(connectionManager.getConnections().map(({ remotePeer }) => [remotePeer.toString(), remotePeer])).values()],
    getConnections: peer => connectionManager.getConnections(peer),
    getMultiaddrs: () => addressManager.getAddresses(),
    addEventListener: events.addEventListener.bind(events) as NetHost['addEventListener'],
    removeEventListener: events.removeEventListener.bind(events) as NetHost['removeEventListener']
  }
}
