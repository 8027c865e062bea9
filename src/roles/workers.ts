/** The worker threads of a node. */
import { type Kernel, WorkerPool } from '../kernel/index.js'
import type { Random } from '../proof/index.js'
import { PooledJobs } from '../session/index.js'
import type { NodeJobs } from './options.js'
import { nodeWorker, threadsOfMachine } from './threads.js'

const MODULE = new URL('./worker.js', import.meta.url)

export interface SessionWorkersInit {
  readonly kernel: Kernel
  readonly random: Random
  /** 0: none, the thread of the node does the work. */
  readonly threads?: number | undefined
}

/** A pool, of which no thread has been started yet, and the jobs on it; `given` jobs come first. */
export function sessionWorkers(
  { kernel, random, threads = threadsOfMachine() }: SessionWorkersInit,
  given: NodeJobs = {}
): { readonly pool: WorkerPool | undefined; readonly jobs: NodeJobs } {
  if (threads === 0) return { pool: undefined, jobs: given }
  const pool = new WorkerPool({ module: MODULE, worker: nodeWorker, threads })
  const pooled = new PooledJobs({ pool, kernel, random })
  return {
    pool,
    jobs: { contributor: adapter => pooled.contributor(adapter), user: manifest => pooled.user(manifest), ...given }
  }
}
