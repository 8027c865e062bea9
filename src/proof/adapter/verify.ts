/** Verifying a manifest. */
import { equal, toHex } from '../../bytes.js'
import { InvalidProofError } from '../../errors.js'
import type { Kernel } from '../../kernel/types.js'
import { verifyCertificates } from '../certificate/verify.js'
import type { Manifest, Random, VerifiedManifest } from '../types.js'

export interface VerifyManifestInit {
  readonly kernel: Kernel
  readonly manifest: Manifest
  readonly random: Random
  /** The adapter identifier by which it was asked for, if any. */
  readonly id?: Uint8Array | undefined
}

/**
 * A manifest that was verified here before, from this node's own store: certificates are checked once for each adapter. That the bytes
 * are still those of the identifier is compared.
 * @throws InvalidProofError('manifest') for another identifier
 */
export function recallManifest(manifest: Manifest, id: Uint8Array): VerifiedManifest {
  checkIdentifier(manifest, id)
  return manifest as VerifiedManifest
}

function checkIdentifier(manifest: Manifest, id: Uint8Array): void {
  if (!equal(id, manifest.id)) throw new InvalidProofError('manifest', `its identifier is ${toHex(manifest.id)}, not ${toHex(id)}`)
}

/**
 * Verifies identifier and certificates: every weight lies in its range, every commitment opens over exactly its generators.
 * @throws MalformedMessageError for points or scalars that are not canonical; InvalidProofError('manifest') for another identifier
 * or an identity point, InvalidProofError('certificate') when a certificate does not hold
 */
export function verifyManifest({ kernel, manifest, random, id }: VerifyManifestInit): VerifiedManifest {
  if (id !== undefined) checkIdentifier(manifest, id)
  verifyCertificates(kernel, manifest, random)
  return { ...manifest } as VerifiedManifest
}
