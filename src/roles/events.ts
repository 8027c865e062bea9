/** What happens at a node, for those who watch it. */
import type { ProgressEvent } from './types.js'

export type Watcher = (event: ProgressEvent) => void

export class Events {
  private readonly watchers = new Set<Watcher>()

  emit(event: ProgressEvent): void {
    for (const watcher of this.watchers) watcher(event)
  }

  /** Tells the watcher everything until the signal aborts. Resolves then. */
  async watch(watcher: Watcher, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    this.watchers.add(watcher)
    await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    this.watchers.delete(watcher)
  }
}
