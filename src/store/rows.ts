/**
 * What opens the rows of own sessions, for those who want to show one to somebody: activations, answers and blindings, batch by batch,
 * within a bound; the oldest go first. Secret.
 */
import { concat, Cursor, prefixed, toHex, u16, u32 } from '../bytes.js'
import type { OpenableRow } from '../session/index.js'
import { Kept, type KeptLimits } from './kept.js'
import { type KeyParts, sortable, type Table, type Write } from './table.js'

const SCALAR = 32

const bytesOf = ({ buffer, byteOffset, byteLength }: Int16Array | Float64Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

export class OpenableRows {
  private readonly kept: Kept

  constructor(
    private readonly table: Table,
    limits: KeptLimits,
    private readonly now: () => number
  ) {
    this.kept = new Kept({ table, kind: 'row', limits, now, remove: (ids, write) => this.remove(ids, write) })
  }

  async open(): Promise<void> {
    await this.kept.open()
  }

  get bytes(): number {
    return this.kept.bytes.others
  }

  /** @param rows of one batch, with numbers that follow one another */
  async put(session: Uint8Array, rows: readonly OpenableRow[]): Promise<void> {
    const id = [toHex(session), sortable(rows[0]!.number)]
    const value = concat(
      rows.map(({ number, group, position, x, y, upsilon }) =>
        concat([u32(number), u16(group), u32(position), prefixed(bytesOf(x)), prefixed(bytesOf(y)), upsilon])
      )
    )
    await this.kept.change(async write => {
      write.put(['row', ...id], value)
      this.kept.add({ id, bytes: value.length, added: this.now(), own: false }, write)
    })
  }

  /** The row with this number; undefined when it was not kept, or has gone. */
  async get(session: Uint8Array, number: number): Promise<OpenableRow | undefined> {
    for await (const { parts, value } of this.table.entries(['row', toHex(session)])) {
      if (Number.parseInt(parts[2]!, 16) > number) continue
      const cursor = new Cursor(value, 'kept rows')
      while (cursor.remaining > 0) {
        const row = readRow(cursor)
        if (row.number === number) return row
      }
    }
    return undefined
  }

  async evict(): Promise<number> {
    return this.kept.evict()
  }

  private async remove(ids: readonly KeyParts[], write: Write): Promise<void> {
    for (const id of ids) write.delete(['row', ...id])
  }
}

function readRow(cursor: Cursor): OpenableRow {
  const place = { number: cursor.u32(), group: cursor.u16(), position: cursor.u32() }
  // Copied: a typed array's place must be a multiple of its width.
  const x = new Int16Array(new Uint8Array(cursor.bytesOf(cursor.u32())).buffer)
  const y = new Float64Array(new Uint8Array(cursor.bytesOf(cursor.u32())).buffer)
  return { ...place, x, y, upsilon: new Uint8Array(cursor.bytesOf(SCALAR)) }
}
