/** What `createNode` is told. */
import type { PrivateKey } from '@libp2p/interface'
import type { Libp2pOptions } from 'libp2p'
import type { CommittedAdapter, VerifiedManifest } from '../proof/index.js'
import type { ContributorJobs, UserJobs } from '../session/index.js'
import type { Role } from './types.js'

/** What a participant is told, whatever its network. */
export type ParticipantOptions = Omit<NodeOptions, 'privateKey' | 'announce' | 'metrics'>

export interface NodeOptions {
  /** Folder of the store and of the model cache; made when it is not there. One process at a time. */
  dataDir: string
  /** Ed25519: who this node is. */
  privateKey: PrivateKey
  /** What it does for others. Everything kept in the store can be listed and verified without any role. */
  roles: readonly Role[]
  /** Multiaddrs to listen on; none: it only dials. */
  listen?: readonly string[] | undefined
  /** Multiaddrs told to others instead of those listened on. */
  announce?: readonly string[] | undefined
  /** Multiaddrs, with /p2p/, of the first peers. */
  bootstrap?: readonly string[] | undefined
  /** True on one machine or a LAN: peers at private addresses are found too. */
  privateAddresses?: boolean | undefined
  /** Ed25519: the key that contributors have listed for this user, when it is not this node's own. */
  listedKey?: PrivateKey | undefined
  /** Base models (folders or identifiers) whose announcements a verifier follows, and what shares their topics; default: all there are. */
  follow?: readonly string[] | undefined
  /** True: the DHT is told which base models this user runs. */
  advertiseUser?: boolean | undefined
  /** Where libp2p counts, such as @libp2p/prometheus-metrics. */
  metrics?: Libp2pOptions['metrics'] | undefined
  limits?: NodeLimits | undefined
  /** Who does the heavy work of sessions; default: worker threads (limits.threads). */
  jobs?: NodeJobs | undefined
}

export interface NodeJobs {
  contributor?: ((adapter: CommittedAdapter) => ContributorJobs) | undefined
  user?: ((manifest: VerifiedManifest) => UserJobs) | undefined
}

export interface NodeLimits {
  /** Sessions served at a time, in all and to one peer. */
  sessions?: number | undefined
  sessionsPerPeer?: number | undefined
  /** Worker threads for the commitments and proofs of sessions; default: one less than cores. 0: this thread does their work. */
  threads?: number | undefined
  /** Bytes of activations (two for each number) that a session served here may have until it is proved; default 1 GiB. */
  bundleInputBytes?: number | undefined
  /** Of the time of the threads that verify, what announced bundles may take: above 0, at most 1; default 0.5. */
  verifierShare?: number | undefined
}
