/** Verifies proof files without node, network or store: what `zklora verify` and `batchVerifyProofs` do. */
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { InvalidInputError, LimitExceededError } from '../errors.js'
import { readAtMost } from '../hub/index.js'
import { FORMAT_LIMITS } from '../limits.js'
import { useNodeEd25519 } from '../roles/ed25519.js'
import type { CallOptions, VerifyReport } from '../roles/types.js'
import { systemReason } from '../roles/system-error.js'
import { type FileCheck, fileWorkers } from '../roles/workers.js'
import { unchecked, verifyFile } from '../browser/verify-file.js'

/** How a proof file's name ends. */
export const PROOF_FILE_ENDING = '.zkproof'

const inThisThread: FileCheck = async (source, bytes) => {
  useNodeEd25519()
  return verifyFile(source, bytes)
}

/** A proof file on the disk. Never throws: what cannot be read is `unchecked`. */
export async function verifyProofAt(file: string, check: FileCheck = inThisThread): Promise<VerifyReport> {
  let bytes: Uint8Array
  try {
    bytes = await readAtMost(file, FORMAT_LIMITS.proofFileBytes, 'bytes of the file', 'in a proof file')
  } catch (error) {
    if (error instanceof LimitExceededError) return unchecked(file, error.message)
    return unchecked(file, `the file cannot be read (${systemReason(error)})`)
  }
  return check(file, bytes)
}

export interface BatchVerification {
  /** Proof files found. */
  proofs: number
  valid: number
  invalid: number
  unchecked: number
  /** Milliseconds, reading included. */
  elapsed: number
  /** Of each file, in the order of their names. */
  reports: VerifyReport[]
}

/**
 * Verifies every `.zkproof` of a folder.
 * @throws InvalidInputError for a folder that is not there or cannot be read
 */
export async function batchVerifyProofs(folder: string, { signal }: Pick<CallOptions, 'signal'> = {}): Promise<BatchVerification> {
  const began = performance.now()
  let names: string[]
  try {
    names = (await readdir(folder)).filter(name => name.endsWith(PROOF_FILE_ENDING)).sort()
  } catch (cause) {
    throw new InvalidInputError(
      `the folder ${folder} cannot be read (${systemReason(cause)}): give the folder that holds the proof files`,
      { cause }
    )
  }
  const files = names.map(name => join(folder, name))
  const reports = await verifyAll(files, signal)
  const of = (verdict: VerifyReport['verdict']): number => reports.filter(report => report.verdict === verdict).length
  return {
    proofs: reports.length,
    valid: of('valid'),
    invalid: of('invalid'),
    unchecked: of('unchecked'),
    elapsed: performance.now() - began,
    reports
  }
}

/** On as many threads as there are cores and files: nothing else is computed here meanwhile. Each has one file in memory. */
async function verifyAll(files: readonly string[], signal: AbortSignal | undefined): Promise<VerifyReport[]> {
  const threads = Math.min(availableParallelism(), files.length)
  const workers = threads > 1 ? fileWorkers(threads) : undefined
  const reports: VerifyReport[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < files.length) {
      signal?.throwIfAborted()
      const at = next++
      reports[at] = await verifyProofAt(files[at]!, workers?.verifyFile)
    }
  }
  try {
    await Promise.all(Array.from({ length: threads }, work))
    return reports
  } finally {
    await workers?.stop()
  }
}
