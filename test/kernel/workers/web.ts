/** A web worker's global scope over a thread of Node, and the jobs of a pool in it. */
import { parentPort, type Transferable } from 'node:worker_threads'
import { serveJobs, webPort } from '../../../src/kernel/index.js'

serveJobs(
  webPort({
    postMessage: (message, transfer) => parentPort!.postMessage(message, transfer as Transferable[]),
    addEventListener: (_type, listener) => void parentPort!.on('message', data => listener({ data }))
  }),
  {
    open: {},
    jobs: {
      double: (values: Float64Array) => {
        const value = values.map(each => 2 * each)
        return { value, transfer: [value.buffer as ArrayBuffer] }
      }
    }
  }
)
