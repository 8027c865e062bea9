/** Web workers, for the pool in browsers and other runtimes that have them. */
import type { PoolWorker } from './pool.js'
import type { WorkerPort } from './worker.js'

/** What is used of the platform's `Worker`. */
export interface WebWorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'error' | 'messageerror', listener: (event: { readonly message?: string }) => void): void
  terminate(): void
}

/** What is used of the global scope inside one. */
export type WebWorkerScope = Pick<WebWorkerLike, 'postMessage'> & {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
}

type WorkerConstructor = new (module: URL, options: { type: 'module' }) => WebWorkerLike

/**
 * A web worker that runs a module; `worker` of `PoolInit`. A web worker does not tell when it ends by itself: one that calls
 * `self.close()` is missed only when its job is waited for with a signal.
 * @param constructor default: the platform's
 */
export function webWorker(
  module: URL,
  constructor: WorkerConstructor = (globalThis as unknown as { Worker: WorkerConstructor }).Worker
): PoolWorker {
  const worker = new constructor(module, { type: 'module' })
  return {
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    onMessage: listener => worker.addEventListener('message', ({ data }) => listener(data)),
    onEnd: listener => {
      worker.addEventListener('error', ({ message }) => listener(new Error(message ?? 'the worker could not run its module')))
      worker.addEventListener('messageerror', () => listener(new Error('a message of the worker could not be read')))
    },
    terminate: async () => worker.terminate()
  }
}

/** The other end, in the worker: `serveJobs(webPort(), …)`. @param scope default: the worker's global scope */
export function webPort(scope: WebWorkerScope = globalThis as unknown as WebWorkerScope): WorkerPort {
  return {
    post: (message, transfer) => scope.postMessage(message, [...transfer]),
    onMessage: listener => scope.addEventListener('message', ({ data }) => listener(data))
  }
}
