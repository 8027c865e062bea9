/** Verifies the bytes of a proof file with nothing else: no node, no network, no store. */
import { isPeerError } from '../errors.js'
import { wasmKernel, type Kernel } from '../kernel/index.js'
import {
  decodeManifest,
  decodeProofFile,
  decodeRowFile,
  isRowFile,
  openedRow,
  verifyBundles,
  verifyManifest,
  type Random
} from '../proof/index.js'
import { adapterInfo, openedRowInfo, proofRange } from './info.js'
import type { VerifyReport } from './report.js'

const systemRandom: Random = bytes => crypto.getRandomValues(new Uint8Array(bytes))

export interface VerifyFileOptions {
  /** Shared by many files it is made once. */
  kernel?: Kernel | undefined
  random?: Random | undefined
}

/** A report that nothing was found out. `error`: why, in a sentence. */
export function unchecked(source: string, error: string): VerifyReport {
  return { source, verdict: 'unchecked', error, adapter: null, ranges: [], whole: false, row: null, elapsed: { manifest: 0, bundles: 0 } }
}

/**
 * What the file shows. `unchecked`: it is no proof file, or not a whole one; `invalid`: it is one, and what it holds does not verify.
 * Never throws for what is in the bytes.
 */
export function verifyFile(
  source: string,
  bytes: Uint8Array,
  { kernel = wasmKernel(), random = systemRandom }: VerifyFileOptions = {}
): VerifyReport {
  const report = unchecked(source, '')
  try {
    const { manifest, bundles, opening } = isRowFile(bytes) ? decodeRowFile(bytes) : { ...decodeProofFile(bytes), opening: null }
    report.verdict = 'invalid'
    const began = performance.now()
    const verified = verifyManifest({ kernel, manifest: decodeManifest(manifest), random })
    const between = performance.now()
    report.elapsed.manifest = between - began
    const file = verifyBundles({ kernel, manifest: verified, bundles, random })
    const { proofs, whole } = file
    const row = opening === null ? null : openedRowInfo(verified, openedRow(kernel, file, opening))
    return {
      source,
      verdict: 'valid',
      error: null,
      adapter: adapterInfo(verified),
      ranges: proofs.map(proofRange),
      whole,
      row,
      elapsed: { manifest: between - began, bundles: performance.now() - between }
    }
  } catch (error) {
    if (!isPeerError(error)) throw error
    return { ...report, error: error.message }
  }
}
