/** The worker threads of a node. */
import { type Kernel, WorkerPool } from '../kernel/index.js'
import type { Random, RegistrationJobs } from '../proof/index.js'
import { inlineRegistration, PooledJobs } from '../session/index.js'
import type { NodeJobs } from './options.js'
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
}

export interface SessionWorkers {
  readonly pool: WorkerPool | undefined
  readonly jobs: NodeJobs
  readonly registration: RegistrationJobs
  /** What the verifier asks for; undefined: it does it itself. */
  readonly checks: VerifierChecks | undefined
}

/** A pool, of which no thread has been started yet, and the jobs on it; `given` jobs come first. */
export function sessionWorkers({ kernel, random, threads = threadsOfMachine() }: SessionWorkersInit, given: NodeJobs = {}): SessionWorkers {
  if (threads === 0) return { pool: undefined, jobs: given, registration: inlineRegistration(kernel), checks: undefined }
  const pool = new WorkerPool({ module: MODULE, worker: nodeWorker, threads })
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
    }
  }
}
