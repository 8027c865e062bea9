/** The worker's side of a pool. */
import { plainError, type FromWorker, type ToWorker } from './messages.js'

/** Where a worker hears and answers: `parentPort` of Node, the global scope of a web worker. */
export interface WorkerPort {
  post(message: unknown, transfer: readonly ArrayBuffer[]): void
  onMessage(listener: (message: unknown) => void): void
}

/** What a job gives back; the buffers move to the other thread, so nothing here may use them afterwards. */
export interface JobResult {
  readonly value: unknown
  readonly transfer?: readonly ArrayBuffer[]
}

/** What the workers of a pool can do. */
export interface PoolModule {
  /** Makes, from the value of a context of that kind, what its jobs get. */
  readonly open: Readonly<Record<string, (value: never) => unknown>>
  readonly jobs: Readonly<Record<string, (input: never, context: never) => JobResult>>
}

/** Does jobs for a pool until the worker is ended. */
export function serveJobs(port: WorkerPort, { open, jobs }: PoolModule): void {
  /** Values as they came, or what they have been opened to. */
  const contexts = new Map<number, () => unknown>()
  port.onMessage(message => {
    const told = message as ToWorker
    if (told.type === 'close') {
      contexts.delete(told.id)
    } else if (told.type === 'open') {
      const { id, kind, value } = told.context
      contexts.set(id, () => {
        const opened = open[kind]!(value as never)
        contexts.set(id, () => opened)
        return opened
      })
    } else {
      const { answer, transfer } = perform(told)
      port.post(answer, transfer)
    }
  })

  function perform({ name, input, context }: ToWorker & { type: 'job' }): { answer: FromWorker; transfer: readonly ArrayBuffer[] } {
    try {
      const opened =
        typeof context === 'object' ? context.map(id => contexts.get(id)!()) : context === undefined ? undefined : contexts.get(context)!()
      const { value, transfer = [] } = jobs[name]!(input as never, opened as never)
      return { answer: { type: 'result', value }, transfer }
    } catch (error) {
      return { answer: { type: 'error', error: plainError(error) }, transfer: [] }
    }
  }
}
