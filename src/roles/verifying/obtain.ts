/** Manifests and bundles for the verifier: kept ones, or fetched from who holds them; for gossip within what it may cost in a minute. */
import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../bytes.js'
import type { Counters } from '../../counters.js'
import { NotFoundError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import type { Fetched, Net } from '../../net/index.js'
import { certifiedEntries, decodeManifest, recallManifest, type VerifiedManifest } from '../../proof/index.js'
import { keptManifest, type Store } from '../../store/index.js'
import { Gate, Quota } from '../gate.js'
import type { Share, ShareClock } from './share.js'

const MINUTE = 60_000

export interface ObtainLimits {
  /** Manifests fetched for gossip in a minute, and their bytes. */
  readonly gossipManifests: number
  readonly gossipManifestBytes: number
  /** Entries that checking their certificates goes through. */
  readonly gossipManifestEntries: number
}

export interface ObtainInit {
  readonly net: Pick<Net, 'fetch' | 'discovery'> & { readonly node: Pick<Net['node'], 'peerId'> }
  readonly store: Store
  /** @throws MalformedMessageError, LimitExceededError, InvalidProofError */
  readonly check: (manifest: Uint8Array) => Promise<VerifiedManifest>
  /** Of the processor: manifests for gossip wait while it is spent. */
  readonly share: Pick<Share, 'open' | 'spend'>
  readonly clock: Pick<ShareClock, 'now'>
  readonly limits: ObtainLimits
  /** Of the node. */
  readonly counters?: Counters | undefined
}

/** A bundle that is asked for; its length is known when it was announced. */
export interface WantedBundle {
  readonly digest: Uint8Array
  readonly adapter: Uint8Array
  readonly length?: number
}

export class Obtaining {
  /** Manifests are verified one at a time. */
  private readonly checks = new Gate(1)
  private readonly limits: ObtainLimits
  private readonly manifests: Quota
  private readonly manifestBytes: Quota
  private readonly manifestEntries: Quota
  /** Manifests on their way, so that two announcements fetch one once. */
  private readonly coming = new Map<string, Promise<VerifiedManifest>>()

  constructor(private readonly init: ObtainInit) {
    this.limits = init.limits
    this.manifests = new Quota(this.limits.gossipManifests, MINUTE)
    this.manifestBytes = new Quota(this.limits.gossipManifestBytes, MINUTE)
    this.manifestEntries = new Quota(this.limits.gossipManifestEntries, MINUTE)
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
  async bundle(of: WantedBundle, holders: readonly PeerId[], signal?: AbortSignal): Promise<Uint8Array> {
    const kept = await this.init.store.bundles.get(of.digest)
    if (kept !== undefined) return kept
    const options = { length: of.length, signal }
    return this.fromHolders(of.adapter, holders, { ask: peers => this.init.net.fetch.bundle(peers, of.digest, options), signal })
  }

  /** As `manifest`, within what gossip may cost in a minute. */
  async gossipManifest(adapter: Uint8Array, holders: readonly PeerId[], signal: AbortSignal): Promise<void> {
    await this.open('gossipManifests', this.manifests, signal)
    await this.open('gossipManifestBytes', this.manifestBytes, signal)
    await this.open('gossipManifestEntries', this.manifestEntries, signal)
    await this.init.share.open(signal)
    this.manifests.add(1)
    await this.manifest(adapter, holders, signal)
  }

  private async open(limit: keyof ObtainLimits, quota: Quota, signal: AbortSignal): Promise<void> {
    if (!quota.isOpen) this.init.counters?.limits.add(limit)
    await quota.open(signal)
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
    const manifest = await this.checks.run(() => this.busy(() => this.init.check(bytes)))
    await store.manifests.put(manifest)
    return manifest
  }

  private async busy<T>(work: () => Promise<T>): Promise<T> {
    const began = this.init.clock.now()
    try {
      return await work()
    } finally {
      this.init.share.spend(this.init.clock.now() - began)
    }
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
      if (left.length > NET_LIMITS.fetchHolders) this.init.counters?.limits.add('fetchHolders')
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
}
