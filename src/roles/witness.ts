/**
 * What this node has seen of contributors that broke their word, as evidence that convinces others (protocols/evidence): made from what
 * it hears, verifies and is sent, checked like anybody's, kept, and heeded when a contributor is chosen.
 */
import type { Logger } from '@libp2p/interface'
import { fromHex, toHex } from '../bytes.js'
import { InvalidInputError, isPeerError, NotFoundError } from '../errors.js'
import { decodeBundle, type Manifest, type Tail, type VerifiedProof } from '../proof/index.js'
import { decodeMessage, type Evidence } from '../session/index.js'
import {
  type CheckedEvidence,
  contradictionOf,
  type EvidenceInfo,
  type FeedAnnouncement,
  feedForkOf,
  invalidBundleOf,
  openAnnouncement,
  type Store
} from '../store/index.js'

/** Other bundles of a session that a new one is held against. */
const BUNDLES = 4
/** Identifiers may be cut to so many digits. */
const SHORTEST = 8

export interface WitnessInit {
  readonly store: Pick<Store, 'bundles' | 'evidence' | 'feeds'>
  /** `checkEvidence`, perhaps in another thread. */
  readonly check: (bytes: Uint8Array) => Promise<CheckedEvidence>
  readonly log: () => Logger
  readonly onEvidence?: ((info: EvidenceInfo) => void) | undefined
}

export class Witness {
  private readonly adding = new Set<Promise<unknown>>()

  constructor(private readonly init: WitnessInit) {}

  /** Resolves when what was seen so far is kept. */
  async idle(): Promise<void> {
    while (this.adding.size > 0) await Promise.all(this.adding)
  }

  /** Another announcement than this one has its place in its feed. */
  announced(read: FeedAnnouncement): void {
    if (this.isFullOf(read)) return
    this.background(async () => {
      const there = await this.init.store.feeds.get(read.feed, read.announcement.index)
      return there === undefined ? undefined : feedForkOf(openAnnouncement(there), read)
    })
  }

  /** The bundle of an announcement does not hold. */
  refused(read: FeedAnnouncement, manifest: Manifest, bundle: Uint8Array): void {
    if (!this.isFullOf(read)) this.background(async () => invalidBundleOf(read, manifest.bytes, bundle))
  }

  /** A bundle was verified: its tails are held against those of other bundles of its session. */
  proved({ session, digest, context, contributorTail }: VerifiedProof, manifest: Manifest): void {
    this.background(async () => {
      const { bundles } = this.init.store
      const own = toHex(digest)
      const others = (await bundles.ofSession(session)).filter(info => info.valid && info.digest !== own).slice(-BUNDLES)
      const tails: Tail[] = []
      for (const info of others) {
        const bytes = await bundles.get(fromHex(info.digest))
        if (bytes !== undefined) tails.push(decodeBundle(bytes, manifest).statement.contributorTail)
      }
      return contradictionOf(context, manifest.owner, [...tails, contributorTail])
    })
  }

  /** A session of this node as the user ended with an error of the contributor's. */
  session({ terms, messages, tail }: Evidence, manifest: Manifest): void {
    const tails = messages.flatMap(({ from, bytes }) => {
      if (from !== 'contributor') return []
      const message = decodeMessage(bytes)
      return message.kind === 'batch' ? [message.value.tail!] : []
    })
    this.background(async () => contradictionOf(terms.context, manifest.owner, tail === undefined ? tails : [tail, ...tails]))
  }

  /**
   * Takes evidence from somebody else.
   * @throws UnsupportedError, LimitExceededError, MalformedMessageError; InvalidProofError step `evidence` when it shows nothing
   */
  async add(bytes: Uint8Array): Promise<EvidenceInfo> {
    const { store, check, onEvidence } = this.init
    const checked = await check(bytes)
    const info = await store.evidence.put(checked)
    if (info !== undefined) onEvidence?.(info)
    const kept = info ?? store.evidence.against(checked.key)
    return kept!
  }

  /** @throws NotFoundError, InvalidInputError with what to do */
  async get(id: string): Promise<Uint8Array> {
    if (id.length < SHORTEST) throw new InvalidInputError(`${id} is too short: give at least ${SHORTEST} digits of the identifier`)
    const found = (await this.init.store.evidence.list()).filter(info => info.id.startsWith(id))
    if (found.length > 1) throw new InvalidInputError(`${id} may be ${found.map(info => info.id).join(' or ')}: give more digits`)
    if (found.length === 0) throw new NotFoundError(`evidence ${id} is not kept here: zklora evidence lists what is`)
    return (await this.init.store.evidence.get(fromHex(found[0]!.id)))!
  }

  /** What convicts one of these keys. */
  against(...keys: readonly Uint8Array[]): EvidenceInfo | undefined {
    for (const key of keys) {
      const info = this.init.store.evidence.against(key)
      if (info !== undefined) return info
    }
    return undefined
  }

  private isFullOf({ announcement }: FeedAnnouncement): boolean {
    return this.init.store.evidence.isFullOf(announcement.statement.contributorKey)
  }

  /** What shows nothing after all is dropped; a store that cannot be written is told. */
  private background(make: () => Promise<Uint8Array | undefined>): void {
    const { log } = this.init
    const work = (async () => {
      try {
        const bytes = await make()
        if (bytes !== undefined) await this.add(bytes)
      } catch (error) {
        if (isPeerError(error)) log()('what was seen shows nothing: %s', (error as Error).message)
        else log().error('evidence could not be kept - %e', error as Error)
      }
    })().finally(() => this.adding.delete(work))
    this.adding.add(work)
  }
}

/**
 * For a key against which there is evidence.
 * @throws InvalidInputError
 */
export function refuseConvicted(witness: Pick<Witness, 'against'>, key: Uint8Array): void {
  const info = witness.against(key)
  if (info !== undefined) throw new InvalidInputError(`this contributor is not chosen: ${convicted(info)}`)
}

/** What somebody is told who would choose a contributor against whom there is evidence. */
function convicted({ id, reason }: EvidenceInfo): string {
  return `there is evidence against it: ${reason} (zklora evidence ${id.slice(0, 12)}); --force goes on all the same`
}
