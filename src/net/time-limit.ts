/**
 * A signal that aborts after a time. Not AbortSignal.timeout(): Node 20 keeps a composite's sources (AbortSignal.any) by weak references
 * only, so that a timeout in one is collected with the garbage and never fires (nodejs/node, pull request 57867). A peer that does not
 * answer would be waited for without end.
 */

const TIMED_OUT = 'The operation was aborted due to timeout'

/** @returns a signal that its timer keeps alive; the timer does not keep the process alive */
export function timeLimit(milliseconds: number): AbortSignal {
  const controller = new AbortController()
  const reason = new DOMException(TIMED_OUT, 'TimeoutError')
  const timer = setTimeout(() => controller.abort(reason), milliseconds) as unknown as { unref?(): void }
  timer.unref?.()
  return controller.signal
}

/**
 * True for what a call of libp2p ends with when a time has passed, that of its signal or one of its own: it wraps the reason, and has the
 * upgrade of a connection end before the dial.
 */
export function isTimeout(error: unknown): boolean {
  const { name, message = '', errors = [] } = error as Partial<AggregateError>
  return name === 'TimeoutError' || message.includes(TIMED_OUT) || errors.some(isTimeout)
}
