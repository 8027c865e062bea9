/** What both sides sign about a bundle (protocols/announce, Statement), and what the user says to it. */
import type { ProvedBundle, VerifiedProof } from '../proof/index.js'
import type { Statement } from '../wire/announcement.js'
import type { Terms } from './terms/terms.js'

/** What the user said to a bundle. */
export type ReceiptAnswer = { readonly signature: Uint8Array } | { readonly code: number; readonly reason: string }

/** The statement about a bundle that this side proved. */
export function statementOf(
  { context, session }: Pick<Terms, 'context' | 'session'>,
  { proved, ...range }: Pick<Statement, 'start' | 'end' | 'publicStart' | 'publicEnd'> & { readonly proved: ProvedBundle }
): Statement {
  const { adapter, base, userKey, contributorKey } = context
  const { bundle, digest, root } = proved
  return { session, adapter, base, userKey, contributorKey, ...range, root, digest, length: bundle.length }
}

/** The statement about a bundle that this side verified. */
export function statementOfProof(proof: VerifiedProof): Statement {
  const { session, adapter, base, userKey, contributorKey, start, end, publicStart, publicEnd, root, digest, bundleBytes } = proof
  return { session, adapter, base, userKey, contributorKey, start, end, publicStart, publicEnd, root, digest, length: bundleBytes }
}
