/**
 * What this node has seen of contributors that broke their word, as evidence that convinces others (protocols/evidence): made from what
 * it hears, verifies and is sent, checked like anybody's, kept, and heeded when a contributor is chosen.
 */
import type { Logger } from '@libp2p/interface'
import { fromHex, toHex } from '../bytes.js'
import { InvalidInputError, isPeerError, NotFoundError } from '../errors.js'
import { decodeBundle, type Manifest, type SessionContext, type Tail, type VerifiedManifest, type VerifiedProof } from '../proof/index.js'
import { decodeMessage, type Evidence } from '../session/index.js'
import {
  type BundleInfo,
  type CheckedEvidence,
  contradictionOf,
  type EvidenceInfo,
  type FeedAnnouncement,
  feedForkOf,
  invalidBundleOf,
  openAnnouncement,
  type Store
} from '../store/index.js'
import { Gate } from './gate.js'

/** Observations that wait: in all, and against one contributor key or the owner that delegated to it. */
const WAITING = 32
const WAITING_OF_ONE = 4
/** Identifiers may be cut to so many digits. */
const SHORTEST = 8

export interface WitnessInit {
  readonly store: Pick<Store, 'bundles' | 'evidence' | 'feeds'>
  /** `checkEvidence`, perhaps in another thread. */
  readonly check: (job: { readonly bytes: Uint8Array; readonly isManifestVerified: boolean }) => Promise<CheckedEvidence>
  readonly log: () => Logger
  readonly onEvidence?: ((info: EvidenceInfo) => void) | undefined
}

/** What was seen. */
interface Observation {
  /** The contributor key, and who delegated to it. */
  readonly key: Uint8Array
  readonly owner: Uint8Array | undefined
  /** The evidence, if it is any. */
  readonly make: () => Promise<Uint8Array | undefined>
}

export class Witness {
  private readonly adding = new Set<Promise<unknown>>()
  /** What was seen is checked one at a time: it may cost as much as a bundle, and nobody waits for it. */
  private readonly turns = new Gate(1)
  /** Observations that wait, by who would be convicted. */
  private readonly waiting = new Map<string, number>()

  constructor(private readonly init: WitnessInit) {}

  /** Resolves when what was seen so far is kept. */
  async idle(): Promise<void> {
    while (this.adding.size > 0) await Promise.all(this.adding)
  }

  /** Another announcement than this one has its place in its feed. */
  announced(read: FeedAnnouncement): void {
    this.observe({
      ...partiesOf(read),
      make: async () => {
        const there = await this.init.store.feeds.get(read.feed, read.announcement.index)
        return there === undefined ? undefined : feedForkOf(openAnnouncement(there), read)
      }
    })
  }

  /** The bundle of an announcement does not hold. */
  refused(read: FeedAnnouncement, manifest: VerifiedManifest, bundle: Uint8Array): void {
    this.observe({ ...partiesOf(read), make: async () => invalidBundleOf(read, manifest.bytes, bundle) })
  }

  /** A bundle was verified and is kept: its tail is held against those of other bundles of its session. */
  proved({ session, context, contributorTail }: VerifiedProof, manifest: Manifest): void {
    const { store, log } = this.init
    // Looked for at once: of an honest session's bundles none waits, so none takes the place of one that shows something.
    const look = async (): Promise<void> => {
      const info = await store.bundles.contradicting(session, contributorTail)
      if (info !== undefined)
        this.observe({ ...partiesIn(context, manifest), make: () => this.twoStories(info, contributorTail, manifest) })
    }
    this.track(look().catch((error: unknown) => log().error('a session’s bundles could not be looked at - %e', error as Error)))
  }

  /** A session of this node as the user ended with an error of the contributor's. */
  session({ terms, messages, tail }: Evidence, manifest: Manifest): void {
    const tails = messages.flatMap(({ from, bytes }) => {
      if (from !== 'contributor') return []
      const message = decodeMessage(bytes)
      return message.kind === 'batch' ? [message.value.tail!] : []
    })
    this.observe({
      ...partiesIn(terms.context, manifest),
      make: async () => contradictionOf(terms.context, manifest.owner, tail === undefined ? tails : [tail, ...tails])
    })
  }

  /**
   * Takes evidence from somebody else.
   * @throws UnsupportedError, LimitExceededError, MalformedMessageError; InvalidProofError step `evidence` when it shows nothing
   */
  async add(bytes: Uint8Array): Promise<EvidenceInfo> {
    return this.keep({ bytes, isManifestVerified: false })
  }

  /** @throws NotFoundError, InvalidInputError with what to do */
  async get(id: string): Promise<Uint8Array> {
    if (id.length < SHORTEST) throw new InvalidInputError(`${id} is too short: give at least ${SHORTEST} digits of the identifier`)
    const found = this.init.store.evidence.list().filter(info => info.id.startsWith(id))
    if (found.length > 1) throw new InvalidInputError(`${id} may be ${found.map(info => info.id).join(' or ')}: give more digits`)
    if (found.length === 0) throw new NotFoundError(`evidence ${id} is not kept here: zklora evidence lists what is`)
    const bytes = await this.init.store.evidence.get(fromHex(found[0]!.id))
    if (bytes !== undefined) return bytes
    throw new NotFoundError(
      `evidence ${found[0]!.id} was verified here, and its bytes went for want of room: who has them can export them, and zklora evidence add takes them again`
    )
  }

  /** What convicts one of these keys. */
  against(...keys: readonly Uint8Array[]): EvidenceInfo | undefined {
    for (const key of keys) {
      const info = this.init.store.evidence.against(key)
      if (info !== undefined) return info
    }
    return undefined
  }

  private async keep(job: Parameters<WitnessInit['check']>[0]): Promise<EvidenceInfo> {
    const { store, check, onEvidence } = this.init
    const checked = await check(job)
    const info = await store.evidence.put(checked)
    if (info !== undefined) onEvidence?.(info)
    const kept = info ?? store.evidence.list().find(({ id }) => id === toHex(checked.id)) ?? this.against(checked.key, ...checked.owners)
    return kept!
  }

  private async twoStories({ digest }: BundleInfo, tail: Tail, manifest: Manifest): Promise<Uint8Array | undefined> {
    const bytes = await this.init.store.bundles.get(fromHex(digest))
    if (bytes === undefined) return undefined
    const { context, contributorTail } = decodeBundle(bytes, manifest).statement
    return contradictionOf(context, manifest.owner, [contributorTail, tail])
  }

  private track(work: Promise<void>): void {
    const tracked = work.finally(() => this.adding.delete(tracked))
    this.adding.add(tracked)
  }

  /** Checks and keeps what was seen, in its turn. What can be seen again is dropped when too much waits. */
  private observe({ key, owner, make }: Observation): void {
    const party = toHex(owner ?? key)
    const ofParty = this.waiting.get(party) ?? 0
    if (this.isFullOf(key, owner) || ofParty >= WAITING_OF_ONE || this.turns.waiting >= WAITING) return
    this.waiting.set(party, ofParty + 1)
    const take = async (): Promise<void> => {
      const left = this.waiting.get(party)! - 1
      if (left === 0) this.waiting.delete(party)
      else this.waiting.set(party, left)
      await this.take(key, owner, make)
    }
    this.track(this.turns.run(take))
  }

  /** What shows nothing after all is dropped; a store that cannot be written is told. It never throws. */
  private async take(key: Uint8Array, owner: Uint8Array | undefined, make: Observation['make']): Promise<void> {
    const { log } = this.init
    try {
      // While it waited there may have come enough.
      const bytes = this.isFullOf(key, owner) ? undefined : await make()
      // Whatever is seen of an announcement or session, its manifest was verified before.
      if (bytes !== undefined) await this.keep({ bytes, isManifestVerified: true })
    } catch (error) {
      if (isPeerError(error)) log()('what was seen shows nothing: %s', (error as Error).message)
      else log().error('evidence could not be kept - %e', error as Error)
    }
  }

  private isFullOf(key: Uint8Array, owner: Uint8Array | undefined): boolean {
    return this.init.store.evidence.isFullOf(key, owner === undefined ? [] : [owner])
  }
}

type Parties = Pick<Observation, 'key' | 'owner'>

function partiesOf({ announcement: { statement, delegation } }: FeedAnnouncement): Parties {
  return { key: statement.contributorKey, owner: delegation?.owner }
}

function partiesIn({ contributorKey, delegation }: SessionContext, { owner }: Manifest): Parties {
  return { key: contributorKey, owner: delegation === undefined ? undefined : owner }
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
  return `there is evidence against it: ${reason} (${id.slice(0, 12)} of zklora evidence list); --force goes on all the same`
}
