/**
 * Work that the first of several signals ends. Not AbortSignal.any(): on Node 20 each composite leaves a weak reference in its sources for
 * as long as they live (nodejs/node, issue 54614), and ours live as long as the node. Nor a listener for each: of more than ten Node warns.
 */
import { setMaxListeners } from 'main-event'

const followers = new WeakMap<AbortSignal, Set<AbortController>>()

export interface JoinedSignal {
  /** Aborts with the first of its sources, for its reason. */
  readonly signal: AbortSignal
  /** It follows them no more. */
  readonly part: () => void
}

/** @param signals those that are undefined never abort */
export function joinSignals(...signals: readonly (AbortSignal | undefined)[]): JoinedSignal {
  const joined = new AbortController()
  // All of the work may wait on it: Node warns from the 11th listener on.
  setMaxListeners(Infinity, joined.signal)
  const sources = signals.filter(signal => signal !== undefined)
  for (const source of sources) follow(source, joined)
  return {
    signal: joined.signal,
    part: () => {
      for (const source of sources) followers.get(source)?.delete(joined)
    }
  }
}

/** @param work its signal aborts with the first of those given, until its promise settles */
export async function withSignals<T>(
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => T | PromiseLike<T>
): Promise<T> {
  const { signal, part } = joinSignals(...signals)
  try {
    return await work(signal)
  } finally {
    part()
  }
}

function follow(source: AbortSignal, joined: AbortController): void {
  if (source.aborted) return joined.abort(source.reason)
  let all = followers.get(source)
  if (all === undefined) {
    const told = new Set<AbortController>()
    source.addEventListener('abort', () => told.forEach(each => each.abort(source.reason)), { once: true })
    followers.set(source, (all = told))
  }
  all.add(joined)
}
