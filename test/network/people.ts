/** Participants on the loopback interface, with real libp2p nodes and stores in memory. */
import '../../src/net/polyfill.js'
import { randomBytes } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import type { ExecutionContext } from 'ava'
import { MemoryDatastore } from 'datastore-core'
import type { Datastore } from 'interface-datastore'
import { Counters } from '../../src/counters.js'
import { createNet, type OwnNet } from '../../src/net/index.js'
import { type SessionInit, type SessionService, sessionService } from '../../src/net/session/index.js'
import { type Announceable, Contributor, type ContributorInit } from '../../src/roles/contributor.js'
import { openRemoteAdapter, type RemoteAdapter, type RemoteAdapterInit } from '../../src/roles/remote-adapter.js'
import type { Manifest, VerifiedManifest } from '../../src/proof/index.js'
import { UserSettling, type UserSettlingInit } from '../../src/roles/settling/user.js'
import { Status } from '../../src/roles/status.js'
import type { StatusReport } from '../../src/roles/types.js'
import { Verifier } from '../../src/roles/verifier.js'
import { inlineUserJobs } from '../../src/session/index.js'
import { Store } from '../../src/store/index.js'
import { kernel, OWNER_SECRET, type Registered } from '../proof/fixture.js'

export const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes))

/** What a participant finds again after a restart. */
export interface Home {
  readonly datastore: Datastore
  readonly privateKey: Awaited<ReturnType<typeof generateKeyPair>>
}

export async function home(): Promise<Home> {
  return { datastore: new MemoryDatastore(), privateKey: await generateKeyPair('Ed25519') }
}

export interface Participant {
  readonly net: OwnNet<{ session: SessionService }>
  readonly store: Store
  readonly sessions: SessionService
  /** What it counts, in all its parts. */
  readonly counters: Counters
}

/** What `status` says of it. */
export async function reportOf({ net, store, sessions, counters }: Participant): Promise<StatusReport> {
  const verifier = new Verifier({ net, store, kernel, random })
  return new Status({ net, store, sessions, verifier, counters, roles: [], adapters: async () => [], started: 0 }).report()
}

/** A started node, stopped when the test ends. */
export async function participant(t: ExecutionContext, roles: string[], session: SessionInit = {}, at?: Home): Promise<Participant> {
  const place = at ?? (await home())
  const counters = new Counters()
  const store = await Store.open({ datastore: place.datastore, counters })
  return start(t, { roles, session, store, counters, ...place })
}

async function start(
  t: ExecutionContext,
  given: { roles: string[]; session: SessionInit; store: Store; counters: Counters } & Home
): Promise<Participant> {
  const { roles, session, store, counters, datastore, privateKey } = given
  const net = await createNet<{ session: SessionService }>(
    {
      store,
      counters,
      datastore,
      privateKey,
      transports: [tcp()],
      listen: ['/ip4/127.0.0.1/tcp/0'],
      version: '0.0.0',
      roles,
      privateAddresses: true
    },
    { session: sessionService({ counters, ...session }) as never }
  )
  await net.start()
  t.teardown(() => net.stop())
  return { net, store, counters, sessions: net.node.services.session }
}

export interface ContributorOptions extends Partial<Omit<ContributorInit, 'kernel' | 'random' | 'store'>> {
  readonly policy?: { readonly mode: 'open' | 'listed'; readonly allow: readonly string[]; readonly limitRows: number | null }
  readonly session?: Omit<SessionInit, 'host'>
  readonly at?: Home
  /** Beside contributor. */
  readonly roles?: readonly string[]
}

export interface ServingParticipant extends Participant {
  readonly contributor: Contributor
}

/** A contributor that serves these adapters and announces what it proves. */
export async function contributor(
  t: ExecutionContext,
  adapters: readonly Registered[],
  options: ContributorOptions = {}
): Promise<ServingParticipant> {
  const { policy = { mode: 'open', allow: [], limitRows: null }, session, at, roles = [], ...init } = options
  const place = at ?? (await home())
  const counters = new Counters()
  const store = await Store.open({ datastore: place.datastore, counters })
  const announce = async ({ secretKey, ...given }: Announceable): Promise<Uint8Array> => {
    const body = { ...given, time: BigInt(Date.now()), holder: started.net.node.peerId.toMultihash().bytes }
    return (await started.net.announce.announce(body, secretKey)).bytes
  }
  const host = new Contributor({ kernel, random, store, announce, counters, ...init })
  for (const { adapter } of adapters) {
    await store.budget.register({ content: adapter.content, base: adapter.manifest.base, quantized: adapter.quantized })
    host.serve({ adapter, policy, secretKey: OWNER_SECRET })
  }
  const started = await start(t, { roles: ['contributor', ...roles], session: { ...session, host }, store, counters, ...place })
  t.teardown(() => host.stop())
  await host.start()
  return { ...started, contributor: host }
}

/** The user's side of a session with a contributor, connected first. */
export async function remote(
  user: Participant,
  at: Participant,
  { manifest, ...change }: Pick<RemoteAdapterInit, 'manifest'> & Partial<RemoteAdapterInit>
): Promise<RemoteAdapter> {
  await user.net.node.dial(at.net.node.getMultiaddrs())
  return openRemoteAdapter({
    kernel,
    random,
    sessions: user.sessions,
    fetch: user.net.fetch,
    store: user.store,
    peer: at.net.node.peerId,
    manifest,
    rows: 100,
    ...change
  })
}

/** Floats of some shape, the same for the same number. */
export function activations(count: number, dIn: number, phase = 0): Float32Array {
  return Float32Array.from({ length: count * dIn }, (_, i) => Math.sin(1 + phase + i * 0.7) * (1 + (i % 5)))
}

/** A user's settling of sessions of one adapter, which tries when it is told to. */
export function settlingFor(
  t: Pick<ExecutionContext, 'teardown'>,
  { store, sessions, net }: Participant,
  manifest: Manifest,
  init: Partial<Pick<UserSettlingInit, 'sessions' | 'retry' | 'onSession'>> = {}
): UserSettling {
  const settling = new UserSettling({
    store,
    sessions,
    fetch: net.fetch,
    manifest: async () => manifest as VerifiedManifest,
    jobs: verified => inlineUserJobs({ kernel, manifest: verified, random }),
    retry: [600_000],
    ...init
  })
  t.teardown(() => settling.stop())
  return settling
}
