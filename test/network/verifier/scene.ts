/** A verifier that hears what the test tells it, the holder that it can dial, and a proof that is announced. */
import type { ExecutionContext } from 'ava'
import type { AnnouncementBody, Heard } from '../../../src/net/index.js'
import { decodeManifest, sign, verifyBatch, verifyManifest } from '../../../src/proof/index.js'
import type { VerdictInfo } from '../../../src/roles/types.js'
import { Verifier, type VerifierChecks, type VerifierInit } from '../../../src/roles/verifier.js'
import { Witness } from '../../../src/roles/witness.js'
import type { EvidenceJob } from '../../../src/roles/workers.js'
import {
  ANNOUNCEMENT_LABEL,
  checkEvidence,
  type CheckedEvidence,
  type FeedAnnouncement,
  openAnnouncement
} from '../../../src/store/index.js'
import { encodeAnnouncement, encodeUnsigned, NO_PREVIOUS, type UnsignedAnnouncement } from '../../../src/wire/announcement.js'
import { startNode, type TestNode } from '../../net/nodes.js'
import { kernel, OWNER_SECRET, seeded } from '../../proof/fixture.js'
import { bodyOf, keep, makeBundle, type MadeBundle } from '../bundles.js'

export interface Scene {
  readonly holder: TestNode
  readonly here: TestNode
  readonly verifier: Verifier
  readonly verdicts: VerdictInfo[]
  readonly witness: Witness
  /** Lets the verifier hear an announcement, as gossip would. */
  hear(body: AnnouncementBody, change?: Partial<UnsignedAnnouncement>): Promise<void>
}

/** A verifier that hears what the test tells it, and a holder that it can dial. */
export async function scene(t: ExecutionContext, init: Partial<VerifierInit> = {}): Promise<Scene> {
  const [holder, here] = await Promise.all([startNode(t, { roles: ['contributor'] }), startNode(t)])
  await here.net.node.peerStore.patch(holder.net.node.peerId, { multiaddrs: holder.net.node.getMultiaddrs() })
  let tell!: (heard: Heard) => void
  const listen = (listener: (heard: Heard) => void): (() => void) => {
    tell = listener
    return () => {}
  }
  const net = { ...here.net, announce: { ...here.net.announce, listen } as unknown as TestNode['net']['announce'] }
  const check = async ({ bytes, ...known }: EvidenceJob): Promise<CheckedEvidence> =>
    checkEvidence(bytes, { kernel, random: seeded('witness'), ...known })
  const witness = new Witness({ store: here.store, check, log: () => here.net.node.logger.forComponent('test') })
  const verifier = new Verifier({ net, store: here.store, kernel, random: seeded('verifier'), witness, counters: here.counters, ...init })
  const verdicts: VerdictInfo[] = []
  verifier.listen(verdict => verdicts.push(verdict))
  verifier.start()
  t.teardown(() => verifier.stop())
  return {
    holder,
    here,
    verifier,
    verdicts,
    witness,
    async hear(body, change = {}) {
      tell({ read: announced(body, change), from: holder.net.node.peerId })
      await verifier.idle()
      await witness.idle()
    }
  }
}

/** Signed by the contributor of the fixtures; the first of its feed unless told otherwise. */
export function announced(body: AnnouncementBody, change: Partial<UnsignedAnnouncement> = {}): FeedAnnouncement {
  const unsigned = { ...body, index: 0n, previous: NO_PREVIOUS, ...change }
  return openAnnouncement(encodeAnnouncement({ ...unsigned, signature: sign(OWNER_SECRET, ANNOUNCEMENT_LABEL, encodeUnsigned(unsigned)) }))
}

/** Real verification, which begins when it is let go. */
export function heldChecks(): VerifierChecks & { readonly go: () => void; readonly begun: Promise<void> } {
  let go!: () => void
  let begin!: () => void
  const gone = new Promise<void>(resolve => (go = resolve))
  const begun = new Promise<void>(resolve => (begin = resolve))
  return {
    manifest: async bytes => verifyManifest({ kernel, manifest: decodeManifest(bytes), random: seeded('held') }),
    bundles: async items => {
      begin()
      await gone
      return { results: verifyBatch({ kernel, items, random: seeded('held') }), elapsed: 1 }
    },
    atOnce: 1,
    batchBytes: 0,
    go: () => go(),
    begun
  }
}

export const made = makeBundle('verifier', 'one')
export const last = ({ verdicts }: Scene): VerdictInfo => verdicts.at(-1)!

export async function heard(
  t: ExecutionContext,
  change: (body: AnnouncementBody) => AnnouncementBody,
  of: MadeBundle = made
): Promise<Scene> {
  const it = await scene(t)
  await keep(it.holder.store, of)
  await it.hear(change(bodyOf(of, it.holder.net.node.peerId)))
  return it
}
