/** Worker threads of Node, for the pool (src/kernel/pool). */
import { availableParallelism } from 'node:os'
import { parentPort, Worker, type Transferable } from 'node:worker_threads'
import { defaultThreads, type PoolWorker, type WorkerPort } from '../kernel/index.js'

/** A thread that runs a module. It keeps the process alive until the pool is stopped. */
export function nodeWorker(module: URL): PoolWorker {
  // Not the process's own flags: a worker cannot start with those of `node --input-type=module -e`.
  const worker = new Worker(module, { execArgv: [] })
  return {
    post: (message, transfer) => worker.postMessage(message, transfer as Transferable[]),
    onMessage: listener => void worker.on('message', listener),
    onEnd: listener => {
      worker.on('error', listener)
      worker.on('messageerror', listener)
      worker.on('exit', code => listener(new Error(`the thread ended with code ${code}`)))
    },
    terminate: async () => void (await worker.terminate())
  }
}

/** The other end, in the thread. */
export function nodePort(): WorkerPort {
  const port = parentPort!
  return {
    post: (message, transfer) => port.postMessage(message, transfer as Transferable[]),
    onMessage: listener => void port.on('message', listener)
  }
}

/** One less than there are cores, at least one. */
export function threadsOfMachine(): number {
  return defaultThreads(availableParallelism())
}
