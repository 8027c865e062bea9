/** Records of sessions' journals as bytes: fields one after the other, each with its length. The rows of a contributor are apart, since they go first. */
import { concat, Cursor, prefixed, u16, u32, u8 } from '../bytes.js'
import { InvalidInputError } from '../errors.js'
import type { PublicRow, SessionRow } from '../proof/index.js'
import type { JournalRecord } from '../session/index.js'
import { decodeStatement, encodeStatement } from '../wire/announcement.js'

const KINDS = ['opened', 'user batch', 'contributor batch', 'proved', 'receipt'] as const
const POINT = 32

export function encodeRecord(record: JournalRecord): Uint8Array {
  return concat([u8(KINDS.indexOf(record.kind)), ...fieldsOf(record).map(prefixed)])
}

function fieldsOf(record: JournalRecord): Uint8Array[] {
  switch (record.kind) {
    case 'opened':
      return [record.open, record.accept, record.peers.user, record.peers.contributor, record.secretKey]
    case 'user batch':
      return [record.own, encodePublicRows(record.accepted)]
    case 'contributor batch':
      return [record.user, record.own]
    case 'proved':
      return [encodeStatement(record.statement)]
    case 'receipt':
      return [encodeStatement(record.statement), record.signature]
  }
}

/** Without the rows of a contributor's batch. @throws InvalidInputError for a kind that a later program wrote */
export function decodeRecord(bytes: Uint8Array): JournalRecord {
  const cursor = new Cursor(bytes, "a record of a session's journal")
  const kind = KINDS[cursor.u8()]
  const field = (): Uint8Array => new Uint8Array(cursor.bytesOf(cursor.u32()))
  switch (kind) {
    case 'opened':
      return { kind, open: field(), accept: field(), peers: { user: field(), contributor: field() }, secretKey: field() }
    case 'user batch':
      return { kind, own: field(), accepted: decodePublicRows(field()) }
    case 'contributor batch':
      return { kind, user: field(), own: field(), rows: [] }
    case 'proved':
      return { kind, statement: decodeStatement(field()) }
    case 'receipt':
      return { kind, statement: decodeStatement(field()), signature: field() }
    default:
      throw new InvalidInputError("a session's journal was written by a newer program: use that again, or another data folder")
  }
}

function publicRow({ number, group, position, s }: PublicRow): Uint8Array {
  return concat([u32(number), u16(group), u32(position), s])
}

function readPublicRow(cursor: Cursor): PublicRow {
  return { number: cursor.u32(), group: cursor.u16(), position: cursor.u32(), s: new Uint8Array(cursor.bytesOf(POINT)) }
}

function encodePublicRows(rows: readonly PublicRow[]): Uint8Array {
  return concat(rows.map(publicRow))
}

function decodePublicRows(bytes: Uint8Array): PublicRow[] {
  const cursor = new Cursor(bytes, 'rows of a journal')
  const rows: PublicRow[] = []
  while (cursor.remaining > 0) rows.push(readPublicRow(cursor))
  return rows
}

/** What a bundle is made from. Secret. */
export function encodeSessionRows(rows: readonly SessionRow[]): Uint8Array {
  return concat(
    rows.map(row => {
      const x = new Uint8Array(row.x.buffer, row.x.byteOffset, row.x.byteLength)
      return concat([publicRow(row), row.xCommitment, row.eta, prefixed(x)])
    })
  )
}

export function decodeSessionRows(bytes: Uint8Array): SessionRow[] {
  const cursor = new Cursor(bytes, 'rows of a journal')
  const rows: SessionRow[] = []
  while (cursor.remaining > 0) {
    const row = readPublicRow(cursor)
    const xCommitment = new Uint8Array(cursor.bytesOf(POINT))
    const eta = new Uint8Array(cursor.bytesOf(POINT))
    const x = new Uint8Array(cursor.bytesOf(cursor.u32()))
    rows.push({ ...row, xCommitment, eta, x: new Int16Array(x.buffer) })
  }
  return rows
}
