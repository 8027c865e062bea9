/**
 * A signal that aborts after a time. Not AbortSignal.timeout(): Node 20 keeps a composite's sources (AbortSignal.any) by weak references
 * only, so that a timeout in one is collected with the garbage and never fires (nodejs/node, pull request 57867). A peer that does not
 * answer would be waited for without end.
 */

/** @returns a signal that its timer keeps alive; the timer does not keep the process alive */
export function timeLimit(milliseconds: number): AbortSignal {
  const controller = new AbortController()
  const reason = new DOMException('The operation was aborted due to timeout', 'TimeoutError')
  const timer = setTimeout(() => controller.abort(reason), milliseconds) as unknown as { unref?(): void }
  timer.unref?.()
  return controller.signal
}
