/**
 * The named errors of the house. What a peer sends can cause only the four in PEER_ERRORS; everything else is for the
 * person at this machine and says what went wrong, with which value, and what to do.
 */

/** Base class: `code` is stable and is what `--json` and exit statuses are made from. */
export class ZkloraError extends Error {
  readonly code: string
  /** Of the limit or timeout of limits.ts that was hit, its name (`atLimit` in counters.ts). */
  declare readonly atLimit?: string
  constructor(name: string, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = name
    this.code = code
  }
}

/** Bytes from outside that do not decode, or not canonically. */
export class MalformedMessageError extends ZkloraError {
  constructor(message: string, options?: ErrorOptions) {
    super('MalformedMessageError', 'ERR_MALFORMED_MESSAGE', message, options)
  }
}

/** A count, length or rate beyond what this node accepts. */
export class LimitExceededError extends ZkloraError {
  readonly limit: string
  constructor(limit: string, value: number | bigint, most: number | bigint, where = 'here') {
    super('LimitExceededError', 'ERR_LIMIT_EXCEEDED', `${limit} is ${value}, at most ${most} are accepted ${where}`)
    this.limit = limit
  }
}

/** A proof, opening, signature or certificate that does not verify. `step` names the check, as in the protocol page. */
export class InvalidProofError extends ZkloraError {
  readonly step: string
  constructor(step: string, message: string, options?: ErrorOptions) {
    super('InvalidProofError', 'ERR_INVALID_PROOF', `${step}: ${message}`, options)
    this.step = step
  }
}

/** A well-formed message that may not come now, or that contradicts an earlier one. */
export class ProtocolViolationError extends ZkloraError {
  constructor(message: string, options?: ErrorOptions) {
    super('ProtocolViolationError', 'ERR_PROTOCOL_VIOLATION', message, options)
  }
}

/** A file, flag or setting that cannot be used. */
export class InvalidInputError extends ZkloraError {
  constructor(message: string, options?: ErrorOptions) {
    super('InvalidInputError', 'ERR_INVALID_INPUT', message, options)
  }
}

/** A method, format or model that zklora knows and does not support, named with the reason. */
export class UnsupportedError extends ZkloraError {
  constructor(message: string, options?: ErrorOptions) {
    super('UnsupportedError', 'ERR_UNSUPPORTED', message, options)
  }
}

/** Something asked for by name is not here, or nobody offers it. */
export class NotFoundError extends ZkloraError {
  constructor(message: string, options?: ErrorOptions) {
    super('NotFoundError', 'ERR_NOT_FOUND', message, options)
  }
}

/** A wait that ended by its timeout. */
export class TimeoutError extends ZkloraError {
  constructor(what: string, milliseconds: number) {
    super('TimeoutError', 'ERR_TIMEOUT', `${what} took longer than ${milliseconds / 1000} s`)
  }
}

/** The other side refused or broke off with a status code. */
export class RefusedError extends ZkloraError {
  readonly reason: string
  /** Seconds after which asking again may help; 0: it did not say, or it will not. */
  readonly retryAfter: number
  constructor(reason: string, message: string, retryAfter = 0) {
    super('RefusedError', 'ERR_REFUSED', message)
    this.reason = reason
    this.retryAfter = retryAfter
  }
}

/** The disk did not take what had to be kept. */
export class StorageError extends ZkloraError {
  constructor(message: string, options?: ErrorOptions) {
    super('StorageError', 'ERR_STORAGE', message, options)
  }
}

/** The peer is gone: stream reset, connection lost. */
export class ConnectionLostError extends ZkloraError {
  constructor(message: string, options?: ErrorOptions) {
    super('ConnectionLostError', 'ERR_CONNECTION_LOST', message, options)
  }
}

export type PeerError = MalformedMessageError | LimitExceededError | InvalidProofError | ProtocolViolationError

/** True for what a peer's bytes may cause; anything else that comes out of handling them is a bug of ours. */
export function isPeerError(error: unknown): error is PeerError {
  return (
    error instanceof MalformedMessageError ||
    error instanceof LimitExceededError ||
    error instanceof InvalidProofError ||
    error instanceof ProtocolViolationError
  )
}
