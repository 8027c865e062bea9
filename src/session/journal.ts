/**
 * What a side writes down of a session before it leaves: enough to sign nothing twice in two ways, to send what was signed again byte
 * for byte, and to prove what both accepted, also after a restart (protocols/session, Settling).
 */
import type { PublicRow, SessionRow } from '../proof/index.js'
import type { Statement } from '../wire/announcement.js'
import { encodeMessage } from './messages/messages.js'
import type { Peers, Terms } from './terms/terms.js'

/** The terms, before this side's signature over them leaves. */
export interface OpenedRecord {
  readonly kind: 'opened'
  /** The messages. */
  readonly open: Uint8Array
  readonly accept: Uint8Array
  readonly peers: Peers
  /** Seed of the key that the user made for this session; of the contributor, whose key belongs to its adapter, empty. */
  readonly secretKey: Uint8Array
}

/** A batch of the user. */
export interface UserBatchRecord {
  readonly kind: 'user batch'
  /** The message. */
  readonly own: Uint8Array
  /** Rows accepted since the record before. */
  readonly accepted: readonly PublicRow[]
}

/** A batch of the contributor. */
export interface ContributorBatchRecord {
  readonly kind: 'contributor batch'
  /** The user's message that it answers. */
  readonly user: Uint8Array
  readonly own: Uint8Array
  /** The rows that it accepts. */
  readonly rows: readonly SessionRow[]
}

/** The contributor's bundle exists: what its rows were made from is not needed any more. */
export interface ProvedRecord {
  readonly kind: 'proved'
  readonly statement: Statement
}

/** The user's signature over the statement: by the user before it leaves, by the contributor before it announces. */
export interface ReceiptRecord {
  readonly kind: 'receipt'
  readonly statement: Statement
  readonly signature: Uint8Array
}

export type JournalRecord = OpenedRecord | UserBatchRecord | ContributorBatchRecord | ProvedRecord | ReceiptRecord

export interface Journal {
  /** Resolves when the record is on the disk. */
  append(record: JournalRecord): Promise<void>
}

export function openedRecord({ open, accept, peers }: Terms, secretKey: Uint8Array = new Uint8Array(0)): OpenedRecord {
  return { kind: 'opened', open: encodeMessage({ open }), accept: encodeMessage({ accept }), peers, secretKey }
}
