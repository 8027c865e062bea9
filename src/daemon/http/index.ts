/** The daemon's HTTP: health from the first moment, metrics as soon as there is a node. */
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import type { NodeOptions } from '../../roles/options.js'
import type { ZkloraNode } from '../../roles/types.js'
import type { Config } from '../config.js'
import { readToken } from './access.js'
import { healthRoutes } from './health.js'
import { metricsText } from './metrics.js'
import { type Route, text } from './router.js'
import { startHttpServer, type HttpServer } from './server.js'

export interface DaemonHttp extends Pick<HttpServer, 'url' | 'stop'> {
  /** libp2p's own metrics go into the same registry. */
  readonly metrics: NodeOptions['metrics']
  /** The node is there. */
  serve(node: ZkloraNode): void
  /** Everything that the config asks for is up. */
  ready(): void
}

/** @throws InvalidInputError for an address, host or token that cannot be used; undefined when HTTP is off */
export async function startDaemonHttp({ settings, httpToken }: Config): Promise<DaemonHttp | undefined> {
  const { enabled, host, port, tokenFile } = settings.http
  if (!enabled) return undefined
  const token = await readToken({ given: httpToken, file: tokenFile })
  // Of this node alone: a program may run several.
  const registry = new Registry()
  let node: ZkloraNode | undefined
  let isReady = false
  let scrape: Promise<string> | undefined
  const metrics: Route = {
    method: 'GET',
    path: '/metrics',
    handle: async () => {
      if (node === undefined) return text(503, 'the node is starting')
      // Scrapes that come at once share one look at the node.
      scrape ??= metricsText(node, registry).finally(() => (scrape = undefined))
      return { status: 200, body: await scrape, type: registry.contentType }
    }
  }
  const waitingFor = (): string[] => (isReady ? [] : [node === undefined ? 'the node is starting' : 'adapters are being registered'])
  const server = await startHttpServer({ host, port, token, routes: [metrics, ...healthRoutes({ waitingFor })] })
  return {
    url: server.url,
    stop: () => {
      isReady = false
      return server.stop()
    },
    metrics: prometheusMetrics({ registry }),
    serve: given => (node = given),
    ready: () => (isReady = true)
  }
}
