/** What Node brings to the portable rooms: the datastore on disk and the transports. */
import { chmod, mkdir } from 'node:fs/promises'
import { tcp } from '@libp2p/tcp'
import { LevelDatastore } from 'datastore-level'
import type { AbortOptions } from '@libp2p/interface'
import type { Batch, Key } from 'interface-datastore'
import type { Libp2pOptions } from 'libp2p'
import { InvalidInputError, StorageError } from '../errors.js'
import { systemReason } from './system-error.js'

/** LevelDB as datastore-level opens it, reached for one option that it does not pass on. */
interface LevelBatches {
  batch(
    operations: readonly ({ type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string })[],
    options: { sync: boolean }
  ): Promise<void>
}

/** Batches are atomic and on the disk when they are committed: what is signed must not be forgotten by a power cut. */
class DurableDatastore extends LevelDatastore {
  constructor(private readonly folder: string) {
    super(folder)
  }

  /** @throws StorageError for what the disk does not take. */
  private async kept<T>(write: Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await write
    } catch (cause) {
      signal?.throwIfAborted()
      throw new StorageError(
        `the store in ${this.folder} cannot be written (${systemReason(cause)}); what was kept before is still there`,
        {
          cause
        }
      )
    }
  }

  /** As the base class does it, which loses the reason on the way. */
  override open(): Promise<void> {
    return this.db.open({ createIfMissing: true, compression: false })
  }

  override put(key: Key, value: Uint8Array, options?: AbortOptions): Promise<Key> {
    return this.kept(super.put(key, value, options), options?.signal)
  }

  override delete(key: Key, options?: AbortOptions): Promise<void> {
    return this.kept(super.delete(key, options), options?.signal)
  }

  override batch(): Batch {
    const operations: Parameters<LevelBatches['batch']>[0][number][] = []
    return {
      put: (key: Key, value: Uint8Array) => void operations.push({ type: 'put', key: key.toString(), value }),
      delete: (key: Key) => void operations.push({ type: 'del', key: key.toString() }),
      commit: () => this.kept((this.db as unknown as LevelBatches).batch(operations, { sync: true }))
    }
  }
}

/**
 * Opens the datastore in a folder, made when it is not there, that only its owner may enter: LevelDB's files, with weights and
 * secrets in them, are as readable as the umask says.
 * @throws InvalidInputError when it cannot be opened: mostly because another process has it
 */
export async function openDatastore(folder: string): Promise<LevelDatastore> {
  const datastore = new DurableDatastore(folder)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    await datastore.open()
  } catch (cause) {
    throw new InvalidInputError(`the store in ${folder} cannot be opened (${whyNot(cause)})`, { cause })
  }
  return datastore
}

function whyNot(cause: unknown): string {
  const locked = cause instanceof Error && cause.cause instanceof Error && (cause.cause as { code?: string }).code === 'LEVEL_LOCKED'
  return locked
    ? 'another process has it: stop the zklora that runs on this data folder, or choose another with --data-dir'
    : systemReason(cause)
}

/** The transports of a Node process. */
export function nodeTransports(): NonNullable<Libp2pOptions['transports']> {
  return [tcp()]
}
