/**
 * The verifier: hears announcements, fetches manifest and bundle, verifies, keeps verdicts, and hands out what it keeps. Until it
 * is verified here a bundle is "announced", never "valid".
 */
import { setMaxListeners } from 'node:events'
import type { Logger, PeerId } from '@libp2p/interface'
import { equal, fromHex, toHex } from '../bytes.js'
import type { Counters, LimitName } from '../counters.js'
import { isPeerError, NotFoundError } from '../errors.js'
import type { Kernel } from '../kernel/index.js'
import { NET_LIMITS } from '../limits.js'
import { adapterKey, type Heard, type Net, peersOfHolder, topicKey, TOPICS } from '../net/index.js'
import { decodeManifest, type Random, type VerifiedManifest, type VerifiedProof, verifyBatch, verifyManifest } from '../proof/index.js'
import { checkStatement, type FeedAnnouncement, keptManifest, type Store } from '../store/index.js'
import { announcedOwner, type Announcement } from '../wire/announcement.js'
import { Backlog, BACKLOG_LIMITS, type BacklogLimits, verificationPoints } from './verifying/backlog.js'
import { Batches, type BatchChecks } from './verifying/batches.js'
import { CatchUp } from './catch-up.js'
import { Gate } from './gate.js'
import { Obtaining, type ObtainLimits, type WantedBundle } from './verifying/obtain.js'
import { Share, type ShareClock, systemClock } from './verifying/share.js'
import type { VerdictInfo } from './types.js'
import type { Witness } from './witness.js'

/** Announcements whose bytes are fetched at a time. */
const FETCHES = 8
const STRANGER_FETCHES = 2
/** Of one owner: bundles that nobody has must not keep those of others waiting. */
const OWNER_FETCHES = 2
/** Of the time of the threads that verify. */
const SHARE = 0.5
export const SAMPLING_KEY_BYTES = 32

/** The heavy work. */
export interface VerifierChecks extends BatchChecks {
  /** @throws MalformedMessageError, LimitExceededError, InvalidProofError */
  manifest(bytes: Uint8Array): Promise<VerifiedManifest>
}

export interface VerifierInit {
  net: Pick<Net, 'announce' | 'fetch' | 'discovery'> & {
    readonly node: Pick<Net['node'], 'peerId' | 'logger' | 'peerStore' | 'getPeers' | 'addEventListener' | 'removeEventListener'>
  }
  store: Store
  /** Topics that are followed; default: all. */
  topics?: readonly string[] | undefined
  kernel: Kernel
  random: Random
  /** On other threads; default: in this one. */
  checks?: VerifierChecks | undefined
  /** 32 secret bytes by which bundles are sampled, the same after a restart; default: drawn now. */
  samplingKey?: Uint8Array | undefined
  /** Of the time of the threads that verify, what announced bundles may take: above 0, at most 1; default 0.5. */
  share?: number | undefined
  /** Told of what shows that a contributor broke its word. */
  witness?: Pick<Witness, 'announced' | 'refused' | 'proved'> | undefined
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined
  /** By which busy time is measured. */
  clock?: ShareClock | undefined
  /** Of the node. */
  counters?: Counters | undefined
  /** Bounds that differ from the defaults. */
  limits?: Partial<VerifierLimits> | undefined
}

export interface VerifierLimits extends ObtainLimits {
  /** Bundles that wait to be verified. */
  readonly backlog: BacklogLimits
  /** Announcements that are looked at; beyond them they are dropped (and found later by their index). */
  readonly verifierQueue: number
  readonly verifierQueuePerOwner: number
  /** Those of adapters whose manifest is not here: they share few manifests a minute, and must not keep the others out. */
  readonly verifierQueueUnknown: number
}

export interface VerifierCounters {
  /** Waiting or worked on. */
  queued: number
  /** Among them, those whose adapter and feed are looked at. */
  arriving: number
  /** Announcements dropped, by reason. */
  dropped: Record<(typeof DROP_REASONS)[number], number>
}

/** Why the verifier drops what gossip has taken. */
export const DROP_REASONS = [
  'queue full',
  'queue of the owner full',
  'queue of unknown adapters full',
  'owner',
  'conflict',
  'known',
  'past'
] as const

/** What is told of an announcement's place in its feed. */
interface Told {
  readonly onGap: () => void
  /** Another has it, or its neighbours are of another story. */
  readonly onConflict: () => void
}

export class Verifier {
  readonly counters: VerifierCounters = {
    queued: 0,
    arriving: 0,
    dropped: Object.fromEntries(DROP_REASONS.map(reason => [reason, 0])) as VerifierCounters['dropped']
  }
  private readonly listeners = new Set<(verdict: VerdictInfo) => void>()
  private readonly fetches = new Gate(FETCHES)
  private readonly strangers = new Gate(STRANGER_FETCHES)
  private readonly owners = new Map<string, { readonly gate: Gate; arriving: number; queued: number }>()
  private readonly backlog: Backlog
  private readonly batches: Batches
  /** What announced bundles and their manifests may take of the processor. */
  private readonly share: Share
  private readonly obtaining: Obtaining
  private readonly working = new Set<Promise<void>>()
  private readonly controller = new AbortController()
  private readonly catchUp: CatchUp
  private readonly limits: VerifierLimits
  private readonly checks: VerifierChecks
  private readonly now: () => number
  private readonly log: Logger
  private unlisten = (): void => {}

  constructor(private readonly init: VerifierInit) {
    // Everything under way waits on it: Node warns from the 11th on.
    setMaxListeners(0, this.controller.signal)
    this.checks = init.checks ?? ownChecks(init)
    const { share = SHARE, clock = systemClock, samplingKey = init.random(SAMPLING_KEY_BYTES) } = init
    this.share = new Share({ share, lanes: this.checks.atOnce, clock })
    this.batches = new Batches(this.checks, this.share, this.controller.signal)
    this.now = init.now ?? Date.now
    this.log = init.net.node.logger.forComponent('zklora:verifier')
    this.limits = { backlog: BACKLOG_LIMITS, ...NET_LIMITS, ...init.limits }
    this.backlog = new Backlog({ key: samplingKey, limits: this.limits.backlog, signal: this.controller.signal, counters: init.counters })
    const { net, store } = init
    this.catchUp = new CatchUp({
      net,
      store,
      topics: init.topics,
      now: this.now,
      signal: this.controller.signal,
      counters: init.counters,
      isKnown: async adapter => (await store.adapters.has(adapter)) || (await store.manifests.has(adapter)),
      consider: (read, from) => this.consider(read, from),
      onStory: read => init.witness?.announced(read)
    })
    this.obtaining = new Obtaining({
      net,
      store,
      check: bytes => this.checks.manifest(bytes),
      share: this.share,
      clock,
      limits: this.limits,
      counters: init.counters
    })
  }

  /** The network has started. */
  start(): void {
    const { announce, discovery } = this.init.net
    this.unlisten = announce.listen(heard => this.take(heard))
    const { topics = TOPICS } = this.init
    for (const topic of topics) discovery.provide(topicKey(topic))
    discovery.joinTopics(topics)
    this.track(this.serveKept())
    this.catchUp.start()
  }

  /** Fetches under way are given up; verdicts of what was not looked at stay "announced". */
  async stop(): Promise<void> {
    this.unlisten()
    this.catchUp.stop()
    this.controller.abort(new NotFoundError('the node is stopping'))
    await this.idle()
  }

  /** Told of each verdict, also of "announced". Returns how to end it. */
  listen(listener: (verdict: VerdictInfo) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Resolves when nothing is waiting or worked on. */
  async idle(): Promise<void> {
    while (this.working.size > 0 || this.catchUp.busy) await Promise.all([...this.working, this.catchUp.idle()])
  }

  /** Bundles that wait to be verified, their points, and how many were skipped since the start. */
  get backlogged(): Backlog['counts'] {
    return this.backlog.counts
  }

  /** What verifying may take of the processor, and what it takes. */
  get load(): Share['load'] {
    return this.share.load
  }

  /**
   * The manifest of an adapter, verified: the kept one, or fetched from these holders, then from who provides it in the DHT.
   * @throws NotFoundError, InvalidProofError and what fetch throws
   */
  async manifest(adapter: Uint8Array, holders: readonly PeerId[], signal?: AbortSignal): Promise<VerifiedManifest> {
    return this.obtaining.manifest(adapter, holders, signal)
  }

  /** The bundle's bytes: the kept ones, or fetched as `manifest` is. */
  async bundle(of: WantedBundle, holders: readonly PeerId[], signal?: AbortSignal): Promise<Uint8Array> {
    return this.obtaining.bundle(of, holders, signal)
  }

  /** Verifies with others that wait, its adapter's owner in turn with theirs. @throws InvalidProofError, MalformedMessageError, LimitExceededError */
  async verify(manifest: VerifiedManifest, bundle: Uint8Array): Promise<{ proof: VerifiedProof; elapsed: number }> {
    return this.batches.verify({ manifest, bundle })
  }

  private take({ read, from }: Heard): void {
    const owner = this.owners.get(toHex(announcedOwner(read.announcement)))
    if (this.counters.arriving >= this.limits.verifierQueue) return this.drop('queue full', 'verifierQueue')
    if ((owner?.arriving ?? 0) >= this.limits.verifierQueuePerOwner) return this.drop('queue of the owner full', 'verifierQueuePerOwner')
    const peers = [from, ...peersOfHolder(read.announcement.holder)]
    const onGap = (): void => this.catchUp.gap(read, peers)
    this.track(this.queue(read, { onGap, onConflict: () => this.catchUp.stories(read, peers) }))
  }

  private drop(reason: keyof VerifierCounters['dropped'], limit: LimitName): void {
    this.counters.dropped[reason]++
    this.init.counters?.limits.add(limit)
  }

  /** An announcement that was missed when it was new; the catch-up paces itself. Resolves when it has its verdict. */
  private async consider(read: FeedAnnouncement, from: PeerId): Promise<void> {
    await this.queue(read, { onGap: () => {}, onConflict: () => this.catchUp.stories(read, [from]) })
  }

  private async queue(read: FeedAnnouncement, told: Told): Promise<void> {
    const name = toHex(announcedOwner(read.announcement))
    const owner = this.owners.get(name) ?? { gate: new Gate(OWNER_FETCHES), arriving: 0, queued: 0 }
    this.owners.set(name, owner)
    this.counters.queued++
    owner.queued++
    try {
      const points = await this.arrive(read, owner, told)
      if (points !== undefined) await this.sample(read, { owner: name, points, gate: owner.gate })
    } finally {
      this.counters.queued--
      owner.queued--
      if (owner.queued === 0) this.owners.delete(name)
    }
  }

  /** Points of a bundle that is announced rightly and not known yet; undefined when there is nothing to be verified. */
  private async arrive(read: FeedAnnouncement, owner: { readonly gate: Gate; arriving: number }, told: Told): Promise<number | undefined> {
    this.counters.arriving++
    owner.arriving++
    try {
      return await owner.gate.run(() => this.place(read, told))
    } catch (error) {
      await this.failed(verdictOf(read.announcement), error)
      return undefined
    } finally {
      this.counters.arriving--
      owner.arriving--
    }
  }

  /** Verifies the bundle in its turn; one that is skipped stays "announced". */
  private async sample(read: FeedAnnouncement, { owner, points, gate }: { owner: string; points: number; gate: Gate }): Promise<void> {
    const { digest, contributorKey } = read.announcement.statement
    await this.backlog.run({ owner, points, digest, contributorKey }, () => this.work(read, gate))
  }

  /** What fails here is this node's own (a store that cannot be written): it is told, and the next announcement is looked at. */
  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.log.error('an announcement could not be worked on - %e', error as Error))
      .finally(() => this.working.delete(tracked))
    this.working.add(tracked)
  }

  private async work(read: FeedAnnouncement, gate: Gate): Promise<void> {
    const { store, net } = this.init
    const { statement, holder } = read.announcement
    const holders = peersOfHolder(holder)
    const { signal } = this.controller
    const { witness } = this.init
    let verdict = verdictOf(read.announcement)
    let obtained: { manifest: VerifiedManifest; bundle: Uint8Array } | undefined
    try {
      const manifest = await this.manifest(statement.adapter, holders, signal)
      verdict = { ...verdict, adapterName: manifest.name }
      const bundle = await gate.run(() => this.fetches.run(() => this.bundle(statement, holders, signal)))
      obtained = { manifest, bundle }
      const { proof, elapsed } = await this.verify(manifest, bundle)
      checkStatement(read.announcement, proof)
      await store.bundles.putVerified(proof, bundle, { own: false })
      witness?.proved(proof, manifest)
      net.discovery.provide(adapterKey(statement.adapter))
      await this.settle({ ...verdict, verdict: 'valid', elapsed, checked: this.now() })
    } catch (error) {
      if (isPeerError(error) && obtained !== undefined) witness?.refused(read, obtained.manifest, obtained.bundle)
      await this.failed(verdict, error)
    }
  }

  private async failed(verdict: VerdictInfo, error: unknown): Promise<void> {
    // What fetching brought to light is about a holder and comes as NotFoundError; what the bytes asked for show is about them.
    if (this.controller.signal.aborted) return
    const found = isPeerError(error) ? 'invalid' : 'unavailable'
    await this.settle({ ...verdict, verdict: found, error: (error as Error).message, checked: this.now() })
  }

  /** The manifest of an announcement, and its place in the feed; undefined when it is dropped. */
  private async place(read: FeedAnnouncement, told: Told): Promise<number | undefined> {
    const { statement, holder } = read.announcement
    const holders = peersOfHolder(holder)
    if ((await keptManifest(this.init.store, statement.adapter)) === undefined) {
      if (this.strangers.waiting >= this.limits.verifierQueueUnknown) {
        this.drop('queue of unknown adapters full', 'verifierQueueUnknown')
        return undefined
      }
      await this.strangers.run(() => this.obtaining.gossipManifest(statement.adapter, holders, this.controller.signal))
    }
    return this.fetches.run(async () => {
      const manifest = await this.manifest(statement.adapter, holders, this.controller.signal)
      if (!(await this.isToBeVerified(read, manifest, told))) return undefined
      told.onGap()
      await this.settle({ ...verdictOf(read.announcement), adapterName: manifest.name })
      return verificationPoints(manifest, statement.end - statement.start)
    })
  }

  /** The owner is the manifest's, and the announcement has its place in the feed. */
  private async isToBeVerified(read: FeedAnnouncement, manifest: VerifiedManifest, { onConflict }: Told): Promise<boolean> {
    const { dropped } = this.counters
    const { announcement } = read
    if (!equal(announcedOwner(announcement), manifest.owner) || !equal(announcement.statement.base, manifest.base)) {
      dropped.owner++
      return false
    }
    const put = await this.init.store.feeds.put(read)
    if (put === 'stored') return true
    dropped[put]++
    if (put === 'conflict') {
      this.init.witness?.announced(read)
      onConflict()
    }
    return false
  }

  /** Others find here what was kept before this start. */
  private async serveKept(): Promise<void> {
    for (const { id } of await this.init.store.manifests.list()) this.init.net.discovery.provide(adapterKey(fromHex(id)))
  }

  private async settle(verdict: VerdictInfo): Promise<void> {
    const kept = await this.init.store.verdicts.put(verdict)
    if (kept !== undefined) for (const listener of this.listeners) listener(kept)
  }
}

/** In this thread: between two bundles other work of the process comes first. */
function ownChecks({ kernel, random }: VerifierInit): VerifierChecks {
  return {
    manifest: async bytes => verifyManifest({ kernel, manifest: decodeManifest(bytes), random }),
    atOnce: 1,
    batchBytes: 0,
    bundles: async items => {
      await new Promise(resolve => setTimeout(resolve, 0))
      const began = performance.now()
      const results = verifyBatch({ kernel, items, random })
      return { results, elapsed: performance.now() - began }
    }
  }
}

function verdictOf({ statement, receipt, time }: Announcement): VerdictInfo {
  return {
    digest: toHex(statement.digest),
    root: toHex(statement.root),
    session: toHex(statement.session),
    adapter: toHex(statement.adapter),
    adapterName: null,
    rows: statement.end - statement.start,
    bundleBytes: statement.length,
    verdict: 'announced',
    error: null,
    elapsed: null,
    announced: Number(time),
    checked: null,
    contributor: toHex(statement.contributorKey),
    userSigned: receipt !== null
  }
}
