/** Verifying a manifest. */
import { equal, toHex } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import type { Manifest, Random, VerifiedManifest } from '../types.js'
import { verifyOpenings } from './openings.js'

export interface VerifyManifestInit {
  readonly kernel: Kernel
  readonly manifest: Manifest
  readonly random: Random
  /** The adapter identifier by which it was asked for, if any. */
  readonly id?: Uint8Array | undefined
}

/**
 * Verifies identifier and certificates. Weights are not range-proved yet.
 * @throws MalformedMessageError for points or scalars that are not canonical; InvalidProofError('manifest') for another identifier
 * or an identity point, InvalidProofError('openings') when a commitment does not open over exactly its generators
 */
export function verifyManifest({ kernel, manifest, random, id }: VerifyManifestInit): VerifiedManifest {
  if (id !== undefined && !equal(id, manifest.id)) {
    throw new InvalidProofError('manifest', `its identifier is ${toHex(manifest.id)}, not ${toHex(id)}`)
  }
  verifyOpenings(kernel, manifest, random)
  return { ...manifest, rangeProved: false } as VerifiedManifest
}
