/**
 * Adapters of the config, added once. Registering makes a new secret and a new identifier each time, so a folder whose content
 * and terms are unchanged keeps the adapter that was made of it; what was trained further, or is offered on other terms, takes
 * the place of what was registered of that folder before.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { InvalidInputError } from '../errors.js'
import type { CallOptions, OwnAdapterInfo, ZkloraNode } from '../roles/types.js'
import { registeredFile } from './paths.js'
import type { AdapterSettings } from './settings.js'

/** By folder: what it was registered as. */
const registeredSchema = z.record(z.string(), z.strictObject({ fingerprint: z.string(), adapter: z.string() }))

async function readRegistered(file: string): Promise<z.infer<typeof registeredSchema>> {
  try {
    return registeredSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new InvalidInputError(`${file} cannot be read: remove it, and the adapters of the config are registered anew`, { cause })
  }
}

/** A hash over the adapter's files and its terms. */
async function fingerprintOf(params: AdapterSettings): Promise<string> {
  const hash = createHash('sha256')
  hash.update(JSON.stringify(Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1))))
  for (const name of ['adapter_config.json', 'adapter_model.safetensors']) {
    try {
      for await (const chunk of createReadStream(join(params.folder, name))) hash.update(chunk as Buffer)
    } catch (cause) {
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

/** @throws InvalidInputError for a folder that is no adapter, and what `addAdapter` throws. */
export async function registerAdapter(
  node: ZkloraNode,
  dataDir: string,
  params: AdapterSettings,
  options: CallOptions
): Promise<Registration> {
  const file = registeredFile(dataDir)
  const registered = await readRegistered(file)
  const fingerprint = await fingerprintOf(params)
  const before = registered[params.folder]
  const known = (await node.listAdapters()).find(({ id }) => id === before?.adapter)
  if (known !== undefined && before?.fingerprint === fingerprint) return { adapter: known, outcome: 'kept' }
  const adapter = await node.addAdapter(params, options)
  if (known !== undefined) await node.removeAdapter(known.id)
  // Beside and renamed, so that a crash leaves the old list or the new one.
  await writeFile(`${file}.new`, JSON.stringify({ ...registered, [params.folder]: { fingerprint, adapter: adapter.id } }, null, 2), {
    mode: 0o600
  })
  await rename(`${file}.new`, file)
  return { adapter, outcome: known === undefined ? 'added' : 'replaced' }
}
