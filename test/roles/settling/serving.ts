/** A contributor with a store in memory, and users of it without a network: their messages are carried by hand. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { MemoryDatastore } from 'datastore-core'
import { Contributor, type ContributorInit } from '../../../src/roles/contributor.js'
import {
  checkAccept,
  CODE,
  type ContributorSession,
  decodeMessage,
  inlineContributorJobs,
  inlineUserJobs,
  makeOpening,
  type Peers,
  RefusalError,
  restoreUser,
  type Settle,
  SettlingUser,
  type Terms,
  UserSession
} from '../../../src/session/index.js'
import type { Need } from '../../../src/net/session/index.js'
import type { VerifiedProof } from '../../../src/proof/index.js'
import { Store } from '../../../src/store/index.js'
import { integers, kernel, OWNER_SECRET, register, type Registered, seeded } from '../../proof/fixture.js'
import { carryPair, type Tamper } from '../../session/pair.js'

export const random = seeded('serving')
const inputs = seeded('serving inputs')
const CONTRIBUTOR = new Uint8Array(38).fill(8)

let shared: Registered | undefined
/** One adapter for all tests of a file. */
export const servedAdapter = (): Registered => (shared ??= register('serving'))

export interface Serving {
  readonly contributor: Contributor
  readonly store: Store
  readonly datastore: MemoryDatastore
}

export async function serving(
  init: Partial<ContributorInit> = {},
  { datastore = new MemoryDatastore(), limitRows = null }: { datastore?: MemoryDatastore; limitRows?: number | null } = {}
): Promise<Serving> {
  const { adapter } = servedAdapter()
  const store = await Store.open({ datastore })
  const announce = async () => new Uint8Array(0)
  const jobs = () => inlineContributorJobs({ kernel, adapter, random })
  const contributor = new Contributor({ kernel, random, store, announce, jobs, ...init })
  await store.budget.register({ content: adapter.content, base: adapter.manifest.base, quantized: adapter.quantized })
  contributor.serve({ adapter, policy: { mode: 'open', allow: [], limitRows }, secretKey: OWNER_SECRET })
  await contributor.start()
  return { contributor, store, datastore }
}

/** A peer that opens sessions. */
export interface Customer {
  readonly peer: PeerId
  readonly peers: Peers
  readonly store: Store
}

export async function customer(): Promise<Customer> {
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const peers = { user: peer.toMultihash().bytes, contributor: CONTRIBUTOR }
  return { peer, peers, store: await Store.open({ datastore: new MemoryDatastore() }) }
}

/** There are places enough, and nobody gives way. */
function full(needs: readonly Need[]): void {
  if (needs.some(({ wanted, free }) => wanted > free)) throw new RefusalError(CODE.busy)
}

export interface Course {
  readonly user: UserSession
  readonly session: ContributorSession
  /** Seed of the user's key. */
  readonly seed: Uint8Array
  /** Settles when both sides have ended. */
  readonly carried: Promise<void>
}

/** Opens a session and carries its messages. */
export async function open(
  { contributor }: Serving,
  { peer, peers, store }: Customer,
  {
    rows = 100,
    tamper,
    commitRows = 4,
    enter = full
  }: { rows?: number; tamper?: Tamper; commitRows?: number; enter?: (needs: readonly Need[]) => void } = {}
): Promise<Course> {
  const { manifest } = servedAdapter()
  const opening = makeOpening({ manifest, groups: [0, 1], rows, random })
  const session = await contributor.accept(opening.open, { peers, user: peer, enter })
  const terms: Terms = session.terms
  checkAccept(terms, manifest, BigInt(Math.floor(Date.now() / 1000)))
  const user = new UserSession({
    terms,
    manifest,
    secretKey: opening.secretKey,
    jobs: inlineUserJobs({ kernel, manifest, random }),
    journal: store.journals.of(terms.session),
    commitRows
  })
  return { user, session, seed: opening.secretKey, carried: carryPair({ user, contributor: session }, tamper) }
}

/** Rows of the first group, from a seed. */
export const rowsOf = (count: number): Int16Array => integers(inputs, count * servedAdapter().manifest.groups[0]!.dIn, 32767)

/** The user's side of settling, and the message by which it begins. */
export async function settler(
  { store, peers }: Customer,
  { user }: Course
): Promise<{ machine: SettlingUser; first: Settle; outgoing: AsyncGenerator<Uint8Array> }> {
  const { manifest } = servedAdapter()
  const journal = store.journals.of(user.id)
  const restored = restoreUser(await journal.load(), manifest)
  const jobs = inlineUserJobs({ kernel, manifest, random })
  const machine = new SettlingUser({ restored, rest: user.rest(), manifest, peers, jobs, journal })
  const outgoing = machine.outgoing()
  const message = decodeMessage((await outgoing.next()).value as Uint8Array)
  if (message.kind !== 'settle') throw new Error(`${message.kind} came first`)
  return { machine, first: message.value, outgoing }
}

/** The bundle that a contributor hands out, verified. */
export async function bundleOf({ store }: Serving, digest: Uint8Array): Promise<VerifiedProof> {
  return inlineUserJobs({ kernel, manifest: servedAdapter().manifest, random }).verify((await store.bundles.get(digest))!)
}
