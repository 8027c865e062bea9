/** A registered adapter, a real bundle of a session with it, and its announcement. */
import type { PeerId } from '@libp2p/interface'
import { toHex } from '../../src/bytes.js'
import { sign, type CommittedAdapter, verify, type VerifiedManifest, type VerifiedProof } from '../../src/proof/index.js'
import { RECEIPT_LABEL, type Store } from '../../src/store/index.js'
import type { AnnouncementBody } from '../../src/net/index.js'
import { encodeStatement, type Statement } from '../../src/wire/announcement.js'
import { honestBundle, kernel, OWNER_SECRET, register, seeded, USER_SECRET } from '../proof/fixture.js'

export interface MadeBundle {
  readonly adapter: CommittedAdapter
  readonly manifest: VerifiedManifest
  readonly bundle: Uint8Array
  readonly proof: VerifiedProof
  readonly statement: Statement
}

const made = new Map<string, MadeBundle>()

/** The same for the same seeds, made once for each process. @param started seconds since 1970, if not the fixture's */
export function makeBundle(adapterSeed: string, sessionSeed: string, started?: bigint): MadeBundle {
  const name = `${adapterSeed}/${sessionSeed}`
  const there = made.get(name)
  if (there !== undefined) return there
  const { adapter, manifest } = register(adapterSeed)
  const nonce = seeded(name)(32)
  const { bundle } = honestBundle(adapter, sessionSeed, { context: { userNonce: nonce, ...(started === undefined ? {} : { started }) } })
  const proof = verify({ kernel, manifest, bundle, random: seeded('verify') })
  const result = { adapter, manifest, bundle, proof, statement: statementOf(proof) }
  made.set(name, result)
  return result
}

export function statementOf(proof: VerifiedProof): Statement {
  const { session, adapter, base, userKey, contributorKey, start, end, publicStart, publicEnd, root, digest, bundleBytes } = proof
  return { session, adapter, base, userKey, contributorKey, start, end, publicStart, publicEnd, root, digest, length: bundleBytes }
}

/** What the contributor of the fixtures announces, with the user's receipt. */
export function bodyOf({ statement }: MadeBundle, holder: PeerId, change: Partial<AnnouncementBody> = {}): AnnouncementBody {
  return {
    statement,
    receipt: sign(USER_SECRET, RECEIPT_LABEL, encodeStatement(statement)),
    delegation: null,
    time: BigInt(Date.now()),
    holder: holder.toMultihash().bytes,
    ...change
  }
}

/** Puts manifest and bundle where a contributor has them. */
export async function keep(store: Store, { manifest, proof, bundle }: MadeBundle): Promise<void> {
  await store.manifests.put(manifest)
  await store.bundles.putVerified(proof, bundle, { own: true })
}

export const hex = toHex
export { OWNER_SECRET }
