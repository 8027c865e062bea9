/**
 * The verifier: hears announcements, fetches manifest and bundle, verifies, keeps verdicts, and hands out what it keeps. Until it
 * is verified here a bundle is "announced", never "valid".
 */
import type { Logger, PeerId } from '@libp2p/interface'
import { equal, fromHex, toHex } from '../bytes.js'
import { isPeerError, NotFoundError } from '../errors.js'
import type { Kernel } from '../kernel/index.js'
import { NET_LIMITS } from '../limits.js'
import { adapterKey, type Fetched, type Heard, type Net, peersOfHolder, topicKey, TOPICS } from '../net/index.js'
import {
  certifiedEntries,
  decodeManifest,
  type Random,
  recallManifest,
  type VerifiedManifest,
  type VerifiedProof,
  verifyBatch,
  verifyManifest
} from '../proof/index.js'
import { type FeedAnnouncement, keptManifest, type Store } from '../store/index.js'
import { announcedOwner, type Announcement } from '../wire/announcement.js'
import { Batches, type BatchChecks } from './batches.js'
import { CatchUp } from './catch-up.js'
import { Gate, Quota } from './gate.js'
import { checkStatement } from './statement.js'
import type { VerdictInfo } from './types.js'

/** Announcements that wait or are worked on; beyond them they are dropped (and found later by their index). */
const QUEUE = 1024
/** Those among them of adapters whose manifest is not here: they share few manifests a minute, and must not keep the others out. */
const STRANGERS = 64
/** Announcements whose bytes are fetched at a time. */
const FETCHES = 8
const STRANGER_FETCHES = 2
/** Of one owner: waiting or worked on, and fetched at a time. Bundles that nobody has must not keep those of others waiting. */
const OWNER_QUEUE = 64
const OWNER_FETCHES = 2
const MINUTE = 60_000

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
  kernel: Kernel
  random: Random
  /** On other threads; default: in this one. */
  checks?: VerifierChecks | undefined
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined
  /** Bounds that differ from the defaults. */
  limits?: Partial<VerifierLimits> | undefined
}

export interface VerifierLimits {
  readonly queue: number
  readonly ownerQueue: number
  readonly strangers: number
  /** Manifests fetched for gossip in a minute, and their bytes. */
  readonly gossipManifests: number
  readonly gossipManifestBytes: number
  /** Entries that checking their certificates goes through. */
  readonly gossipManifestEntries: number
}

export interface VerifierCounters {
  /** Waiting or worked on. */
  queued: number
  /** Announcements dropped, by reason. */
  dropped: Record<'queue full' | 'unknown adapters' | 'owner' | 'conflict' | 'known' | 'past', number>
}

export class Verifier {
  readonly counters: VerifierCounters = {
    queued: 0,
    dropped: { 'queue full': 0, 'unknown adapters': 0, owner: 0, conflict: 0, known: 0, past: 0 }
  }
  private readonly listeners = new Set<(verdict: VerdictInfo) => void>()
  private readonly fetches = new Gate(FETCHES)
  private readonly strangers = new Gate(STRANGER_FETCHES)
  private readonly owners = new Map<string, { readonly gate: Gate; queued: number }>()
  /** Manifests are verified one at a time, bundles in batches. */
  private readonly manifestChecks = new Gate(1)
  private readonly batches: Batches
  private readonly manifests: Quota
  private readonly manifestBytes: Quota
  private readonly manifestEntries: Quota
  /** Manifests on their way, so that two announcements fetch one once. */
  private readonly coming = new Map<string, Promise<VerifiedManifest>>()
  private readonly working = new Set<Promise<void>>()
  private readonly controller = new AbortController()
  private readonly catchUp: CatchUp
  private readonly limits: VerifierLimits
  private readonly checks: VerifierChecks
  private readonly now: () => number
  private readonly log: Logger
  private unlisten = (): void => {}

  constructor(private readonly init: VerifierInit) {
    this.checks = init.checks ?? ownChecks(init)
    this.batches = new Batches(this.checks, this.controller.signal)
    this.now = init.now ?? Date.now
    this.log = init.net.node.logger.forComponent('zklora:verifier')
    this.limits = { queue: QUEUE, ownerQueue: OWNER_QUEUE, strangers: STRANGERS, ...NET_LIMITS, ...init.limits }
    const { net, store } = init
    this.catchUp = new CatchUp({
      net,
      store,
      now: this.now,
      signal: this.controller.signal,
      isKnown: async adapter => (await store.adapters.has(adapter)) || (await store.manifests.has(adapter)),
      consider: read => this.consider(read)
    })
    this.manifests = new Quota(this.limits.gossipManifests, MINUTE)
    this.manifestBytes = new Quota(this.limits.gossipManifestBytes, MINUTE)
    this.manifestEntries = new Quota(this.limits.gossipManifestEntries, MINUTE)
  }

  /** The network has started. */
  start(): void {
    const { announce, discovery } = this.init.net
    this.unlisten = announce.listen(heard => this.take(heard))
    for (const topic of TOPICS) discovery.provide(topicKey(topic))
    discovery.joinTopics(TOPICS)
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

  /**
   * The manifest of an adapter, verified: the kept one, or fetched from these holders, then from who provides it in the DHT.
   * @throws NotFoundError, InvalidProofError and what fetch throws
   */
  async manifest(adapter: Uint8Array, holders: readonly PeerId[], signal?: AbortSignal): Promise<VerifiedManifest> {
    const { store } = this.init
    const name = toHex(adapter)
    const there = store.manifests.verified(adapter) ?? this.coming.get(name)
    if (there !== undefined) return there
    const coming = this.obtainManifest(adapter, holders, signal).finally(() => this.coming.delete(name))
    this.coming.set(name, coming)
    return coming
  }

  /** The bundle's bytes: the kept ones, or fetched as `manifest` is. */
  async bundle(
    of: { digest: Uint8Array; adapter: Uint8Array; length?: number },
    holders: readonly PeerId[],
    signal?: AbortSignal
  ): Promise<Uint8Array> {
    const kept = await this.init.store.bundles.get(of.digest)
    if (kept !== undefined) return kept
    const options = { length: of.length, signal }
    return this.fromHolders(of.adapter, holders, { ask: peers => this.init.net.fetch.bundle(peers, of.digest, options), signal })
  }

  /** Verifies with others that wait, its adapter's owner in turn with theirs. @throws InvalidProofError, MalformedMessageError, LimitExceededError */
  async verify(manifest: VerifiedManifest, bundle: Uint8Array): Promise<{ proof: VerifiedProof; elapsed: number }> {
    return this.batches.verify({ manifest, bundle })
  }

  private take({ read, from }: Heard): void {
    const owner = this.owners.get(toHex(announcedOwner(read.announcement)))
    if (this.counters.queued >= this.limits.queue || (owner?.queued ?? 0) >= this.limits.ownerQueue) {
      this.counters.dropped['queue full']++
      return
    }
    const onGap = (): void => this.catchUp.gap(read, [from, ...peersOfHolder(read.announcement.holder)])
    this.track(this.queue(read, onGap))
  }

  /** An announcement that was missed when it was new; the catch-up paces itself. Resolves when it has its verdict. */
  private async consider(read: FeedAnnouncement): Promise<void> {
    await this.queue(read, () => {})
  }

  private async queue(read: FeedAnnouncement, onGap: () => void): Promise<void> {
    const name = toHex(announcedOwner(read.announcement))
    const owner = this.owners.get(name) ?? { gate: new Gate(OWNER_FETCHES), queued: 0 }
    this.owners.set(name, owner)
    this.counters.queued++
    owner.queued++
    try {
      await this.work(read, owner.gate, onGap)
    } finally {
      this.counters.queued--
      owner.queued--
      if (owner.queued === 0) this.owners.delete(name)
    }
  }

  /** What fails here is this node's own (a store that cannot be written): it is told, and the next announcement is looked at. */
  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.log.error('an announcement could not be worked on - %e', error as Error))
      .finally(() => this.working.delete(tracked))
    this.working.add(tracked)
  }

  private async work(read: FeedAnnouncement, gate: Gate, onGap: () => void): Promise<void> {
    const { store, net } = this.init
    const { statement } = read.announcement
    let verdict = verdictOf(read.announcement)
    try {
      const onManifest = async (manifest: VerifiedManifest): Promise<void> => {
        verdict = { ...verdict, adapterName: manifest.name }
        await this.settle(verdict)
      }
      const obtained = await gate.run(() => this.obtain(read, onManifest, onGap))
      if (obtained === undefined) return
      const { proof, elapsed } = await this.verify(obtained.manifest, obtained.bundle)
      checkStatement(read.announcement, proof)
      await store.bundles.putVerified(proof, obtained.bundle, { own: false })
      net.discovery.provide(adapterKey(statement.adapter))
      await this.settle({ ...verdict, verdict: 'valid', elapsed, checked: this.now() })
    } catch (error) {
      // What fetching brought to light is about a holder and comes as NotFoundError; what the bytes asked for show is about them.
      if (this.controller.signal.aborted) return
      const found = isPeerError(error) ? 'invalid' : 'unavailable'
      await this.settle({ ...verdict, verdict: found, error: (error as Error).message, checked: this.now() })
    }
  }

  /** Manifest and bundle of an announcement; undefined when it is dropped. */
  private async obtain(
    read: FeedAnnouncement,
    onManifest: (manifest: VerifiedManifest) => Promise<void>,
    onGap: () => void
  ): Promise<{ manifest: VerifiedManifest; bundle: Uint8Array } | undefined> {
    const { statement, holder } = read.announcement
    const holders = peersOfHolder(holder)
    const signal = this.controller.signal
    if ((await keptManifest(this.init.store, statement.adapter)) === undefined) {
      if (this.strangers.waiting >= this.limits.strangers) {
        this.counters.dropped['unknown adapters']++
        return undefined
      }
      await this.strangers.run(() => this.gossipManifest(statement.adapter, holders))
    }
    return this.fetches.run(async () => {
      const manifest = await this.manifest(statement.adapter, holders, signal)
      if (!(await this.isToBeVerified(read, manifest))) return undefined
      onGap()
      await onManifest(manifest)
      return { manifest, bundle: await this.bundle(statement, holders, signal) }
    })
  }

  /** The owner is the manifest's, and the announcement has its place in the feed. */
  private async isToBeVerified(read: FeedAnnouncement, manifest: VerifiedManifest): Promise<boolean> {
    const { dropped } = this.counters
    const { announcement } = read
    if (!equal(announcedOwner(announcement), manifest.owner) || !equal(announcement.statement.base, manifest.base)) {
      dropped.owner++
      return false
    }
    const put = await this.init.store.feeds.put(read)
    if (put === 'stored') return true
    dropped[put]++
    return false
  }

  /** As `manifest`, within what gossip may cost in a minute. */
  private async gossipManifest(adapter: Uint8Array, holders: readonly PeerId[]): Promise<void> {
    const signal = this.controller.signal
    await this.manifests.open(signal)
    await this.manifestBytes.open(signal)
    await this.manifestEntries.open(signal)
    this.manifests.add(1)
    await this.manifest(adapter, holders, signal)
  }

  private async obtainManifest(
    adapter: Uint8Array,
    holders: readonly PeerId[],
    signal: AbortSignal | undefined
  ): Promise<VerifiedManifest> {
    const { store, net } = this.init
    const ask = async (peers: readonly PeerId[]): Promise<Fetched> => {
      const fetched = await net.fetch.manifest(peers, adapter, { signal })
      this.manifestBytes.add(fetched.bytes.length)
      return fetched
    }
    const kept = await keptManifest(store, adapter)
    const bytes = kept ?? (await this.fromHolders(adapter, holders, { ask, signal }))
    const decoded = decodeManifest(bytes)
    // What is kept was verified when it came.
    if (kept !== undefined) {
      const manifest = recallManifest(decoded, adapter)
      await store.manifests.put(manifest)
      return manifest
    }
    this.manifestEntries.add(certifiedEntries(decoded))
    const manifest = await this.manifestChecks.run(() => this.checks.manifest(bytes))
    await store.manifests.put(manifest)
    return manifest
  }

  /** From those named first, then from who provides the adapter in the DHT; this node is none of them. */
  private async fromHolders(
    adapter: Uint8Array,
    holders: readonly PeerId[],
    { ask, signal }: { ask: (peers: readonly PeerId[]) => Promise<Fetched>; signal: AbortSignal | undefined }
  ): Promise<Uint8Array> {
    const { net } = this.init
    const tried = new Set([net.node.peerId.toString()])
    const untried = (peers: readonly PeerId[]): PeerId[] => {
      const left = peers.filter(peer => !tried.has(peer.toString()))
      for (const peer of left) tried.add(peer.toString())
      return left.slice(0, NET_LIMITS.fetchHolders)
    }
    let reason = 'nobody is known to hold it'
    for (const more of [() => holders, () => net.discovery.holders(adapter, { signal })]) {
      const peers = untried(await more())
      if (peers.length === 0) continue
      try {
        return (await ask(peers)).bytes
      } catch (error) {
        signal?.throwIfAborted()
        reason = (error as Error).message
      }
    }
    throw new NotFoundError(`not to be had: ${reason}`)
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
