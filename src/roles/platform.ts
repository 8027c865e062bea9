/** What Node brings to the portable rooms: the datastore on disk and the transports. */
import { chmod, mkdir } from 'node:fs/promises'
import { tcp } from '@libp2p/tcp'
import { LevelDatastore } from 'datastore-level'
import type { Batch, Key } from 'interface-datastore'
import type { Libp2pOptions } from 'libp2p'
import { InvalidInputError } from '../errors.js'

/** LevelDB as datastore-level opens it, reached for one option that it does not pass on. */
interface LevelBatches {
  batch(
    operations: readonly ({ type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string })[],
    options: { sync: boolean }
  ): Promise<void>
}

/** Batches are atomic and on the disk when they are committed: what is signed must not be forgotten by a power cut. */
class DurableDatastore extends LevelDatastore {
  override batch(): Batch {
    const operations: Parameters<LevelBatches['batch']>[0][number][] = []
    return {
      put: (key: Key, value: Uint8Array) => void operations.push({ type: 'put', key: key.toString(), value }),
      delete: (key: Key) => void operations.push({ type: 'del', key: key.toString() }),
      commit: () => (this.db as unknown as LevelBatches).batch(operations, { sync: true })
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
    throw new InvalidInputError(
      `the store in ${folder} cannot be opened: ${(cause as Error).message}. If a zklora node runs with this data folder, stop it or use another with --data-dir.`,
      { cause }
    )
  }
  return datastore
}

/** The transports of a Node process. */
export function nodeTransports(): NonNullable<Libp2pOptions['transports']> {
  return [tcp()]
}
