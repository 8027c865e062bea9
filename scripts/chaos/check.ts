/** What must hold of the stores that killed processes left behind. */
import { join } from 'node:path'
import { equal, fromHex, toHex } from '../../src/bytes.js'
import { wasmKernel } from '../../src/kernel/index.js'
import { decodeManifest, type VerifiedManifest, verify, verifyManifest } from '../../src/proof/index.js'
import { agreedTails } from '../../src/session/settle/restore.js'
import { restoreContributor, restoreUser, tailsOf } from '../../src/session/index.js'
import { openDatastore } from '../../src/roles/platform.js'
import { openAnnouncement, Store } from '../../src/store/index.js'
import { checkChain, checkSignatures } from '../../src/store/feed.js'
import type { SessionRecord } from '../../src/store/sessions.js'

/** Announcements that are looked at in one feed. */
const MOST = 1_000_000

/** What was found in one store. */
interface Found {
  readonly name: string
  readonly sessions: readonly SessionRecord[]
  /** Announcements by feed and index. */
  readonly announcements: ReadonlyMap<string, Uint8Array>
  readonly proved: number
}

export interface Checked {
  readonly sessions: number
  readonly announced: number
  readonly bundles: number
  readonly faults: readonly string[]
}

const kernel = wasmKernel()
const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))

/** @param folders data folders by the name of who wrote them; nobody has them open */
export async function checkStores(folders: Readonly<Record<string, string>>): Promise<Checked> {
  const faults: string[] = []
  const manifests = new Map<string, VerifiedManifest>()
  for (const folder of Object.values(folders)) await within(folder, store => gather(store, manifests))
  const all: Found[] = []
  for (const [name, folder] of Object.entries(folders)) all.push(await within(folder, store => look(name, store, { manifests, faults })))
  forks(all, faults)
  const [contributor, user] = [all.find(({ name }) => name === 'contributor')!, all.find(({ name }) => name === 'user')!]
  agree(contributor, user, faults)
  return {
    sessions: user.sessions.length,
    announced: contributor.announcements.size,
    bundles: all.reduce((sum, { proved }) => sum + proved, 0),
    faults
  }
}

async function within<T>(folder: string, work: (store: Store) => Promise<T>): Promise<T> {
  const datastore = await openDatastore(join(folder, 'store'))
  try {
    return await work(await Store.open({ datastore }))
  } finally {
    await datastore.close()
  }
}

/** The manifests of all sessions; who serves an adapter keeps its manifest elsewhere. */
async function gather(store: Store, manifests: Map<string, VerifiedManifest>): Promise<void> {
  for (const { adapter } of await store.sessions.list()) {
    const bytes = manifests.has(adapter) ? undefined : await store.manifests.get(fromHex(adapter))
    if (bytes !== undefined) manifests.set(adapter, verifyManifest({ kernel, manifest: decodeManifest(bytes), random }))
  }
}

interface Looking {
  readonly manifests: ReadonlyMap<string, VerifiedManifest>
  readonly faults: string[]
}

/** Verifies every bundle and every feed of a store. */
async function look(name: string, store: Store, { manifests, faults }: Looking): Promise<Found> {
  const fault = (what: string): void => void faults.push(`${name}: ${what}`)
  const sessions = await store.sessions.list()
  const announcements = new Map<string, Uint8Array>()
  for (const { feed, index, own } of await store.feeds.list()) {
    const range = await store.feeds.range(fromHex(feed), 0n, MOST)
    try {
      checkChain(range, fromHex(feed), 0n).forEach(checkSignatures)
    } catch (error) {
      fault(`feed ${feed}: ${(error as Error).message}`)
    }
    if (own && BigInt(range.length) !== BigInt(index) + 1n) fault(`its own feed ${feed} has gaps`)
    for (const bytes of range) announcements.set(`${feed}/${openAnnouncement(bytes).announcement.index}`, bytes)
  }
  await journals(store, { sessions, manifests, fault })
  let proved = 0
  for (const { session, adapter, bundles } of sessions) {
    for (const { digest, root } of bundles) {
      const bundle = await store.bundles.get(fromHex(digest))
      if (bundle === undefined) {
        fault(`bundle ${digest} of session ${session} is not kept`)
        continue
      }
      try {
        const proof = verify({ kernel, manifest: manifests.get(adapter)!, bundle, random })
        if (toHex(proof.session) !== session || toHex(proof.root) !== root) fault(`bundle ${digest} is of another session`)
        proved++
      } catch (error) {
        fault(`bundle ${digest}: ${(error as Error).message}`)
      }
    }
  }
  return { name, sessions, announcements, proved }
}

/** What both sides signed is in a bundle, or can be proved from the contributor's journal; and no row has two places in it. */
async function journals(
  store: Store,
  given: {
    readonly sessions: readonly SessionRecord[]
    readonly manifests: ReadonlyMap<string, VerifiedManifest>
    readonly fault: (what: string) => void
  }
): Promise<void> {
  const { sessions, manifests, fault } = given
  for (const { session, role, settled } of await store.journals.list()) {
    const record = sessions.find(each => each.session === session)
    const manifest = record === undefined ? undefined : manifests.get(record.adapter)
    const records = await store.journals.of(fromHex(session)).load()
    if (record === undefined || manifest === undefined) {
      // Killed between the two: nothing has left yet.
      if (records.some(({ kind }) => kind !== 'opened')) fault(`session ${session} has a journal and no record or manifest`)
      continue
    }
    const covered = Math.max(0, ...record.bundles.map(({ end }) => end))
    if (role === 'user') {
      // Nobody keeps the user from settling: all that it signed for is behind it.
      if (!settled) fault(`session ${session} of the user is not settled`)
      restoreUser(records, manifest)
      continue
    }
    const restored = restoreContributor(records, manifest)
    const tails = agreedTails({ userTails: restored.userTails, contributorTails: tailsOf(restored), start: 0 })
    const signed = tails?.user.accepted ?? 0
    const numbers = restored.rows.map(({ number }) => number)
    if (numbers.some((number, i) => number !== restored.start + i))
      fault(`session ${session} has its rows not once each: ${numbers.join()}`)
    const provable = settled ? covered : Math.max(covered, restored.start + numbers.length)
    if (signed > provable) fault(`session ${session}: both signed ${signed} rows, ${provable} are proved or can be`)
  }
}

/** No place of a feed has two announcements, whoever kept them. */
function forks(all: readonly Found[], faults: string[]): void {
  const seen = new Map<string, Uint8Array>()
  for (const { name, announcements } of all) {
    for (const [place, bytes] of announcements) {
      const other = seen.get(place)
      if (other !== undefined && !equal(other, bytes)) faults.push(`${name}: there are two announcements at ${place}`)
      seen.set(place, bytes)
    }
  }
}

/** What both sides say of a session does not contradict itself. */
function agree(contributor: Found, user: Found, faults: string[]): void {
  const theirs = new Map(contributor.sessions.map(record => [record.session, record]))
  for (const mine of user.sessions) {
    const other = theirs.get(mine.session)
    const bundles = new Map(other?.bundles.map(bundle => [`${bundle.start}`, bundle]))
    for (const { start, end, digest } of mine.bundles) {
      const same = bundles.get(`${start}`)
      if (same === undefined) faults.push(`session ${mine.session}: the user has a bundle that its contributor has not`)
      else if (same.end === end && same.digest !== digest) faults.push(`session ${mine.session}: two bundles of the same rows`)
    }
    if (mine.announcement !== null && ![...contributor.announcements.values()].some(bytes => toHex(bytes) === mine.announcement)) {
      faults.push(`session ${mine.session}: the user was shown an announcement that is in no feed`)
    }
  }
}
