/**
 * Proofs of many sessions on all cores. A node proves its sessions by itself as they end; this is for those who run the state machines of
 * `zklora/session` over a transport of their own.
 */
import { wasmKernel } from '../kernel/index.js'
import type { ProvedBundle, ProveInit, Random } from '../proof/index.js'
import { inlineContributorJobs } from '../session/index.js'
import { Gate } from '../roles/gate.js'
import { threadsOfMachine } from '../roles/threads.js'
import { sessionWorkers } from '../roles/workers.js'
import type { CallOptions } from '../roles/types.js'

/** What is proved: all rows of a session, closed by both. */
export type ProofTask = Pick<ProveInit, 'adapter' | 'context' | 'rows' | 'userTail' | 'contributorTail'>

export interface ParallelOptions extends Pick<CallOptions, 'signal'> {
  /** Worker threads; default: one less than cores. 0: this thread. */
  threads?: number | undefined
  /** Told after each proof. */
  onProgress?: ((done: number, total: number) => void) | undefined
}

const random: Random = bytes => crypto.getRandomValues(new Uint8Array(bytes))

/**
 * @returns the bundles in the order of the tasks
 * @throws the first error, or the signal's reason
 */
export async function generateProofsOptimizedParallel(
  tasks: readonly ProofTask[],
  { threads = threadsOfMachine(), signal, onProgress = () => {} }: ParallelOptions = {}
): Promise<ProvedBundle[]> {
  signal?.throwIfAborted()
  const kernel = wasmKernel()
  const { pool, jobs } = sessionWorkers({ kernel, random, threads })
  // One for each thread to work on and one to wait: a pool takes only so many.
  const gate = new Gate(2 * Math.max(1, threads))
  let done = 0
  const proveOne = async ({ adapter, context, rows, userTail, contributorTail }: ProofTask): Promise<ProvedBundle> => {
    signal?.throwIfAborted()
    const work = jobs.contributor?.(adapter) ?? inlineContributorJobs({ kernel, random, adapter })
    const proved = await work.prove({ context, rows, userTail, contributorTail })
    onProgress(++done, tasks.length)
    return proved
  }
  try {
    const aborted = new Promise<never>((_, reject) =>
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    )
    return await Promise.race([Promise.all(tasks.map(task => gate.run(() => proveOne(task)))), aborted])
  } finally {
    await pool?.stop()
  }
}
