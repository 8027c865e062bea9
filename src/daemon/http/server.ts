/**
 * The HTTP server of the daemon: one router, bounded in connections, headers and time, closed gracefully. GET and HEAD until a route
 * takes more.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InvalidInputError } from '../../errors.js'
import { systemReason } from '../../roles/system-error.js'
import { Access, checkHost } from './access.js'
import { type HttpAnswer, type Route, Router, text } from './router.js'

const SECOND = 1000
const BOUNDS = {
  /** A scraper, a dashboard and a few people. */
  connections: 64,
  requestsPerSocket: 1000,
  headerBytes: 8 * 1024,
  headers: 64,
  /** Milliseconds: slow senders cost a place no longer than this. */
  headerTime: 5 * SECOND,
  requestTime: 15 * SECOND,
  keepAlive: 5 * SECOND,
  /** A reader that takes nothing. */
  idle: 30 * SECOND,
  /** Requests under way when the server stops have so long to end. */
  grace: 2 * SECOND
}

export interface HttpServerInit {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly token: string | undefined
  readonly routes: readonly Route[]
}

export interface HttpServer {
  /** `http://127.0.0.1:4002`. */
  readonly url: string
  stop(): Promise<void>
}

/** @throws InvalidInputError for an address that is taken or not this machine's, and for one that others reach without a token */
export async function startHttpServer({ host, port, token, routes }: HttpServerInit): Promise<HttpServer> {
  checkHost(host, token)
  const access = new Access({ host, token })
  const router = new Router(routes)
  const server = createServer({
    maxHeaderSize: BOUNDS.headerBytes,
    headersTimeout: BOUNDS.headerTime,
    requestTimeout: BOUNDS.requestTime,
    keepAliveTimeout: BOUNDS.keepAlive,
    connectionsCheckingInterval: SECOND
  })
  server.maxHeadersCount = BOUNDS.headers
  server.maxConnections = BOUNDS.connections
  server.maxRequestsPerSocket = BOUNDS.requestsPerSocket
  server.setTimeout(BOUNDS.idle)
  server.on('request', (request, response) => {
    void answer(request, { access, router, response })
  })
  await listen(server, host, port)
  let stopped: Promise<void> | undefined
  const { address, port: bound, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    stop: () => (stopped ??= close(server))
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const name = host.replace(/^\[(.*)\]$/, '$1')
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      const { code } = cause as NodeJS.ErrnoException
      const reason =
        code === 'EADDRINUSE'
          ? 'another program listens there: stop it, or choose another port with --http-port (0 for a free one)'
          : systemReason(cause)
      reject(new InvalidInputError(`the HTTP server cannot listen on ${host}:${port}: ${reason}`, { cause }))
    })
    server.listen(port, name, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', () => {})
}

/** No new requests; those under way end, or are ended. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  server.closeIdleConnections()
  const late = setTimeout(() => server.closeAllConnections(), BOUNDS.grace)
  await closed
  clearTimeout(late)
}

interface Answering {
  readonly access: Access
  readonly router: Router
  readonly response: ServerResponse
}

async function answer(request: IncomingMessage, { access, router, response }: Answering): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  send(request, response, await answerOf(request, { access, router, signal: gone.signal }))
}

async function answerOf(
  { url = '/', method = 'GET', headers }: IncomingMessage,
  { access, router, signal }: { access: Access; router: Router; signal: AbortSignal }
): Promise<HttpAnswer> {
  const [path, query = ''] = url.split('?', 2) as [string, string?]
  const route = router.find(method, path)
  const found = 'handle' in route
  // What there is, nobody is told who may not see it.
  const refusal = access.refusal(headers, found && route.open === true)
  if (refusal !== undefined) return refusal
  if (!found) return route
  try {
    return await route.handle({ method, path, query: new URLSearchParams(query), signal })
  } catch {
    // What went wrong is this node's own and may name files: the log has it, a client does not.
    return text(500, 'something went wrong here')
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, type = 'text/plain; charset=utf-8', headers }: HttpAnswer
): void {
  const bytes = Buffer.from(body, 'utf8')
  const hasBody = request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
    // A body that nobody reads ends with its connection.
    ...(hasBody && { connection: 'close' })
  })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}
