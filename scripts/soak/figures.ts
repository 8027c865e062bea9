/** What a process holds: memory after a collection, and what keeps its event loop alive. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface SoakCounts {
  done: number
  failed: number
  rejections: number
  readonly warnings: string[]
}

export interface Figures {
  /** Bytes; heap and array buffers after a collection. */
  readonly rss: number
  readonly heap: number
  readonly buffers: number
  readonly sockets: number
  readonly timers: number
  readonly done: number
  readonly failed: number
  readonly rejections: number
  /** Since the last time. */
  readonly warnings: readonly string[]
}

/** Milliseconds between two collections: what finalizers let go in the first goes in the second. */
const PAUSE = 50

export async function figures(counts: SoakCounts): Promise<Figures> {
  const collect = (globalThis as { gc?: () => void }).gc
  collect?.()
  await sleep(PAUSE)
  collect?.()
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  return {
    rss,
    heap: heapUsed,
    buffers: arrayBuffers,
    sockets: resources.filter(name => name === 'TCPSocketWrap').length,
    timers: resources.filter(name => name === 'Timeout').length,
    done: counts.done,
    failed: counts.failed,
    rejections: counts.rejections,
    warnings: counts.warnings.splice(0)
  }
}
