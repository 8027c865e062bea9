/** The settle message (protocols/session, Settling): what its signature covers, and what is checked of it. */
import { concat, u32, utf8 } from '../../bytes.js'
import { InvalidProofError, ProtocolViolationError } from '../../errors.js'
import { sign, type TailRole, verifySignature } from '../../proof/index.js'
import { LABELS } from '../labels.js'
import type { Settle } from '../messages/messages.js'
import type { Peers, Terms } from '../terms/terms.js'

/** What a side has of a session. */
export type SettleCounts = Pick<Settle, 'rows' | 'userRows' | 'contributorRows'>

interface Signed {
  readonly terms: Pick<Terms, 'session' | 'context'>
  /** Who says it. */
  readonly role: TailRole
  /** The peers of the stream, which need not be those of the broken one. */
  readonly peers: Peers
}

function items({ terms, role, peers }: Signed, counts: SettleCounts): Uint8Array[] {
  const [own, other] = role === 'user' ? [peers.user, peers.contributor] : [peers.contributor, peers.user]
  return [utf8(role), terms.session, own, other, concat([u32(counts.userRows), u32(counts.contributorRows), u32(counts.rows)])]
}

export function makeSettle(signed: Signed, counts: SettleCounts, secretKey: Uint8Array): Settle {
  return { session: signed.terms.session, ...counts, signature: sign(secretKey, LABELS.signSettle, ...items(signed, counts)) }
}

/**
 * @throws InvalidProofError('signature') unless the side's key of the session signed it for this stream; ProtocolViolationError for
 *   counts that no side can have
 */
export function checkSettle(signed: Signed, settle: Settle): void {
  const { context } = signed.terms
  const key = signed.role === 'user' ? context.userKey : context.contributorKey
  if (!verifySignature(key, settle.signature, LABELS.signSettle, ...items(signed, settle))) {
    throw new InvalidProofError('signature', `the ${signed.role}'s signature over settle does not verify`)
  }
  const { rows, userRows, contributorRows } = settle
  if (contributorRows > userRows || Math.max(rows, userRows) > context.rows) {
    throw new ProtocolViolationError(
      `the ${signed.role} settles with ${contributorRows} of ${userRows} rows committed to, of a session of ${context.rows}`
    )
  }
}
