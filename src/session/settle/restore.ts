/** What a side still knows of a session: from its journal, after a break or a restart. */
import { equal } from '../../bytes.js'
import { InvalidInputError } from '../../errors.js'
import { type Manifest, publicNext, type PublicRow, publicStart, type SessionRow, type Tail } from '../../proof/index.js'
import type { Statement } from '../../wire/announcement.js'
import type { JournalRecord, OpenedRecord, ReceiptRecord } from '../journal.js'
import { rowsOf } from '../ledger.js'
import { type Batch, decodeMessage, type Message } from '../messages/messages.js'
import { agree, type Terms } from '../terms/terms.js'

/** A batch as it was sent. */
export interface StoredBatch {
  readonly bytes: Uint8Array
  readonly batch: Batch
  /** Rows first ≤ number < end. */
  readonly first: number
  readonly end: number
}

/** What both sides' journals tell alike. */
interface Restored {
  readonly terms: Terms
  /** Own batches with rows, in their order. */
  readonly batches: readonly StoredBatch[]
  /** The batch by which this side closed. */
  readonly closing: StoredBatch | undefined
  /** The last that this side signed. */
  readonly ownTail: Tail | undefined
}

export interface RestoredUser extends Restored {
  readonly secretKey: Uint8Array
  /** Rows accepted, from 0 on. */
  readonly rows: readonly PublicRow[]
  /** What this side has signed for. */
  readonly receipts: readonly ReceiptRecord[]
}

export interface RestoredContributor extends Restored {
  /** Rows accepted and not proved, from row `start` on. */
  readonly rows: readonly SessionRow[]
  readonly start: number
  /** Rows accepted, proved or not. */
  readonly accepted: number
  /** Public hash after `start` rows, and after each row that follows. */
  readonly publicHashes: readonly Uint8Array[]
  /** The user's tails, in their order. */
  readonly userTails: readonly Tail[]
  readonly proofs: readonly { readonly statement: Statement; readonly receipt: Uint8Array | undefined }[]
}

/** @throws InvalidInputError for a journal that does not begin with the terms */
function openedOf(records: readonly JournalRecord[]): OpenedRecord {
  const opened = records[0]
  if (opened?.kind !== 'opened') throw new InvalidInputError('the journal of a session does not begin with its terms: it cannot be settled')
  return opened
}

function termsOf({ open, accept, peers }: OpenedRecord, manifest: Manifest): Terms {
  return agree({ open: valueOf(open, 'open'), accept: valueOf(accept, 'accept'), manifest, peers })
}

/** Of a message that this node wrote down itself. */
function valueOf<K extends Message['kind']>(bytes: Uint8Array, kind: K): (Message & { kind: K })['value'] {
  const message = decodeMessage(bytes)
  if (message.kind !== kind) throw new InvalidInputError(`the journal of a session has ${message.kind} in the place of ${kind}`)
  return message.value as never
}

export function storedBatch(bytes: Uint8Array): StoredBatch {
  const batch = valueOf(bytes, 'batch')
  return { bytes, batch, first: batch.firstRow, end: batch.firstRow + rowsOf(batch) }
}

/** As bundles have it. */
export function tailOf({ tail }: Batch): Tail {
  const { seen: _seen, ...rest } = tail!
  return rest
}

function own(batches: readonly StoredBatch[]): Pick<Restored, 'batches' | 'closing' | 'ownTail'> {
  const last = batches.at(-1)
  return {
    batches: batches.filter(({ first, end }) => end > first),
    closing: last?.batch.tail!.closed === true ? last : undefined,
    ownTail: last === undefined ? undefined : tailOf(last.batch)
  }
}

/** @throws InvalidInputError for a journal that this program has not written */
export function restoreUser(records: readonly JournalRecord[], manifest: Manifest): RestoredUser {
  const opened = openedOf(records)
  const batches: StoredBatch[] = []
  const rows: PublicRow[] = []
  const receipts: ReceiptRecord[] = []
  for (const record of records) {
    if (record.kind === 'user batch') {
      batches.push(storedBatch(record.own))
      rows.push(...record.accepted)
    }
    if (record.kind === 'receipt') receipts.push(record)
  }
  return { terms: termsOf(opened, manifest), secretKey: opened.secretKey, rows, receipts, ...own(batches) }
}

/** @throws InvalidInputError for a journal that this program has not written */
export function restoreContributor(records: readonly JournalRecord[], manifest: Manifest): RestoredContributor {
  const terms = termsOf(openedOf(records), manifest)
  const batches: StoredBatch[] = []
  const userTails: Tail[] = []
  const proofs: { statement: Statement; receipt: Uint8Array | undefined }[] = []
  let rows: SessionRow[] = []
  let [start, accepted] = [0, 0]
  let before = publicStart(terms.session)
  for (const record of records) {
    switch (record.kind) {
      case 'contributor batch':
        batches.push(storedBatch(record.own))
        userTails.push(tailOf(valueOf(record.user, 'batch')))
        rows.push(...record.rows)
        accepted = batches.at(-1)!.end
        break
      case 'proved':
        proofs.push({ statement: record.statement, receipt: undefined })
        start = record.statement.end
        before = record.statement.publicEnd
        rows = rows.filter(({ number }) => number >= start)
        break
      case 'receipt': {
        const proof = proofs.find(({ statement }) => equal(statement.digest, record.statement.digest))
        if (proof !== undefined) proof.receipt = record.signature
        break
      }
    }
  }
  const publicHashes = [before]
  for (const row of rows) publicHashes.push(publicNext(publicHashes.at(-1)!, row))
  return { terms, rows, start, accepted, publicHashes, userTails, proofs, ...own(batches) }
}

/** Tails of both sides for as many rows, the most that both have signed for; undefined when that is none beyond `start`. */
export function agreedTails({
  userTails,
  contributorTails,
  start
}: {
  readonly userTails: readonly Tail[]
  readonly contributorTails: readonly Tail[]
  readonly start: number
}): { readonly user: Tail; readonly contributor: Tail } | undefined {
  for (const user of [...userTails].reverse()) {
    if (user.accepted <= start) return undefined
    const contributor = contributorTails.findLast(tail => tail.accepted === user.accepted)
    if (contributor !== undefined) return { user, contributor }
  }
  return undefined
}
