/**
 * Adapters of the config, added once. Registering makes a new secret and a new identifier each time, so a folder whose content
 * and terms are unchanged keeps the adapter that was made of it; what was trained further, or is offered on other terms, takes
 * the place of what was registered of that folder before.
 */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidInputError, LimitExceededError } from '../errors.js'
import { FILE_LIMITS } from '../hub/index.js'
import type { AddAdapterParams, CallOptions, OwnAdapterInfo, ZkloraNode } from '../roles/types.js'

/** The files of an adapter with the bytes that each may have. */
const ADAPTER_FILES = [
  ['adapter_config.json', FILE_LIMITS.config],
  ['adapter_model.safetensors', FILE_LIMITS.adapter]
] as const

/** A hash over the adapter's files and its terms. */
async function fingerprintOf(params: AddAdapterParams): Promise<string> {
  if (!existsSync(params.folder))
    throw new InvalidInputError(`there is no adapter folder ${params.folder}: give the folder of a PEFT adapter`)
  const terms = Object.entries(params).filter(([, value]) => value !== undefined)
  terms.sort(([a], [b]) => (a < b ? -1 : 1))
  const hash = createHash('sha256')
  hash.update(JSON.stringify(terms))
  for (const [name, most] of ADAPTER_FILES) {
    const path = join(params.folder, name)
    try {
      // Neither a pipe nor a device, which might never end; what grows while it is read is stopped at the bound.
      if (!(await stat(path)).isFile()) throw new InvalidInputError(`${path} is not a file`)
      let size = 0
      for await (const chunk of createReadStream(path)) {
        size += (chunk as Buffer).length
        if (size > most) throw new LimitExceededError(`bytes of ${path}`, size, most, 'of such a file')
        hash.update(chunk as Buffer)
      }
    } catch (cause) {
      if (cause instanceof LimitExceededError) throw cause
      throw new InvalidInputError(`adapter folder ${params.folder} has no readable ${name}: it must be a PEFT adapter with safetensors`, {
        cause
      })
    }
  }
  return hash.digest('hex')
}

export interface Registration {
  adapter: OwnAdapterInfo
  /** `kept`: as at an earlier start. `replaced`: content or terms have changed since. */
  outcome: 'kept' | 'added' | 'replaced'
}

/**
 * What was registered of a folder is kept with the adapter, in one write, so that a process that is killed on the way leaves either none,
 * or one that the next start finds; what it takes the place of goes last.
 * @throws InvalidInputError for a folder that is no adapter, and what `addAdapter` throws
 */
export async function registerAdapter(node: ZkloraNode, params: AddAdapterParams, options: CallOptions): Promise<Registration> {
  const { folder } = params
  const fingerprint = await fingerprintOf(params)
  const before = (await node.listAdapters()).filter(({ origin }) => origin?.folder === folder)
  const kept = before.find(({ origin }) => origin?.fingerprint === fingerprint)
  const adapter = kept ?? (await node.addAdapter({ ...params, origin: { folder, fingerprint } }, options))
  const old = before.filter(({ id }) => id !== adapter.id)
  for (const { id } of old) await node.removeAdapter(id)
  if (kept !== undefined) return { adapter, outcome: 'kept' }
  return { adapter, outcome: old.length === 0 ? 'added' : 'replaced' }
}
