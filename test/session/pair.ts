/** Both sides of a session joined by memory instead of a stream, with a hand on the wire. */
import { codeOf, decodeMessage, endedByPeer, encodeMessage, type Machine, type Message, refusedBy } from '../../src/session/index.js'
import {
  checkAccept,
  ContributorSession,
  type ContributorSessionInit,
  inlineContributorJobs,
  inlineUserJobs,
  makeAccept,
  makeOpening,
  takeAnswer,
  UserSession,
  type UserSessionInit
} from '../../src/session/index.js'
import type { Evidence } from '../../src/session/index.js'
import type { ProvedBundle, VerifiedProof } from '../../src/proof/index.js'
import { kernel, OWNER_SECRET, register, type Registered, seeded } from '../proof/fixture.js'

export const PEERS = { user: new Uint8Array(34).fill(7), contributor: new Uint8Array(34).fill(8) }
export const NOW = 1_800_000_000n
export const random = seeded('session')

let shared: Registered | undefined
/** One small adapter of two groups for all tests of a file. */
export function smallAdapter(): Registered {
  return (shared ??= register('session'))
}

export interface PairOptions {
  readonly registered?: Registered
  readonly rows?: number
  readonly groups?: readonly number[]
  readonly limits?: Partial<{ requests: number; outstandingRows: number; outstandingBytes: bigint }>
  readonly user?: Partial<UserSessionInit>
  readonly contributor?: Partial<ContributorSessionInit>
}

export interface Pair {
  readonly user: UserSession
  readonly contributor: ContributorSession
  readonly scales: Float64Array
  /** Seed of the user's key. */
  readonly userSeed: Uint8Array
  readonly registered: Registered
}

/** Opened and accepted, nothing sent yet. */
export function makePair(options: PairOptions = {}): Pair {
  const registered = options.registered ?? smallAdapter()
  const { adapter, manifest } = registered
  const opening = makeOpening({ manifest, groups: options.groups ?? manifest.groups.map((_, g) => g), rows: options.rows ?? 1000, random })
  const limits = { requests: 32, outstandingRows: 8192, outstandingBytes: 1n << 28n, ...options.limits }
  const terms = makeAccept({ open: opening.open, adapter, peers: PEERS, secretKey: OWNER_SECRET, started: NOW, limits, random })
  const contributor = new ContributorSession({
    terms,
    adapter,
    secretKey: OWNER_SECRET,
    jobs: inlineContributorJobs({ kernel, adapter, random }),
    reserve: async () => {},
    ...options.contributor
  })
  const answer = encodeMessage({ accept: terms.accept })
  const userTerms = takeAnswer(answer, { open: opening.open, manifest, peers: PEERS, peer: 'contributor' })
  const scales = checkAccept(userTerms, manifest, NOW)
  const user = new UserSession({
    terms: userTerms,
    manifest,
    secretKey: opening.secretKey,
    jobs: inlineUserJobs({ kernel, manifest, random }),
    ...options.user
  })
  return { user, contributor, scales, userSeed: opening.secretKey, registered }
}

/** What arrives instead of a message: its own bytes, others, or none. */
export type Tamper = (message: Message, from: 'user' | 'contributor', bytes: Uint8Array) => readonly Uint8Array[]

/** Carries messages both ways until both are finished or one fails; tells each what a stream would. */
export async function carryPair(
  { user, contributor, outgoing = user.outgoing() }: { user: Machine; contributor: Machine; outgoing?: AsyncGenerator<Uint8Array> },
  tamper: Tamper = (_message, _from, bytes) => [bytes]
): Promise<void> {
  const deliver = async (from: Machine, to: Machine, messages: AsyncGenerator<Uint8Array>): Promise<void> => {
    try {
      for await (const bytes of messages) {
        for (const arrived of tamper(decodeMessage(bytes), from.role, bytes)) {
          try {
            await to.receive(arrived)
          } catch (error) {
            to.fail(error)
          }
        }
      }
      to.peerClosed()
    } catch (error) {
      to.fail(endedByPeer(error) ? error : refusedBy(from.role, codeOf(error)))
    }
  }
  await Promise.all([deliver(user, contributor, outgoing), deliver(contributor, user, contributor.outgoing())])
}

/** The contributor's part after the rows: proves, offers, and announces what it is given. */
export async function serve(contributor: ContributorSession, announcement = new Uint8Array([1, 2, 3])): Promise<ProvedBundle | undefined> {
  const proved = await contributor.prove()
  if (proved === undefined) return undefined
  store.set(contributor.id.join(), proved.bundle)
  await contributor.offer(contributor.statementOf(proved))
  contributor.announced(announcement)
  return proved
}

const store = new Map<string, Uint8Array>()
/** In the place of fetching. */
export function bundleOf(user: UserSession): Uint8Array {
  return store.get(user.id.join())!
}

/** The user's part after the rows: verifies and signs. */
export async function finish(user: UserSession, jobs: UserSessionInit['jobs']): Promise<VerifiedProof> {
  await user.close()
  const proof = await jobs.verify(bundleOf(user))
  user.accept(proof)
  await user.announcement()
  return proof
}

export type { Evidence }
