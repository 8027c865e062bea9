/** The pool over web workers: real threads behind the platform's interface of them. */
import test from 'ava'
import { Worker } from 'node:worker_threads'
import { webWorker, type WebWorkerLike, WorkerPool } from '../../src/kernel/index.js'

/** A web worker as a browser has it. */
class WebWorker implements WebWorkerLike {
  private readonly thread: Worker

  constructor(module: URL, { type }: { type: 'module' }) {
    if (type !== 'module') throw new Error('only modules import')
    this.thread = new Worker(module)
  }

  postMessage(message: unknown, transfer: ArrayBuffer[]): void {
    this.thread.postMessage(message, transfer)
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    if (type === 'message') this.thread.on('message', data => listener({ data } as never))
    else if (type === 'error') this.thread.on('error', error => listener({ message: error.message } as never))
    else this.thread.on('messageerror', () => listener({} as never))
  }

  terminate(): void {
    void this.thread.terminate()
  }
}

const MODULE = new URL('./workers/web.js', import.meta.url)
const worker = (module: URL) => webWorker(module, WebWorker)

test('jobs are done in web workers, with buffers that move', async t => {
  const pool = new WorkerPool({ module: MODULE, worker, threads: 2 })
  t.teardown(() => pool.stop())
  const values = Float64Array.of(1, 2)
  t.deepEqual(await pool.run({ name: 'double', input: values, transfer: [values.buffer as ArrayBuffer] }), Float64Array.of(2, 4))
  t.is(values.length, 0)
})

test('a web worker that breaks fails its job, and another does the next', async t => {
  const lost: Error[] = []
  const pool = new WorkerPool({
    module: new URL('data:text/javascript,throw new Error("no such module")'),
    worker,
    threads: 1,
    onLost: e => lost.push(e)
  })
  t.teardown(() => pool.stop())
  await t.throwsAsync(pool.run({ name: 'double', input: Float64Array.of(1) }), { name: 'WorkerLostError', message: /run it again/ })
  t.regex((lost[0]!.cause as Error).message, /no such module/)
})

test('without an own constructor it is the platform’s', t => {
  const scope = globalThis as { Worker?: unknown }
  const made: URL[] = []
  scope.Worker = class {
    constructor(module: URL) {
      made.push(module)
    }
  }
  t.teardown(() => delete scope.Worker)
  webWorker(MODULE)
  t.deepEqual(made, [MODULE])
})
