/**
 * Journals of own sessions: what was signed, on the disk before it leaves, until the session is settled or 30 days have gone. A
 * contributor's rows go as soon as they are proved.
 */
import { toHex } from '../bytes.js'
import { NET_LIMITS } from '../limits.js'
import type { SessionRow, TailRole } from '../proof/index.js'
import type { Journal, JournalRecord } from '../session/index.js'
import type { Statement } from '../wire/announcement.js'
import { decodeRecord, decodeSessionRows, encodeRecord, encodeSessionRows } from './journal-codec.js'
import { Serial, sortable, type Table, type Write } from './table.js'

/** A session whose journal is kept; times are milliseconds since 1970. */
export interface JournalInfo {
  readonly session: string
  readonly role: TailRole
  readonly opened: number
  readonly updated: number
  /** False: something of it is to be settled yet. */
  readonly settled: boolean
  /** Of its records and rows. */
  readonly bytes: number
}

/** The journal of one session. */
export interface SessionJournal extends Journal {
  /** All records, in their order; none when there is no journal. */
  load(): Promise<JournalRecord[]>
  /** A bundle exists: the rows before its end are forgotten, in one step. @param all no later row will be proved */
  proved(statement: Statement, options: { readonly all: boolean }): Promise<void>
  /** Nothing is to be settled any more: what is left answers the other side, should it ask again. */
  settled(): Promise<void>
  remove(): Promise<void>
}

/** Milliseconds after which a new session also makes old ones go. */
const SWEEP = 24 * 60 * 60 * 1000

interface Place {
  readonly sequence: string
  readonly record: JournalRecord
  readonly bytes: number
}

export class Journals {
  private readonly serial = new Serial()
  /** Of the sessions that this process has written to: the next record's number, and what is told of them. */
  private readonly next = new Map<string, number>()
  private readonly infos = new Map<string, JournalInfo>()
  private all = 0
  private swept: number

  constructor(
    private readonly table: Table,
    private readonly now: () => number,
    private readonly onExpired: (journals: number) => void = () => {}
  ) {
    this.swept = now()
  }

  /** Bytes of all records and rows, kept up with every change. */
  get bytes(): number {
    return this.all
  }

  /** Counts what is there. */
  async open(): Promise<void> {
    for (const { bytes } of await this.list()) this.all += bytes
  }

  of(session: Uint8Array): SessionJournal {
    const id = toHex(session)
    const inTurn =
      <A extends unknown[], R>(task: (...given: A) => Promise<R>) =>
      (...given: A): Promise<R> =>
        this.serial.run(id, () => task(...given))
    return {
      append: inTurn(record => this.append(id, record)),
      load: inTurn(() => this.load(id)),
      proved: inTurn((statement, { all }) => this.proved(id, statement, all)),
      settled: inTurn(() => this.settled(id)),
      remove: inTurn(() => this.remove(id))
    }
  }

  async list(): Promise<JournalInfo[]> {
    return this.table.jsonList<JournalInfo>(['journal-of'])
  }

  /** Removes those that were opened longer ago than this, in milliseconds. Returns how many. */
  async expire(age: number): Promise<number> {
    this.swept = this.now()
    const old = (await this.list()).filter(({ opened }) => this.now() - opened > age)
    for (const { session } of old) await this.serial.run(session, () => this.remove(session))
    if (old.length > 0) this.onExpired(old.length)
    return old.length
  }

  private async append(id: string, record: JournalRecord): Promise<void> {
    const write = this.table.write()
    await this.put(id, record, { write, freed: 0 })
    await write.commit()
    // A process may run for longer than journals are kept.
    if (record.kind === 'opened' && this.now() - this.swept >= SWEEP) await this.expire(NET_LIMITS.keptJournalAge)
  }

  /** @param batch and the bytes of this journal that are deleted in it */
  private async put(id: string, record: JournalRecord, { write, freed }: { write: Write; freed: number }): Promise<void> {
    const number =
      this.next.get(id) ?? (await this.places(id)).reduce((most, { sequence }) => Math.max(most, Number.parseInt(sequence, 16) + 1), 0)
    this.next.set(id, number + 1)
    const sequence = sortable(number)
    const bytes = encodeRecord(record)
    write.put(['journal', id, sequence], bytes)
    let grows = bytes.length - freed
    if (record.kind === 'contributor batch' && record.rows.length > 0) {
      const rows = encodeSessionRows(record.rows)
      const last = record.rows.at(-1)!.number
      write.put(['journal-rows', id, sequence, String(last + 1)], rows)
      grows += rows.length
    }
    await this.note(id, write, { record, bytes: grows })
  }

  /** @param change what is written, if it is a record, and by how many bytes the journal grows */
  private async note(id: string, write: Write, { record, bytes }: { record?: JournalRecord; bytes: number }): Promise<void> {
    const now = this.now()
    const before = await this.info(id)
    const info: JournalInfo =
      record?.kind === 'opened' || before === undefined
        ? {
            session: id,
            role: record?.kind === 'opened' && record.secretKey.length > 0 ? 'user' : 'contributor',
            opened: now,
            updated: now,
            settled: false,
            bytes
          }
        : { ...before, updated: now, settled: record === undefined, bytes: before.bytes + bytes }
    this.all += bytes
    this.infos.set(id, info)
    write.putJson(['journal-of', id], info)
  }

  private async info(id: string): Promise<JournalInfo | undefined> {
    return this.infos.get(id) ?? this.table.getJson<JournalInfo>(['journal-of', id])
  }

  private async load(id: string): Promise<JournalRecord[]> {
    const rows = new Map<string, SessionRow[]>()
    for await (const { parts, value } of this.table.entries(['journal-rows', id])) rows.set(parts[2]!, decodeSessionRows(value))
    const places = await this.places(id)
    return places.map(({ sequence, record }) =>
      record.kind === 'contributor batch' ? { ...record, rows: rows.get(sequence) ?? [] } : record
    )
  }

  private async proved(id: string, statement: Statement, all: boolean): Promise<void> {
    const write = this.table.write()
    const kept = new Set<string>()
    let freed = 0
    for await (const { parts, value } of this.table.entries(['journal-rows', id])) {
      if (all || Number(parts[3]) <= statement.end) {
        write.delete(parts)
        freed += value.length
      } else kept.add(parts[2]!)
    }
    // The last batch stays: what was signed last is in it.
    const batches = (await this.places(id)).filter(({ record }) => record.kind === 'contributor batch')
    for (const { sequence, bytes } of batches.slice(0, -1)) {
      if (kept.has(sequence)) continue
      write.delete(['journal', id, sequence])
      freed += bytes
    }
    await this.put(id, { kind: 'proved', statement }, { write, freed })
    await write.commit()
  }

  private async settled(id: string): Promise<void> {
    const write = this.table.write()
    let freed = 0
    for await (const { parts, value } of this.table.entries(['journal-rows', id])) {
      write.delete(parts)
      freed += value.length
    }
    await this.note(id, write, { bytes: -freed })
    await write.commit()
    this.next.delete(id)
    this.infos.delete(id)
  }

  private async remove(id: string): Promise<void> {
    const write = this.table.write().delete(['journal-of', id])
    for (const kind of ['journal', 'journal-rows']) {
      for await (const { parts } of this.table.entries([kind, id])) write.delete(parts)
    }
    const { bytes } = (await this.info(id)) ?? { bytes: 0 }
    await write.commit()
    this.all -= bytes
    this.next.delete(id)
    this.infos.delete(id)
  }

  private async places(id: string): Promise<Place[]> {
    const places: Place[] = []
    for await (const { parts, value } of this.table.entries(['journal', id])) {
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
      places.push({ sequence: parts[2]!, record: decodeRecord(bytes), bytes: bytes.length })
    }
    return places.sort((a, b) => (a.sequence < b.sequence ? -1 : 1))
  }
}
