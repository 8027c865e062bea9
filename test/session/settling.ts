/** Sessions that are broken off and settled, with journals in memory: the store's, on a datastore in memory. */
import { MemoryDatastore } from 'datastore-core'
import type { ProvedBundle, VerifiedProof } from '../../src/proof/index.js'
import {
  inlineContributorJobs,
  inlineUserJobs,
  openedRecord,
  restoreContributor,
  restoreUser,
  SettlingContributor,
  SettlingUser
} from '../../src/session/index.js'
import { toHex } from '../../src/bytes.js'
import { decodeMessage, encodeMessage } from '../../src/session/index.js'
import { Store, type SessionJournal } from '../../src/store/index.js'
import type { Statement } from '../../src/wire/announcement.js'
import { integers, kernel, OWNER_SECRET, seeded } from '../proof/fixture.js'
import { carryPair, makePair, type Pair, type PairOptions, PEERS, random, smallAdapter, type Tamper } from './pair.js'

type Side = 'user' | 'contributor'

export interface JournaledPair extends Pair {
  readonly journals: Readonly<Record<Side, SessionJournal>>
  /** True for a message whose signature its sender has written down, or that has none to write down. */
  readonly isWritten: (side: Side, bytes: Uint8Array) => boolean
  /** As a process that comes after: nothing is known but what the datastore has. */
  readonly reopen: (side: Side) => Promise<void>
}

export async function journaledPair(options: PairOptions = {}): Promise<JournaledPair> {
  const datastores = { user: new MemoryDatastore(), contributor: new MemoryDatastore() }
  const journals = {} as Record<Side, SessionJournal>
  const later = (side: Side) => ({
    append: (record: Parameters<SessionJournal['append']>[0]) => journals[side].append(record)
  })
  const pair = makePair({
    ...options,
    user: { commitRows: 4, journal: later('user'), ...options.user },
    contributor: { journal: later('contributor'), ...options.contributor }
  })
  const written = { user: new Set<string>(), contributor: new Set<string>() }
  const reopen = async (side: Side): Promise<void> => {
    const journal = (await Store.open({ datastore: datastores[side] })).journals.of(pair.user.id)
    const append = async (record: Parameters<SessionJournal['append']>[0]): Promise<void> => {
      await journal.append(record)
      for (const value of Object.values(record)) if (value instanceof Uint8Array) written[side].add(toHex(value))
    }
    journals[side] = { ...journal, append }
  }
  const isWritten = (side: Side, bytes: Uint8Array): boolean => {
    const { kind, value } = decodeMessage(bytes)
    if (kind === 'begin') return written.user.has(toHex(encodeMessage({ accept: pair.user.terms.accept })))
    if (kind === 'batch') return written[side].has(toHex(bytes))
    return kind !== 'receipt' || value.code !== 0 || written.user.has(toHex(value.signature))
  }
  await Promise.all([reopen('user'), reopen('contributor')])
  await journals.contributor.append(openedRecord(pair.contributor.terms))
  return { ...pair, journals, isWritten, reopen }
}

export interface Course {
  /** How often two rows of each group are asked for; default 3. */
  readonly times?: number
  /** Nothing is asked for before all that came is accepted: each tail tells of the batch before. */
  readonly isInStep?: boolean
}

/** Two rows of each group at a time, so often, then the end. */
export async function converse({ user, registered }: Pair, { times = 3, isInStep = false }: Course = {}): Promise<void> {
  const inputs = seeded('settling')
  for (let time = 0; time < times; time++) {
    await Promise.all(registered.manifest.groups.map(({ dIn }, g) => user.request(g, 2 * time, integers(inputs, 2 * dIn, 32767))))
    while (isInStep && user.failure === undefined && user.accepted < user.answeredRows) await new Promise(resolve => setImmediate(resolve))
  }
  const jobs = inlineUserJobs({ kernel, manifest: registered.manifest, random })
  await user.close()
  const bundle = bundles.get(user.id.join())!
  user.accept(await jobs.verify(bundle))
  await user.announcement()
}

const bundles = new Map<string, Uint8Array>()
/** In the place of fetching. */
export function keepBundle(session: Uint8Array, bundle: Uint8Array): void {
  bundles.set(session.join(), bundle)
}

/** The contributor's part, with what its role keeps. */
export async function serveKept(pair: JournaledPair): Promise<void> {
  const { contributor, journals } = pair
  const proved = await contributor.prove()
  if (proved === undefined) return
  const statement = contributor.statementOf(proved)
  bundles.set(contributor.id.join(), proved.bundle)
  await journals.contributor.proved(statement, { all: true })
  const answer = await contributor.offer(statement)
  if ('signature' in answer) await journals.contributor.append({ kind: 'receipt', statement, signature: answer.signature })
  contributor.announced(ANNOUNCEMENT)
}

const ANNOUNCEMENT = new Uint8Array([1, 2, 3])

export interface Settled {
  readonly proofs: readonly VerifiedProof[]
  readonly user: SettlingUser
  readonly contributor: SettlingContributor
}

export interface SettleOptions {
  readonly restarted: readonly Side[]
  readonly tamper?: Tamper
  readonly onMachines?: (machines: readonly [SettlingUser, SettlingContributor]) => void
}

/** Settles, with what each side still has. */
export async function settle(pair: JournaledPair, { restarted, tamper, onMachines }: SettleOptions): Promise<Settled> {
  for (const side of restarted) await pair.reopen(side)
  const { journals } = pair
  const { adapter, manifest } = smallAdapter()
  const { user, contributor } = {
    user: restoreUser(await journals.user.load(), manifest),
    contributor: restoreContributor(await journals.contributor.load(), manifest)
  }
  const settlingUser = new SettlingUser({
    restored: user,
    rest: restarted.includes('user') ? undefined : pair.user.rest(),
    manifest,
    peers: PEERS,
    jobs: inlineUserJobs({ kernel, manifest, random }),
    journal: journals.user
  })
  const outgoing = settlingUser.outgoing()
  const { value } = await outgoing.next()
  const first = decodeMessage(value as Uint8Array)
  if (first.kind !== 'settle') throw new Error(`${first.kind} came first`)
  const settlingContributor = new SettlingContributor({
    restored: contributor,
    rest: restarted.includes('contributor') ? undefined : pair.contributor.rest(),
    secretKey: OWNER_SECRET,
    peers: PEERS,
    settle: first.value,
    jobs: inlineContributorJobs({ kernel, adapter, random }),
    journal: journals.contributor
  })
  onMachines?.([settlingUser, settlingContributor])
  const offer = async (statement: Statement, proved?: ProvedBundle): Promise<void> => {
    if (proved !== undefined) {
      bundles.set(settlingUser.id.join(), proved.bundle)
      await journals.contributor.proved(statement, { all: true })
    }
    const answer = await settlingContributor.offer(statement)
    if ('signature' in answer) await journals.contributor.append({ kind: 'receipt', statement, signature: answer.signature })
    settlingContributor.announced(ANNOUNCEMENT)
  }
  const serving = async (): Promise<void> => {
    await settlingContributor.closed()
    for (const { statement } of contributor.proofs) await offer(statement)
    const made = await settlingContributor.prove()
    if (made !== undefined) await offer(made.statement, made.proved)
    settlingContributor.finish()
  }
  const proofs: VerifiedProof[] = []
  const jobs = inlineUserJobs({ kernel, manifest, random })
  const taking = async (): Promise<void> => {
    while ((await settlingUser.offer()) !== undefined) {
      const proof = await jobs.verify(bundles.get(settlingUser.id.join())!)
      settlingUser.accept(proof)
      await settlingUser.announcement()
      proofs.push(proof)
    }
  }
  const both = [serving().catch(error => settlingContributor.fail(error)), taking().catch(error => settlingUser.fail(error))]
  await Promise.all([carryPair({ user: settlingUser, contributor: settlingContributor, outgoing }, tamper), ...both])
  return { proofs, user: settlingUser, contributor: settlingContributor }
}

/** Breaks the stream when a message is about to be the n-th that arrives. Returns how many arrived. */
export async function breakAfter(pair: JournaledPair, messages: number, course: Course = {}): Promise<number> {
  let arrived = 0
  const served = serveKept(pair).catch(() => {})
  const broken = new Error('the line is cut')
  const carried = carryPair(pair, (_message, _from, bytes) => {
    if (arrived >= messages) {
      pair.user.fail(broken)
      pair.contributor.fail(broken)
      return []
    }
    arrived++
    return [bytes]
  })
  await Promise.all([carried, converse(pair, course).catch(() => {}), served])
  return arrived
}
