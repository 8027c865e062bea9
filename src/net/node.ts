/**
 * The libp2p node of a participant: what protocols/announce and network.md fix about it, in one place. Portable: transports,
 * datastore and key are passed in.
 */
import './polyfill.js'
import { bootstrap } from '@libp2p/bootstrap'
import { gossipsub, type GossipSub, type GossipsubOpts, StrictNoSign } from '@libp2p/gossipsub'
import { createTopicScoreParams, type TopicScoreParams } from '@libp2p/gossipsub/score'
import { identify, type Identify } from '@libp2p/identify'
import type { ComponentLogger, Libp2p, PrivateKey } from '@libp2p/interface'
import { type KadDHT, kadDHT, passthroughMapper, removePrivateAddressesMapper } from '@libp2p/kad-dht'
import { defaultLogger } from '@libp2p/logger'
import { ping, type Ping } from '@libp2p/ping'
import { noiseInWholeWrites } from './whole-writes.js'
import { yamux } from '@libp2p/yamux'
import type { Datastore } from 'interface-datastore'
import { createLibp2p, type Libp2pOptions, type ServiceFactoryMap } from 'libp2p'
import type { Counters } from '../counters.js'
import { ProtocolViolationError } from '../errors.js'
import { NET_LIMITS, TIMEOUTS } from '../limits.js'
import { gossipMessageId, TOPICS } from './announce/topics.js'
import { guardConnections, guardStreams } from './guard/index.js'
import { boundedKad } from './kept-providers.js'
import { countingLogger } from './libp2p-log.js'
import { deleteOwnProviderRecords } from './provider-records.js'

/** Provider records only; other implementations meet us by this name. */
export const KAD_PROTOCOL = '/zklora/kad/1.0.0'

const HOUR = 60 * 60 * 1000
/** Provider records of others live for 48 hours; own ones are renewed when they are 12 hours old. */
const PROVIDER_VALIDITY = 48 * HOUR
const PROVIDER_RENEWAL = 12 * HOUR

export interface NetNodeInit {
  privateKey: PrivateKey
  /** Holds peers and provider records; the same as the store's is fine (other keys). */
  datastore: Datastore
  transports: NonNullable<Libp2pOptions['transports']>
  /** Multiaddrs to listen on. */
  listen: string[]
  /** Multiaddrs told to others instead of those listened on. */
  announceAddresses?: string[] | undefined
  /** Multiaddrs with /p2p/ of the first peers. */
  bootstrap?: string[] | undefined
  /** For identify: `zklora/VERSION (roles)`. */
  version: string
  roles: readonly string[]
  /**
   * True on one machine or a LAN: private addresses are kept in DHT answers and many peers of one address are no reason for
   * suspicion (otherwise gossipsub mutes the 11th, and libp2p refuses the 6th connection a second).
   */
  privateAddresses?: boolean | undefined
  logger?: ComponentLogger | undefined
  /** Where it is counted what libp2p decides by itself. */
  counters?: Counters | undefined
  /** Where libp2p counts. */
  metrics?: Libp2pOptions['metrics'] | undefined
  /** Milliseconds between connecting and the first DHT query of one's own keys; default that of kad-dht, 1 s. */
  initialQuerySelfInterval?: number | undefined
  /** Settings of gossipsub that differ from the network's; for tests of them. */
  gossip?: Partial<GossipsubOpts> | undefined
}

export type NetServices = {
  identify: Identify
  ping: Ping
  dht: KadDHT
  pubsub: GossipSub
}

/** libp2p with the network's settings and whatever services are added. */
export type NetNode<Extra extends Record<string, unknown> = Record<never, unknown>> = Libp2p<NetServices & Extra>

/** What the rooms to the right use of a node: one that is made here, or the libp2p node of somebody else that we are a service of. */
export type NetHost<Extra extends Record<string, unknown> = Record<never, unknown>> = Pick<
  NetNode<Extra>,
  | 'peerId'
  | 'peerStore'
  | 'contentRouting'
  | 'logger'
  | 'dial'
  | 'getPeers'
  | 'getConnections'
  | 'getMultiaddrs'
  | 'addEventListener'
  | 'removeEventListener'
> & { readonly services: NetServices & Extra }

/** The agent version of identify. */
export function agentVersion(version: string, roles: readonly string[]): string {
  return `zklora/${version} (${roles.join(',')})`
}

/** Roles from a peer's agent version; none for software that is not ours. */
export function rolesOfAgent(agent: string | undefined): string[] {
  const match = /^zklora\/\S+ \(([a-z,]{0,64})\)$/.exec(agent ?? '')
  return match === null ? [] : match[1]!.split(',').filter(role => role !== '')
}

/**
 * What a peer's messages do to its score: only those that are wrong by their bytes count, nine of them within minutes and it is not
 * listened to (gossipsub's graylist at −80). Who is quiet is not punished: most topics are quiet.
 */
const TOPIC_SCORE: TopicScoreParams = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -1,
  /** A second; half of it is forgotten in four minutes. */
  invalidMessageDeliveriesDecay: 0.997
})

/** Entries of one gossip message, of each kind; gossipsub's own are 5,000. There are 16 topics, and 50 announcements a second at most. */
const RPC_LIMITS: NonNullable<GossipsubOpts['decodeRpcLimits']> = {
  maxSubscriptions: 128,
  maxMessages: 1_000,
  maxControlMessages: 128,
  maxIhaveMessageIDs: 1_000,
  maxIwantMessageIDs: 1_000,
  maxIdontwantMessageIDs: 512,
  maxPeerInfos: 16
}

function gossipSettings(init: Pick<NetNodeInit, 'privateAddresses' | 'gossip'>): Partial<GossipsubOpts> {
  return {
    globalSignaturePolicy: StrictNoSign,
    // Others would be kept, and carried on for whoever asks for them, unseen by the validator.
    allowedTopics: [...TOPICS],
    msgIdFn: message => gossipMessageId(message.topic, message.data),
    fallbackToFloodsub: false,
    floodPublish: true,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    seenTTL: NET_LIMITS.gossipSeenTtl,
    maxInboundDataLength: NET_LIMITS.gossipRpcBytes,
    decodeRpcLimits: RPC_LIMITS,
    maxOutboundBufferSize: NET_LIMITS.gossipOutboundBytes,
    scoreParams: {
      topics: Object.fromEntries(TOPICS.map(topic => [topic, TOPIC_SCORE])),
      ...(init.privateAddresses === true ? { IPColocationFactorWeight: 0 } : {})
    },
    ...init.gossip
  }
}

function refuseValue(): never {
  throw new ProtocolViolationError('values are not stored in this DHT: it has provider records only')
}

/** What is the network's about a libp2p node, whoever makes it: muxer, identify, ping, the DHT and gossip, with their settings. */
export type NetSettings = Pick<
  Libp2pOptions,
  'nodeInfo' | 'connectionEncrypters' | 'streamMuxers' | 'connectionManager' | 'connectionGater' | 'connectionMonitor' | 'peerStore'
> & {
  services: ServiceFactoryMap<NetServices>
}

export function netSettings(
  init: Pick<NetNodeInit, 'version' | 'roles' | 'privateAddresses' | 'initialQuerySelfInterval' | 'gossip' | 'counters'>
): NetSettings {
  return {
    nodeInfo: { name: 'zklora', version: init.version, userAgent: agentVersion(init.version, init.roles) },
    connectionEncrypters: [noiseInWholeWrites(init.counters)],
    streamMuxers: [
      guardStreams(
        yamux({
          streamOptions: {
            maxStreamWindowSize: NET_LIMITS.windowBytes,
            maxReadBufferLength: NET_LIMITS.unreadBytes,
            maxWriteBufferLength: NET_LIMITS.unsentBytes,
            inactivityTimeout: TIMEOUTS.idle
          }
        }),
        KAD_PROTOCOL,
        init.counters
      )
    ],
    connectionGater: guardConnections(init),
    connectionManager: {
      dialTimeout: TIMEOUTS.dial,
      maxConnections: NET_LIMITS.connections,
      maxIncomingPendingConnections: NET_LIMITS.handshakes,
      ...(init.privateAddresses === true ? { inboundConnectionThreshold: Infinity } : {})
    },
    // One ping at a time is allowed, and one that comes late is no death: a peer that computes a proof, or is pinged by us as well,
    // would lose its sessions. Every wait on a peer has a timeout of its own.
    connectionMonitor: { abortConnectionOnPingFailure: false },
    // Forgotten by rules of our own: see known-peers.ts.
    peerStore: { maxAddressAge: Infinity, maxPeerAge: NET_LIMITS.knownPeerAge },
    services: {
      identify: identify(),
      ping: ping(),
      dht: boundedKad(
        kadDHT({
          protocol: KAD_PROTOCOL,
          clientMode: false,
          peerInfoMapper: init.privateAddresses === true ? passthroughMapper : removePrivateAddressesMapper,
          reprovide: { validity: PROVIDER_VALIDITY, threshold: PROVIDER_VALIDITY - PROVIDER_RENEWAL },
          // Provider records only: by default everybody may store public keys, for ever.
          validators: { pk: refuseValue },
          ...(init.initialQuerySelfInterval === undefined ? {} : { initialQuerySelfInterval: init.initialQuerySelfInterval })
        }),
        init.counters
      ),
      pubsub: gossipsub(gossipSettings(init))
    } as unknown as ServiceFactoryMap<NetServices>
  }
}

/** Libp2p's own logger when there is nothing to be changed about it. */
function loggerOf({ logger, counters }: Pick<NetNodeInit, 'logger' | 'counters'>): Pick<Libp2pOptions, 'logger'> {
  if (counters !== undefined) return { logger: countingLogger(logger ?? defaultLogger(), counters) }
  return logger === undefined ? {} : { logger }
}

/**
 * Makes a node that is not started yet.
 * @param services more of them, by name; each finds the others in its components
 */
export async function createNetNode<Extra extends Record<string, unknown> = Record<never, unknown>>(
  init: NetNodeInit,
  services: ServiceFactoryMap<Extra> = {} as ServiceFactoryMap<Extra>
): Promise<NetNode<Extra>> {
  // Intents of a run that crashed: what is true now is provided anew.
  await deleteOwnProviderRecords(init.datastore, init.privateKey)
  const settings = netSettings(init)
  const options: Libp2pOptions<NetServices & Extra> = {
    ...settings,
    start: false,
    privateKey: init.privateKey,
    datastore: init.datastore,
    addresses: { listen: init.listen, ...(init.announceAddresses?.length ? { announce: init.announceAddresses } : {}) },
    transports: init.transports,
    peerDiscovery: init.bootstrap?.length ? [bootstrap({ list: init.bootstrap, timeout: 0 })] : [],
    ...loggerOf(init),
    ...(init.metrics === undefined ? {} : { metrics: init.metrics }),
    services: { ...services, ...settings.services } as unknown as ServiceFactoryMap<NetServices & Extra>
  }
  return createLibp2p(options)
}
