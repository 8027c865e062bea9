/** One operation on all cores at once: each worker thread with a kernel of its own. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Operation } from './operations.js'
import { summary, type Sample } from '../sample.js'

export const THREADS = availableParallelism()

const WORKER = new URL('./thread.js', import.meta.url)
const RUNS = 3

/** What a worker says. */
export type Told = 'ready' | 'done'

function told(worker: Worker, what: Told): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      worker.off('message', onMessage)
      worker.off('error', onError)
    }
    const onMessage = (message: Told): void => {
      if (message !== what) return
      stop()
      resolve()
    }
    const onError = (error: unknown): void => {
      stop()
      reject(error as Error)
    }
    worker.on('message', onMessage)
    worker.on('error', onError)
  })
}

/**
 * @param repeats of the operation that each thread does in one run
 * @returns milliseconds of one operation as they pass on the clock, with all threads at work
 */
export async function onAllThreads(operation: Operation, repeats: number): Promise<Sample> {
  const workers = Array.from({ length: THREADS }, () => new Worker(WORKER, { workerData: operation }))
  try {
    await Promise.all(workers.map(worker => told(worker, 'ready')))
    const values: number[] = []
    for (let run = 0; run < RUNS; run++) {
      const done = Promise.all(workers.map(worker => told(worker, 'done')))
      const start = performance.now()
      for (const worker of workers) worker.postMessage(repeats)
      await done
      values.push((performance.now() - start) / (repeats * THREADS))
    }
    return summary(values)
  } finally {
    await Promise.all(workers.map(worker => worker.terminate()))
  }
}
