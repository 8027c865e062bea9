/** A whole participant: store, network, contributor, user and verifier, composed according to its roles. */
import '../net/polyfill.js'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Counters } from '../counters.js'
import { InvalidInputError, UnsupportedError } from '../errors.js'
import { type Kernel, wasmKernel, type WorkerPool } from '../kernel/index.js'
import { NET_LIMITS } from '../limits.js'
import { createNet, type Net, roleKey, topicOf } from '../net/index.js'
import { type SessionInit, type SessionService, sessionService } from '../net/session/index.js'
import type { Random } from '../proof/index.js'
import { Store } from '../store/index.js'
import { baseId, readBaseModel } from './base-model.js'
import { Contributor } from './contributor.js'
import { useNodeEd25519 } from './ed25519.js'
import { Events } from './events.js'
import { Finder } from './finder.js'
import { Inference } from './inference.js'
import { KnownProofs } from './known.js'
import type { NodeJobs, NodeOptions, ParticipantOptions } from './options.js'
import { OwnFeeds } from './own-feeds.js'
import { OwnAdapters } from './own-adapters.js'
import { nodeTransports, openDatastore } from './platform.js'
import { endStaleSessions } from './session-entry.js'
import { Status } from './status.js'
import type { FindParams, FindResult, GenerateParams, LossParams, Role, SessionInfo, ZkloraNode } from './types.js'
import { systemWords } from './system-error.js'
import { SAMPLING_KEY_BYTES, Verifier } from './verifier.js'
import { VERSION } from './version.js'
import { Witness } from './witness.js'
import { inlineUserJobs } from '../session/index.js'
import { UserSettling } from './settling/user.js'
import { type FileCheck, sessionWorkers } from './workers.js'

/** Milliseconds: a lookup waits for the DHT's first query of the own key, which itself waits for a peer. */
const FIRST_QUERY_AFTER = 50

const systemRandom: Random = bytes => crypto.getRandomValues(new Uint8Array(bytes))

type Datastore = Awaited<ReturnType<typeof openDatastore>>
type NodeNet = Net<{ session: SessionService }>

/** What a node is made of. */
interface Parts {
  readonly options: ParticipantOptions
  readonly datastore: Datastore
  readonly store: Store
  readonly kernel: Kernel
  /** Worker threads for sessions; none: this thread does their work. */
  readonly pool: WorkerPool | undefined
  readonly jobs: NodeJobs
  readonly verifyFile: FileCheck
  readonly events: Events
  readonly net: NodeNet
  readonly own: OwnAdapters
  readonly verifier: Verifier
  readonly contributor: Contributor | undefined
  readonly settling: UserSettling
  readonly witness: Witness
  readonly ownFeeds: OwnFeeds
  readonly counters: Counters
}

/** How a participant gets its network: made for it, or one that it is a service of. */
export type Connect = (given: Connecting) => Promise<NodeNet>

export interface Connecting {
  readonly store: Store
  readonly datastore: Datastore
  readonly counters: Counters
  readonly topics: readonly string[] | undefined
  readonly catalogue: (base: Uint8Array | null) => ReturnType<OwnAdapters['catalogue']>
  readonly session: SessionInit
}

/**
 * Opens the store, joins the network and takes up the roles. The data folder belongs to this node until `stop`.
 * @throws InvalidInputError for a store that another process has, or an address that cannot be listened on
 */
export function createNode(options: NodeOptions): Promise<ZkloraNode> {
  return openParticipant(options, ({ session, ...given }) =>
    createNet<{ session: SessionService }>(
      {
        ...given,
        privateKey: options.privateKey,
        transports: nodeTransports(),
        listen: [...(options.listen ?? [])],
        announceAddresses: [...(options.announce ?? [])],
        bootstrap: [...(options.bootstrap ?? [])],
        version: VERSION,
        roles: [...options.roles],
        privateAddresses: options.privateAddresses,
        metrics: options.metrics,
        initialQuerySelfInterval: FIRST_QUERY_AFTER
      },
      { session: sessionService(session) }
    )
  )
}

/** A participant over whatever network `connect` gives. @throws as createNode */
export async function openParticipant(options: ParticipantOptions, connect: Connect): Promise<ZkloraNode> {
  useNodeEd25519()
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
  const datastore = await openDatastore(join(options.dataDir, 'store'))
  try {
    const parts = await compose(options, datastore, connect)
    await start(parts)
    return participant(parts)
  } catch (error) {
    await datastore.close()
    throw error
  }
}

async function compose(options: ParticipantOptions, datastore: Datastore, connect: Connect): Promise<Parts> {
  const { roles, limits = {} } = options
  const topics = options.follow && [...new Set(options.follow.map(base => topicOf(baseId(base))))]
  const counters = new Counters()
  const store = await Store.open({ datastore, counters })
  await endStaleSessions(store)
  const events = new Events()
  const kernel = wasmKernel()
  const random = systemRandom
  const has = (role: Role): boolean => roles.includes(role)
  // The contributor announces over a network that is made with the contributor as its host.
  const late: { parts?: Parts } = {}
  const onLost = (error: Error): void => late.parts?.net.node.logger.forComponent('zklora:workers').error('%e', error)
  const workers = sessionWorkers({ kernel, random, threads: limits.threads, onLost }, options.jobs)
  const { pool, jobs, registration, checks, verifyFile } = workers
  const witness = new Witness({
    store,
    check: workers.evidence,
    log: () => late.parts!.net.node.logger.forComponent('zklora:evidence'),
    onEvidence: evidence => events.emit({ type: 'evidence', evidence })
  })
  const contributor = !has('contributor')
    ? undefined
    : new Contributor({
        kernel,
        random,
        store,
        jobs: jobs.contributor,
        limits: { ...(limits.bundleInputBytes !== undefined && { bundleInputBytes: limits.bundleInputBytes }) },
        counters,
        onSession: session => events.emit({ type: 'session', session }),
        announce: async ({ secretKey, ...given }) => {
          const { announce, node } = late.parts!.net
          await late.parts!.ownFeeds.upToDate(given.statement)
          const body = { ...given, time: BigInt(Date.now()), holder: node.peerId.toMultihash().bytes }
          return (await announce.announce(body, secretKey)).bytes
        }
      })
  const net = await connect({
    store,
    topics,
    datastore,
    counters,
    catalogue: base => late.parts!.own.catalogue(base),
    session: {
      host: contributor,
      counters,
      limits: {
        ...(limits.sessions !== undefined && { all: limits.sessions }),
        ...(limits.sessionsPerPeer !== undefined && { perPeer: limits.sessionsPerPeer })
      }
    }
  })
  const own = new OwnAdapters({ kernel, random, store, registration, contributor, discovery: net.discovery })
  const samplingKey = await store.secret('sampling', () => random(SAMPLING_KEY_BYTES))
  const verifier = new Verifier({ net, store, kernel, random, checks, witness, samplingKey, counters, topics, share: limits.verifierShare })
  verifier.listen(verdict => events.emit({ type: 'verdict', verdict }))
  const settling = new UserSettling({
    store,
    sessions: net.node.services.session,
    fetch: net.fetch,
    manifest: (adapter, peer) => verifier.manifest(adapter, [peer]),
    jobs: manifest => jobs.user?.(manifest) ?? inlineUserJobs({ kernel, manifest, random }),
    onSession: session => events.emit({ type: 'session', session }),
    counters
  })
  const parts: Parts = {
    ...{ options, datastore, store, kernel, pool, jobs, verifyFile, events, counters },
    ...{ net, own, verifier, contributor, settling, witness, ownFeeds: new OwnFeeds({ net, store }) }
  }
  late.parts = parts
  return parts
}

async function start({ options, store, net, own, verifier, contributor, settling }: Parts): Promise<void> {
  try {
    await net.start()
  } catch (cause) {
    await net.stop()
    // libp2p's message holds a stack for each address.
    const reason = /Error: (.*)/.exec((cause as Error).message)?.[1] ?? (cause as Error).message
    throw new InvalidInputError(`the node cannot listen on ${options.listen?.join(', ')}: ${reason}${systemWords(cause)}`, { cause })
  }
  await own.restore()
  await store.journals.expire(NET_LIMITS.keptJournalAge)
  await contributor?.start()
  await settling.start()
  if (options.roles.includes('verifier')) verifier.start()
}

/** The first half of what libp2p keeps of an Ed25519 key. */
function seedOf(key: NodeOptions['listedKey']): Uint8Array | undefined {
  return key?.raw.subarray(0, 32)
}

/** The node as everybody uses it. */
function participant({
  options,
  datastore,
  store,
  kernel,
  pool,
  jobs,
  verifyFile,
  events,
  net,
  own,
  verifier,
  contributor,
  settling,
  witness,
  counters
}: Parts): ZkloraNode {
  const started = Date.now()
  const random = systemRandom
  const status = new Status({
    ...{ net, store, verifier, counters, started },
    sessions: net.node.services.session,
    roles: options.roles,
    adapters: () => own.list(),
    privateAddresses: options.privateAddresses
  })
  const finder = new Finder({ net, store, verifier, witness, counters, hasBootstrap: (options.bootstrap ?? []).length > 0 })
  const known = new KnownProofs({ store, verifyFile, verifier })
  const inference = new Inference({
    kernel,
    random,
    store,
    net,
    finder,
    events,
    settling,
    witness,
    listedSeed: seedOf(options.listedKey),
    jobs: jobs.user
  })
  const asUser = (base: string): void => {
    if (!options.roles.includes('user')) throw new UnsupportedError('this node has not the role user: add it to its roles')
    if (options.advertiseUser === true) net.discovery.provide(roleKey('user', readBaseModel(base).id))
  }
  const stop = async (): Promise<void> => {
    status.stop()
    await inference.stop()
    await settling.stop()
    await verifier.stop()
    await witness.idle()
    await net.stop()
    await contributor?.stop()
    await pool?.stop()
    await store.close()
    await datastore.close()
  }
  let stopped: Promise<void> | undefined
  return {
    peerId: net.node.peerId.toString(),
    roles: [...options.roles],
    multiaddrs: () => net.node.getMultiaddrs().map(String),
    status: () => status.report(),
    addAdapter: (params, call) => own.add(params, call),
    listAdapters: () => own.list(),
    removeAdapter: id => own.remove(id),
    applyAdapter: (id, module, rows) => own.apply(id, module, rows),
    async find({ base, adapter }: FindParams, call): Promise<FindResult> {
      const id = base === undefined ? undefined : baseId(base)
      const { located: _located, omitted: _omitted, ...result } = await finder.find({ base: id, adapter, measure: true }, call)
      return result
    },
    async generate(params: GenerateParams, call) {
      asUser(params.base)
      return inference.generate(params, call)
    },
    async loss(params: LossParams, call) {
      asUser(params.base)
      return inference.loss(params, call)
    },
    async openModel(params, call) {
      asUser(params.base)
      return inference.open(params, call)
    },
    async sessions(): Promise<SessionInfo[]> {
      return (await store.sessions.list()).map(({ bundles: _bundles, announcement: _announcement, ...info }) => info)
    },
    exportProof: id => known.exportProof(id),
    openRow: (id, number) => known.openRow(id, number),
    verifyFile,
    verifyKnown: (id, call) => known.verify(id, call),
    verdicts: () => store.verdicts.list(),
    evidence: async () => store.evidence.list(),
    exportEvidence: id => witness.get(id),
    addEvidence: bytes => witness.add(bytes),
    watch: ({ signal = new AbortController().signal, onProgress = () => {} }) => events.watch(onProgress, signal),
    stop: () => (stopped ??= stop())
  }
}
