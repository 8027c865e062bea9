/**
 * Workers that do jobs of a module whose address is given, so that the pool knows neither what they compute nor how a thread is made.
 * Jobs wait in one queue, first come, first served; a worker has one job at a time and is started when the first one waits for it.
 * Each worker has a kernel of its own, with its own tables (src/kernel/wasm/wasm.ts says how much memory that is).
 */
import { errorOf, PoolFullError, WorkerLostError, type FromWorker, type PoolContext, type ToWorker } from './messages.js'

/** A thread, as a runtime's factory gives it. */
export interface PoolWorker {
  post(message: unknown, transfer: readonly ArrayBuffer[]): void
  onMessage(listener: (message: unknown) => void): void
  /** It ended by itself, or an error reached its top, or a message could not be read. Called once or more. */
  onEnd(listener: (cause: Error) => void): void
  terminate(): Promise<void>
}

export interface PoolInit {
  /** Address of the module that a worker runs; it calls `serveJobs`. */
  readonly module: URL
  readonly worker: (module: URL) => PoolWorker
  readonly threads: number
  /** Jobs that may wait; by default QUEUE for each thread. */
  readonly queue?: number | undefined
  /** Told of each worker that was lost. */
  readonly onLost?: ((error: WorkerLostError) => void) | undefined
}

/** A job for each thread to start with at once, and as many again being made meanwhile; with a margin. */
const QUEUE = 64

/** Leaves one core to inference. @param cores of the machine */
export function defaultThreads(cores: number): number {
  return Math.max(1, cores - 1)
}

export interface JobInit {
  /** In the worker's module. */
  readonly name: string
  readonly input: unknown
  /** What the job gets opened: one value, or a list. */
  readonly context?: PoolContext | readonly PoolContext[] | undefined
  /** Buffers of the input that move to the worker: they are empty here afterwards. */
  readonly transfer?: readonly ArrayBuffer[] | undefined
  /**
   * Takes the job out of the queue, or gives up waiting for it: arithmetic that has begun is not broken off, its result is dropped.
   */
  readonly signal?: AbortSignal | undefined
}

interface Job extends JobInit {
  settle(result: { readonly value: unknown } | { readonly error: unknown }): void
}

interface Thread {
  readonly worker: PoolWorker
  readonly contexts: Set<number>
  job: Job | undefined
}

function idsOf(context: JobInit['context']): number | number[] | undefined {
  return context === undefined || 'id' in context ? context?.id : context.map(({ id }) => id)
}

let contexts = 0

/** A context for `run`; the same object each time, so that workers get it once. */
export function poolContext(kind: string, value: unknown): PoolContext {
  return { id: contexts++, kind, value }
}

export class WorkerPool {
  private readonly workers = new Set<Thread>()
  private readonly waiting: Job[] = []
  private readonly roomWaits = new Set<() => void>()
  private readonly queue: number
  private stopped = false

  constructor(private readonly init: PoolInit) {
    this.queue = init.queue ?? QUEUE * init.threads
  }

  /** Jobs that may be under way at a time. */
  get threads(): number {
    return this.init.threads
  }

  /** Jobs that wait for a thread. */
  get queued(): number {
    return this.waiting.length
  }

  /** Jobs under way. */
  get running(): number {
    return [...this.workers].filter(({ job }) => job !== undefined).length
  }

  /**
   * @returns what the job gives back
   * @throws what the job throws, of its class; PoolFullError when too many jobs wait (see `runWhenRoom`); WorkerLostError when the worker
   * ends under it; the signal's reason; Error once the pool is stopped
   */
  run<T>(init: JobInit): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { signal } = init
      if (this.stopped) throw new Error('the pool has been stopped')
      signal?.throwIfAborted()
      if (this.isFull) throw new PoolFullError(this.queue)
      const job: Job = {
        ...init,
        settle: result => {
          signal?.removeEventListener('abort', abort)
          if ('error' in result) reject(result.error as Error)
          else resolve(result.value as T)
        }
      }
      const abort = (): void => {
        const at = this.waiting.indexOf(job)
        if (at >= 0) this.waiting.splice(at, 1)
        this.tellRoom()
        job.settle({ error: signal!.reason })
      }
      signal?.addEventListener('abort', abort)
      this.waiting.push(job)
      this.next()
    })
  }

  /** As `run`, of work that can wait until another job may wait: what makes work faster than it is done. */
  async runWhenRoom<T>(init: JobInit): Promise<T> {
    // Between the last look and `run` nothing else comes: of several that wait for one place, one gets it.
    while (this.isFull) await this.room(init.signal)
    return this.run(init)
  }

  /** Resolves when another job may wait, at once if one may. */
  async room(signal?: AbortSignal): Promise<void> {
    while (this.isFull) {
      signal?.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        const done = (): void => {
          signal?.removeEventListener('abort', abort)
          this.roomWaits.delete(done)
          resolve()
        }
        const abort = (): void => {
          this.roomWaits.delete(done)
          reject(signal!.reason as Error)
        }
        this.roomWaits.add(done)
        signal?.addEventListener('abort', abort, { once: true })
      })
    }
  }

  private get isFull(): boolean {
    return !this.stopped && this.waiting.length >= this.queue
  }

  /** Lets the workers forget a context: no job may need it any more. */
  close({ id }: Pick<PoolContext, 'id'>): void {
    for (const { worker, contexts } of this.workers) if (contexts.delete(id)) worker.post({ type: 'close', id } satisfies ToWorker, [])
  }

  /** Ends all workers; what waits or is under way fails. */
  async stop(): Promise<void> {
    this.stopped = true
    const error = new Error('the pool has been stopped')
    const threads = [...this.workers]
    this.workers.clear()
    for (const job of this.waiting.splice(0)) job.settle({ error })
    for (const { job } of threads) job?.settle({ error })
    this.tellRoom()
    await Promise.all(threads.map(({ worker }) => worker.terminate()))
  }

  /** Gives waiting jobs to threads that have none. */
  private next(): void {
    while (this.waiting.length > 0) {
      const thread = [...this.workers].find(({ job }) => job === undefined) ?? this.start()
      if (thread === undefined) return
      this.give(thread, this.waiting.shift()!)
      this.tellRoom()
    }
  }

  private start(): Thread | undefined {
    if (this.workers.size >= this.init.threads) return undefined
    const thread: Thread = { worker: this.init.worker(this.init.module), contexts: new Set(), job: undefined }
    this.workers.add(thread)
    thread.worker.onMessage(message => this.finish(thread, message as FromWorker))
    thread.worker.onEnd(cause => this.lose(thread, cause))
    return thread
  }

  private give(thread: Thread, job: Job): void {
    const { name, input, context, transfer = [] } = job
    thread.job = job
    try {
      for (const needed of context === undefined ? [] : [context].flat()) {
        if (thread.contexts.has(needed.id)) continue
        thread.worker.post({ type: 'open', context: needed } satisfies ToWorker, [])
        thread.contexts.add(needed.id)
      }
      thread.worker.post({ type: 'job', name, input, context: idsOf(context) } satisfies ToWorker, transfer)
    } catch (error) {
      // What cannot be cloned is a fault of the caller's; the worker has got nothing.
      thread.job = undefined
      job.settle({ error })
    }
  }

  private finish(thread: Thread, told: FromWorker): void {
    const { job } = thread
    thread.job = undefined
    job?.settle(told.type === 'error' ? { error: errorOf(told.error) } : told)
    this.next()
  }

  private lose(thread: Thread, cause: Error): void {
    if (!this.workers.delete(thread)) return
    const error = new WorkerLostError(thread.job?.name ?? 'nothing', { cause })
    this.init.onLost?.(error)
    thread.job?.settle({ error })
    // It may be still there after a message that could not be read.
    void thread.worker.terminate()
    this.next()
  }

  private tellRoom(): void {
    for (const done of [...this.roomWaits]) done()
  }
}
