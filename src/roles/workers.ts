/** The worker threads of a node. */
import { verifyFile } from '../browser/verify-file.js'
import { type Kernel, type WorkerLostError, WorkerPool } from '../kernel/index.js'
import type { Random, RegistrationJobs } from '../proof/index.js'
import { inlineRegistration, PooledJobs } from '../session/index.js'
import type { NodeJobs } from './options.js'
import { type CheckedEvidence, checkEvidence } from '../store/index.js'
import type { VerifyReport } from './types.js'
import type { VerifierChecks } from './verifier.js'
import { nodeWorker, threadsOfMachine } from './threads.js'

const MODULE = new URL('./worker.js', import.meta.url)

/** Verified in about 0.1 s: sessions wait for the same threads. */
const BATCH_BYTES = 256 * 1024

export interface SessionWorkersInit {
  readonly kernel: Kernel
  readonly random: Random
  /** 0: none, the thread of the node does the work. */
  readonly threads?: number | undefined
  /** Told of each thread that ended by itself; what it did has failed, and another takes its place. */
  readonly onLost?: ((error: WorkerLostError) => void) | undefined
}

/** Verifies a proof file's bytes; never throws for what is in them. @throws WorkerLostError */
export type FileCheck = (source: string, bytes: Uint8Array) => Promise<VerifyReport>

/** The name of the job, and what it is given. */
export const FILE_JOB = 'verifyFile'
export interface FileJob {
  readonly source: string
  readonly bytes: Uint8Array
}

/** The name of the job that checks evidence, and what it is given. */
export const EVIDENCE_JOB = 'checkEvidence'
export interface EvidenceJob {
  readonly bytes: Uint8Array
  /** The manifest in it has been verified by this node. */
  readonly isManifestVerified: boolean
}

export interface SessionWorkers {
  readonly pool: WorkerPool | undefined
  readonly jobs: NodeJobs
  readonly registration: RegistrationJobs
  /** What the verifier asks for; undefined: it does it itself. */
  readonly checks: VerifierChecks | undefined
  readonly verifyFile: FileCheck
  /** As `checkEvidence`. */
  readonly evidence: (job: EvidenceJob) => Promise<CheckedEvidence>
}

/** A pool, of which no thread has been started yet, and the jobs on it; `given` jobs come first. */
export function sessionWorkers(
  { kernel, random, threads = threadsOfMachine(), onLost }: SessionWorkersInit,
  given: NodeJobs = {}
): SessionWorkers {
  if (threads === 0) {
    const evidence = async ({ bytes, ...known }: EvidenceJob): Promise<CheckedEvidence> =>
      checkEvidence(bytes, { kernel, random, ...known })
    const here: FileCheck = async (source, bytes) => verifyFile(source, bytes, { kernel, random })
    return { pool: undefined, jobs: given, registration: inlineRegistration(kernel), checks: undefined, verifyFile: here, evidence }
  }
  const pool = new WorkerPool({ module: MODULE, worker: nodeWorker, threads, onLost })
  const pooled = new PooledJobs({ pool, kernel, random })
  return {
    pool,
    jobs: { contributor: adapter => pooled.contributor(adapter), user: manifest => pooled.user(manifest), ...given },
    registration: pooled.registration(),
    checks: {
      manifest: bytes => pooled.verifyManifest(bytes),
      bundles: items => pooled.verifyBundles(items),
      atOnce: Math.max(1, threads - 1),
      batchBytes: BATCH_BYTES
    },
    verifyFile: fileCheck(pool),
    evidence: input => pool.runWhenRoom<CheckedEvidence>({ name: EVIDENCE_JOB, input })
  }
}

function fileCheck(pool: WorkerPool): FileCheck {
  return (source, bytes) => pool.runWhenRoom<VerifyReport>({ name: FILE_JOB, input: { source, bytes } satisfies FileJob })
}

/** Threads for proof files alone, without a node; the process does not end before they are stopped. */
export function fileWorkers(threads: number): { verifyFile: FileCheck; stop: () => Promise<void> } {
  const pool = new WorkerPool({ module: MODULE, worker: nodeWorker, threads })
  return { verifyFile: fileCheck(pool), stop: () => pool.stop() }
}
