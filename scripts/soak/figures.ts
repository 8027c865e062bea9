/** What a process holds: memory after a collection, and what keeps its event loop alive. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gauge, Registry } from 'prom-client'

export interface SoakCounts {
  done: number
  failed: number
  rejections: number
  readonly warnings: string[]
}

export interface Figures {
  /** Bytes of the process's own; those of files mapped into it (LevelDB's tables) the system takes back when it needs them. */
  readonly resident: number
  readonly mapped: number
  /** Of the main thread, after a collection. */
  readonly heap: number
  readonly buffers: number
  readonly sockets: number
  readonly timers: number
  /** Streams of sessions and fetches, of both directions. */
  readonly streams: number
  readonly done: number
  readonly failed: number
  readonly rejections: number
  /** Since the last time. */
  readonly warnings: readonly string[]
}

/** Milliseconds between two collections: what finalizers let go in the first goes in the second. */
const PAUSE = 50

/** Linux tells a process's own memory from that of files; elsewhere all of it counts as its own. */
async function memory(): Promise<{ resident: number; mapped: number }> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const [own, mapped] = ['RssAnon', 'RssFile'].map(name => new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1])
  if (own === undefined || mapped === undefined) return { resident: process.memoryUsage.rss(), mapped: 0 }
  return { resident: 1024 * Number(own), mapped: 1024 * Number(mapped) }
}

/** As libp2p counts them, by direction and protocol. */
async function streamsIn(registry: Registry): Promise<number> {
  const gauge = registry.getSingleMetric('libp2p_protocol_streams_total') as Gauge | undefined
  // A label of which there is none any more would keep its last value.
  gauge?.reset()
  const metric = await gauge?.get()
  return (metric?.values ?? [])
    .filter(({ labels }) => /\/zklora\/(session|fetch)\//.test(String(labels['protocol'])))
    .reduce((sum, { value }) => sum + value, 0)
}

/** @param registry where the node of this process counts */
export async function figures(counts: SoakCounts, registry: Registry): Promise<Figures> {
  const collect = (globalThis as { gc?: () => void }).gc
  collect?.()
  await sleep(PAUSE)
  collect?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  return {
    ...(await memory()),
    heap: heapUsed,
    buffers: arrayBuffers,
    sockets: resources.filter(name => name === 'TCPSocketWrap').length,
    timers: resources.filter(name => name === 'Timeout').length,
    streams: await streamsIn(registry),
    done: counts.done,
    failed: counts.failed,
    rejections: counts.rejections,
    warnings: counts.warnings.splice(0)
  }
}
