/**
 * A prefix of the datastore: keys from parts, values as bytes or JSON, writes in batches. Everything is written through a batch,
 * which the datastore of a Node process commits atomically and to the disk (roles/datastore.ts).
 */
import type { Batch, Datastore } from 'interface-datastore'
import { Key } from 'interface-datastore'
import { fromUtf8, utf8 } from '../bytes.js'

/** All keys of the store; libp2p keeps its own beside it. */
export const ROOT = '/zklora'

/** Parts of a key: hexadecimal, numbers of fixed width, names without a slash. */
export type KeyParts = readonly string[]

export interface Entry {
  readonly parts: KeyParts
  readonly value: Uint8Array
}

/** Writes that belong together. */
export class Write {
  private readonly batch: Batch

  constructor(datastore: Datastore) {
    this.batch = datastore.batch()
  }

  put(parts: KeyParts, value: Uint8Array): this {
    this.batch.put(keyOf(parts), value)
    return this
  }

  putJson(parts: KeyParts, value: unknown): this {
    return this.put(parts, utf8(JSON.stringify(value)))
  }

  delete(parts: KeyParts): this {
    this.batch.delete(keyOf(parts))
    return this
  }

  async commit(): Promise<void> {
    await this.batch.commit()
  }
}

function keyOf(parts: KeyParts): Key {
  return new Key(`${ROOT}/${parts.join('/')}`, false)
}

/** LevelDB hands out Buffers, whose `slice` is not that of other byte arrays. */
function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}

export class Table {
  constructor(readonly datastore: Datastore) {}

  async get(parts: KeyParts): Promise<Uint8Array | undefined> {
    try {
      return plain(await this.datastore.get(keyOf(parts)))
    } catch (error) {
      if ((error as Error).name === 'NotFoundError') return undefined
      throw error
    }
  }

  /** The value is one that this store has written: it is not checked again. */
  async getJson<T>(parts: KeyParts): Promise<T | undefined> {
    const bytes = await this.get(parts)
    return bytes === undefined ? undefined : (JSON.parse(fromUtf8(bytes)) as T)
  }

  async has(parts: KeyParts): Promise<boolean> {
    return this.datastore.has(keyOf(parts))
  }

  /** All entries below `parts`, in the datastore's order (LevelDB: of the keys). */
  async *entries(parts: KeyParts): AsyncGenerator<Entry> {
    const prefix = `${ROOT}/${parts.map(part => `${part}/`).join('')}`
    for await (const { key, value } of this.datastore.query({ prefix })) {
      yield {
        parts: key
          .toString()
          .slice(ROOT.length + 1)
          .split('/'),
        value
      }
    }
  }

  async jsonList<T>(parts: KeyParts): Promise<T[]> {
    const list: T[] = []
    for await (const { value } of this.entries(parts)) list.push(JSON.parse(fromUtf8(value)) as T)
    return list
  }

  write(): Write {
    return new Write(this.datastore)
  }
}

/** A number as a part of a key that sorts by it: 16 hexadecimal digits. */
export function sortable(value: number | bigint): string {
  return value.toString(16).padStart(16, '0')
}

/** Runs tasks of one key one after the other. */
export class Serial {
  private readonly last = new Map<string, Promise<unknown>>()

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.last.get(key)
    const mine = (async () => {
      await before?.catch(() => {})
      return task()
    })()
    this.last.set(key, mine)
    try {
      return await mine
    } finally {
      if (this.last.get(key) === mine) this.last.delete(key)
    }
  }
}
