/** A registered adapter after a restart: its blindings made anew, and checked against its manifest. */
import { equal } from '../../bytes.js'
import { InvalidInputError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import type { QuantizedAdapter } from '../../lora/types.js'
import { Combination, type Term } from '../combination.js'
import { randomWeights } from '../scalars.js'
import type { CommittedAdapter, Manifest, Random } from '../types.js'
import { groupsOf } from './commit.js'
import { contentDigest, hashScales, scalesOf } from './content.js'
import { decodeManifest } from './decode.js'
import { encodeShape } from './encode.js'
import { drawBlindings, place, type Blindings, type Placed } from './place.js'

export interface RestoreAdapterInit {
  readonly kernel: Kernel
  readonly adapter: QuantizedAdapter
  readonly manifestBytes: Uint8Array
  readonly secret: Uint8Array
  readonly salt: Uint8Array
  readonly random: Random
}

/**
 * Makes the blindings of a registered adapter anew and checks that weights, secret and salt are those of the manifest: shape and scales
 * by their bytes, all commitments by one random combination. The certificates are not verified again.
 * @throws MalformedMessageError, LimitExceededError for the manifest; InvalidInputError when something does not fit it
 */
export function restoreAdapter({ kernel, adapter, manifestBytes, secret, salt, random }: RestoreAdapterInit): CommittedAdapter {
  const manifest = decodeManifest(manifestBytes)
  if (!equal(encodeShape(adapter), encodeShape(manifest))) throw misfit('modules or bits')
  if (!equal(hashScales(salt, scalesOf(adapter)), manifest.scalesHash)) throw misfit('scales or salt')
  const content = contentDigest(manifest.base, adapter)
  const placed = place(adapter)
  const blindings = drawBlindings(kernel, { secret, content }, placed)
  if (!opensManifest({ kernel, random, manifest, placed, blindings })) throw misfit('weights or secret')
  return { manifest, quantized: adapter, groups: groupsOf(kernel, manifest, blindings), secret, salt, content }
}

/** Whether all commitments of the manifest are to these weights with these blindings, by one random combination. */
function opensManifest(init: {
  kernel: Kernel
  random: Random
  manifest: Manifest
  placed: readonly Placed[]
  blindings: readonly Blindings[]
}): boolean {
  const { kernel, random, manifest, placed, blindings } = init
  const combination = new Combination(kernel, random)
  const modules = manifest.groups.flatMap(group => group.modules)
  for (const { module, dIn, index, offset } of placed) {
    const weights = randomWeights(random, module.rank)
    const { alpha, beta } = blindings[index]!
    const opens = (encodings: Uint8Array, generators: Term, blinding: Uint8Array): void =>
      combination.equation(
        [{ basis: combination.basis(kernel.decode(encodings)), from: 0, scalars: weights }],
        [generators, combination.generators('H', kernel.innerProduct(weights, blinding))]
      )
    opens(modules[index]!.ca, combination.generators('G', kernel.foldRows(weights, module.a, dIn)), alpha)
    opens(modules[index]!.cb, combination.generators('K', kernel.foldRows(weights, module.b, module.dOut), offset), beta)
  }
  return combination.holds()
}

function misfit(what: string): InvalidInputError {
  return new InvalidInputError(`the adapter's ${what} are not those of its manifest; register it again`)
}
