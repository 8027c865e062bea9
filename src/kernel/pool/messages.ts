/** What a pool and its workers say to each other. All of it passes a structured clone. */
import {
  InvalidInputError,
  InvalidProofError,
  LimitExceededError,
  MalformedMessageError,
  ProtocolViolationError,
  UnsupportedError,
  ZkloraError
} from '../../errors.js'

/** What jobs share: sent to each worker once, before the first job there that needs it. */
export interface PoolContext {
  readonly id: number
  /** How a worker opens it (PoolModule). */
  readonly kind: string
  readonly value: unknown
}

export type ToWorker =
  | { readonly type: 'open'; readonly context: PoolContext }
  | { readonly type: 'close'; readonly id: number }
  | { readonly type: 'job'; readonly name: string; readonly input: unknown; readonly context: number | readonly number[] | undefined }

export type FromWorker = { readonly type: 'result'; readonly value: unknown } | { readonly type: 'error'; readonly error: PlainError }

/** An error as plain data: a clone keeps neither the class nor the fields of an error. */
export interface PlainError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly step?: string | undefined
  readonly limit?: string | undefined
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined }
  const { name, message, stack } = error
  return {
    name,
    message,
    stack,
    step: error instanceof InvalidProofError ? error.step : undefined,
    limit: error instanceof LimitExceededError ? error.limit : undefined
  }
}

/** Of the class that it had, as far as others tell errors apart by it. */
export function errorOf({ name, message, stack, step = '', limit = '' }: PlainError): Error {
  const error = make()
  // Message and stack are those of the worker; a constructor would put the message together again.
  return Object.assign(error, { message, stack: stack ?? error.stack })

  function make(): Error {
    if (name === 'InvalidProofError') return new InvalidProofError(step, message)
    if (name === 'LimitExceededError') return new LimitExceededError(limit, 0, 0)
    if (name === 'MalformedMessageError') return new MalformedMessageError(message)
    if (name === 'ProtocolViolationError') return new ProtocolViolationError(message)
    if (name === 'UnsupportedError') return new UnsupportedError(message)
    if (name === 'InvalidInputError') return new InvalidInputError(message)
    if (name === 'RangeError') return new RangeError(message)
    return Object.assign(new Error(message), { name })
  }
}

/** A worker thread ended while it had a job, or could not take one: a fault of ours or of the machine, not of the job's input. */
export class WorkerLostError extends ZkloraError {
  constructor(job: string, options?: ErrorOptions) {
    super('WorkerLostError', 'ERR_WORKER_LOST', `the worker thread that did "${job}" has ended; run it again`, options)
  }
}

/** More jobs wait than may: this machine's own load, of which no input is at fault, so none of the errors that a peer's bytes cause. */
export class PoolFullError extends ZkloraError {
  constructor(queue: number) {
    super('PoolFullError', 'ERR_POOL_FULL', `${queue} jobs wait for a worker thread, and no more may; try again later`)
  }
}
