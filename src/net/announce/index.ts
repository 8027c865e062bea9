/**
 * Gossip of announcements (protocols/announce), as a libp2p service beside gossipsub: validates what others bring, tells those who
 * listen what was accepted, and publishes own announcements, which are checked and on the disk before they leave.
 *
 *     const node = await createNetNode(init, { announce: announceService({ store, follow: TOPICS }) })
 *     node.services.announce.listen(({ read }) => console.log(read.announcement.statement.root))
 */
import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { ComponentLogger, Logger, PeerId, Startable } from '@libp2p/interface'
import { toHex } from '../../bytes.js'
import type { Counters } from '../../counters.js'
import { NET_LIMITS } from '../../limits.js'
import { sign } from '../../proof/index.js'
import { ANNOUNCEMENT_LABEL, type FeedAnnouncement, openAnnouncement, type Store } from '../../store/index.js'
import { encodeAnnouncement, encodeUnsigned, type UnsignedAnnouncement } from '../../wire/announcement.js'
import type { SignatureChecks } from './checks.js'
import { type DepartedComponents, DepartedPeers } from './departed.js'
import { Budgets } from '../rates.js'
import type { ClockSkew } from './skew.js'
import { TOPICS, topicOf } from './topics.js'
import { AnnouncementValidator, type AnnouncementView, type ValidatorLimits } from './validator.js'

export { IGNORE_REASONS, peersOfHolder, REJECT_REASONS } from './validator.js'
export { TOPICS, topicNumber, topicOf } from './topics.js'

export interface AnnounceInit {
  store: Store
  /** Topics that are followed, and forwarded: of verifiers. */
  follow: readonly string[]
  limits?: Partial<ValidatorLimits> | undefined
  /** Shared with who else checks signatures. */
  checks?: SignatureChecks | undefined
  /** Of the node. */
  counters?: Counters | undefined
  /** Milliseconds since 1970. */
  now?: (() => number) | undefined
  /** Told of a topic that an announcement waits for, since nobody connected follows it. */
  onLonely?: ((topic: string) => void) | undefined
}

export interface AnnounceComponents extends DepartedComponents {
  pubsub: GossipSub
  logger: ComponentLogger
}

/** An announcement that passed the validator. */
export interface Heard {
  readonly read: FeedAnnouncement
  /** Who forwarded it. */
  readonly from: PeerId
}

export interface AnnounceCounters {
  accepted: number
  ignored: Record<string, number>
  rejected: Record<string, number>
  published: number
}

/** What an announcement is made from; the feed gives index and previous hash. */
export type AnnouncementBody = Omit<UnsignedAnnouncement, 'index' | 'previous'>

/** What is held against a peer that floods: below gossipsub's graylist for some sixteen seconds (its penalties fall to a fifth each second). */
const PENALTY = 1e12

/** GossipSub as it is, beyond the interface that it shows. */
interface Scored {
  readonly score: { addPenalty(peer: string, penalty: number, label: string): void }
}

/** Own announcements that wait for somebody to tell. */
const WAITING = 256

export class AnnounceService implements Startable {
  readonly counters: AnnounceCounters = { accepted: 0, ignored: {}, rejected: {}, published: 0 }
  private readonly validator: AnnouncementValidator
  private readonly listeners = new Set<(heard: Heard) => void>()
  private readonly refusals = new Budgets(NET_LIMITS.gossipRefusedPerPeer)
  private readonly waiting: FeedAnnouncement[] = []
  private readonly departed: DepartedPeers
  private readonly log: Logger
  private readonly now: () => number
  private started = false

  constructor(
    private readonly components: AnnounceComponents,
    private readonly init: AnnounceInit
  ) {
    this.now = init.now ?? Date.now
    this.log = components.logger.forComponent('zklora:announce')
    this.departed = new DepartedPeers(components)
    this.validator = new AnnouncementValidator(viewOf(init.store), this.now, init.limits, init.checks)
  }

  readonly [Symbol.toStringTag] = 'zklora/announce'

  /** How far this clock is from those of others. */
  get skew(): Pick<ClockSkew, 'median' | 'peers'> {
    return this.validator.skew
  }

  isStarted(): boolean {
    return this.started
  }

  start(): void {
    const { pubsub } = this.components
    for (const topic of TOPICS) pubsub.topicValidators.set(topic, (peer, { data }) => this.hear(peer, topic, data))
    pubsub.addEventListener('subscription-change', this.onSubscription)
    this.departed.start()
    this.started = true
  }

  /** After all services: gossipsub takes no subscription before it has started. */
  afterStart(): void {
    for (const topic of this.init.follow) this.components.pubsub.subscribe(topic)
  }

  stop(): void {
    const { pubsub } = this.components
    this.departed.stop()
    pubsub.removeEventListener('subscription-change', this.onSubscription)
    for (const topic of TOPICS) pubsub.topicValidators.delete(topic)
    this.started = false
  }

  /** Told of each accepted announcement. Returns how to end it. */
  listen(listener: (heard: Heard) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /**
   * Makes, stores and publishes the next announcement of a feed.
   * @param body its time is raised to that of the feed's announcement before, should the clock have fallen
   * @param contributorSeed Ed25519 seed of the statement's contributor key
   * @returns the announcement as published
   * @throws InvalidProofError step `announcement` when others would refuse it; nothing is stored then
   */
  async announce(body: AnnouncementBody, contributorSeed: Uint8Array): Promise<FeedAnnouncement> {
    const read = await this.init.store.feeds.append(body.statement, (place, after) => {
      const unsigned = { ...body, ...place, time: body.time < after ? after : body.time }
      const signature = sign(contributorSeed, ANNOUNCEMENT_LABEL, encodeUnsigned(unsigned))
      const bytes = encodeAnnouncement({ ...unsigned, signature })
      this.validator.checkOwn(openAnnouncement(bytes))
      return bytes
    })
    await this.publish(read)
    return read
  }

  /** Sends a stored announcement; when nobody follows its topic yet, as soon as somebody does. */
  async publish(read: FeedAnnouncement): Promise<void> {
    const { pubsub } = this.components
    const topic = topicOf(read.announcement.statement.base)
    if (pubsub.getSubscribers(topic).length === 0) {
      this.waiting.push(read)
      if (this.waiting.length > WAITING) this.waiting.shift()
      this.init.onLonely?.(topic)
      return
    }
    const { recipients } = await pubsub.publish(topic, read.bytes)
    this.counters.published++
    this.log('published %s to %d peers', toHex(read.hash), recipients.length)
  }

  /** Peers that follow the topic of a base model. */
  subscribers(base: Uint8Array): PeerId[] {
    return this.components.pubsub.getSubscribers(topicOf(base))
  }

  private readonly onSubscription = (): void => {
    const waiting = this.waiting.splice(0)
    for (const read of waiting) {
      // Later than this nobody would take it; it stays in the feed.
      if (BigInt(this.now()) - read.announcement.time > NET_LIMITS.clockSkew) {
        this.init.counters?.limits.add('clockSkew')
        continue
      }
      this.publish(read).catch(error => this.log.error('could not publish %s - %e', toHex(read.hash), error))
    }
  }

  private async hear(peer: PeerId, topic: string, data: Uint8Array): Promise<TopicValidatorResult> {
    const outcome = await this.validator.validate(peer.toString(), topic, data)
    switch (outcome.result) {
      case 'accept':
        this.counters.accepted++
        for (const listener of this.listeners) listener({ read: outcome.read, from: peer })
        return TopicValidatorResult.Accept
      case 'ignore':
        count(this.counters.ignored, outcome.reason)
        this.refused(peer)
        return TopicValidatorResult.Ignore
      case 'reject':
        count(this.counters.rejected, outcome.reason)
        this.refused(peer)
        this.log('rejected an announcement of %p: %s', peer, outcome.error)
        return TopicValidatorResult.Reject
    }
  }

  private refused(peer: PeerId): void {
    const name = peer.toString()
    const budget = this.refusals.of(name, performance.now())
    if (budget.has(1, performance.now())) return budget.take(1)
    this.init.counters?.limits.add('gossipRefusedPerPeer')
    this.log('%p floods: it is not listened to for a while', peer)
    ;(this.components.pubsub as unknown as Scored).score.addPenalty(name, PENALTY, 'flood')
  }
}

function count(counts: Record<string, number>, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1
}

function viewOf(store: Store): AnnouncementView {
  return {
    hasAnnouncement: (feed, index, hash) => store.feeds.has(feed, index, hash),
    ownerOf: async adapter => (await store.manifests.info(adapter))?.owner ?? (await store.adapters.owner(adapter))
  }
}

export function announceService(init: AnnounceInit): (components: AnnounceComponents) => AnnounceService {
  return components => new AnnounceService(components, init)
}
