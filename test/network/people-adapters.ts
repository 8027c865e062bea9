/** The demo's adapters, registered. */
import { describeBaseModel } from '../../src/model/index.js'
import { readModelFolder } from '../../src/hub/index.js'
import { quantizeAdapter } from '../../src/lora/index.js'
import { baseModelId, commitAdapter, publicKeyOf, verifyManifest } from '../../src/proof/index.js'
import { readAdapter, type AdapterName } from '../lora/files.js'
import { kernel, OWNER_SECRET, type Registered } from '../proof/fixture.js'
import { random } from './people.js'

/** Quantised, committed and verified: some seconds of work. */
export function registerReal(name: AdapterName, baseFolder: string): Registered {
  const base = baseModelId(describeBaseModel(readModelFolder(baseFolder)))
  const adapter = commitAdapter({
    kernel,
    adapter: quantizeAdapter(readAdapter(name)),
    base,
    name,
    ownerKey: publicKeyOf(OWNER_SECRET),
    secret: random(32),
    salt: random(32),
    random
  })
  return { adapter, manifest: verifyManifest({ kernel, manifest: adapter.manifest, random }) }
}
