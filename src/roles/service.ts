/**
 * A participant as a service of a libp2p node of your own.
 *
 *     import { createLibp2p } from 'libp2p'
 *     import { tcp } from '@libp2p/tcp'
 *     import { libp2pDefaults, zklora } from 'zklora'
 *
 *     const { services, ...defaults } = libp2pDefaults({ roles: ['verifier'] })
 *     const libp2p = await createLibp2p({
 *       ...defaults,
 *       addresses: { listen: ['/ip4/0.0.0.0/tcp/4001'] },
 *       transports: [tcp()],
 *       services: { ...services, zklora: zklora({ dataDir: './data', roles: ['verifier'] }) }
 *     })
 *     await libp2p.services.zklora.node.find({ base: 'models/novels' })
 *
 * The node needs services `dht`, `pubsub` and `ping` by these names, with the network's settings; libp2pDefaults gives them.
 * What the node provided to the DHT in an earlier run is forgotten at its start: what is true now is provided anew. A program that keeps
 * provider records of its own in the same datastore provides them again after the start, as it would have to after 48 hours anyway.
 */
import '../net/polyfill.js'
import type { Startable } from '@libp2p/interface'
import { InvalidInputError } from '../errors.js'
import { checkComponents, deleteOwnProviderRecords, embeddedNet, type NetComponents, netSettings, type NetSettings } from '../net/index.js'
import { sessionService } from '../net/session/index.js'
import { openParticipant } from './node.js'
import type { ParticipantOptions } from './options.js'
import type { Role, ZkloraNode } from './types.js'
import { VERSION } from './version.js'

export type ZkloraInit = Omit<ParticipantOptions, 'listen'>

/**
 * Settings of libp2p with which a node takes part: who it says it is, encryption, muxer, and the services identify, ping, dht and pubsub.
 * @param init.privateAddresses true on one machine or a LAN
 */
export function libp2pDefaults(init: { roles: readonly Role[]; privateAddresses?: boolean }): NetSettings {
  return netSettings({ version: VERSION, ...init })
}

/** Starts with the libp2p node, and stops with it. */
export class ZkloraService implements Startable {
  private running: ZkloraNode | undefined

  /** @throws InvalidInputError for a libp2p node that lacks what this needs */
  constructor(
    private readonly components: NetComponents,
    private readonly init: ZkloraInit
  ) {}

  readonly [Symbol.toStringTag] = 'zklora'

  /** The participant, while the libp2p node runs. @throws InvalidInputError before it has started */
  get node(): ZkloraNode {
    if (this.running === undefined) throw new InvalidInputError('the libp2p node has not started: call its start() first')
    return this.running
  }

  isStarted(): boolean {
    return this.running !== undefined
  }

  /** Before the DHT looks at what it provided in an earlier run. */
  async beforeStart(): Promise<void> {
    checkComponents(this.components)
    await deleteOwnProviderRecords(this.components.datastore, this.components.privateKey)
  }

  start(): void {}

  /** When the DHT and gossip run. */
  async afterStart(): Promise<void> {
    this.running = await openParticipant(this.init, async ({ session, datastore: _own, ...given }) =>
      embeddedNet(
        this.components,
        { ...given, roles: [...this.init.roles], bootstrap: [...(this.init.bootstrap ?? [])] },
        { session: sessionService(session) }
      )
    )
  }

  /** Sessions are closed while the connections are still there. */
  async beforeStop(): Promise<void> {
    await this.running?.stop()
    this.running = undefined
  }

  stop(): void {}
}

/** The factory for `services` of createLibp2p. */
export function zklora(init: ZkloraInit): (components: NetComponents) => ZkloraService {
  return components => new ZkloraService(components, init)
}
