import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { isLoopback, readToken } from '../../../src/daemon/http/access.js'
import { healthRoutes } from '../../../src/daemon/http/health.js'
import { type Route, text } from '../../../src/daemon/http/router.js'
import { type HttpServerInit, startHttpServer } from '../../../src/daemon/http/server.js'
import { temporaryFolder } from '../folders.js'

const TOKEN = 'a-token-of-24-characters'
const routes: Route[] = [
  { method: 'GET', path: '/metrics', handle: ({ query }) => text(200, `metrics ${query.get('a') ?? ''}`) },
  {
    method: 'GET',
    path: '/fails',
    handle: () => {
      throw new Error('/secret/path')
    }
  },
  ...healthRoutes({ waitingFor: () => ['adapters are being registered'] })
]

async function server(t: ExecutionContext, init: Partial<HttpServerInit> = {}) {
  const started = await startHttpServer({ host: '127.0.0.1', port: 0, token: undefined, routes, ...init })
  t.teardown(() => started.stop())
  return started
}

test('a route answers GET and HEAD, and nothing else', async t => {
  const { url } = await server(t)
  const got = await fetch(`${url}/metrics?a=b`)
  t.is(await got.text(), 'metrics b\n')
  t.is(got.headers.get('x-content-type-options'), 'nosniff')
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' })
  t.is(head.headers.get('content-length'), '9')
  t.is(await head.text(), '')
  const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })
  t.is(post.status, 405)
  t.is(post.headers.get('allow'), 'GET, HEAD')
  t.is(post.headers.get('connection'), 'close')
  t.is((await fetch(`${url}/other`)).status, 404)
})

test('what fails says nothing of why', async t => {
  const { url } = await server(t)
  const answer = await fetch(`${url}/fails`)
  t.is(answer.status, 500)
  t.false((await answer.text()).includes('secret'))
})

test('who is not ready says what it waits for', async t => {
  const { url } = await server(t)
  t.is(await (await fetch(`${url}/healthz`)).text(), 'ok\n')
  const ready = await fetch(`${url}/readyz`)
  t.is(ready.status, 503)
  t.is(await ready.text(), 'not ready: adapters are being registered\n')
})

test('with a token everything but health needs it', async t => {
  const { url } = await server(t, { host: '0.0.0.0', token: TOKEN })
  const local = url.replace('0.0.0.0', '127.0.0.1')
  const status = async (path: string, authorization?: string): Promise<number> =>
    (await fetch(`${local}${path}`, authorization === undefined ? {} : { headers: { authorization } })).status
  t.is(await status('/metrics'), 401)
  t.is(await status('/metrics', `Bearer ${TOKEN}x`), 401)
  t.is(await status('/metrics', `Basic ${TOKEN}`), 401)
  t.is(await status('/nothing'), 401)
  t.is(await status('/metrics', `Bearer ${TOKEN}`), 200)
  t.is(await status('/healthz'), 200)
})

test('without a token no address that others reach is listened on', async t => {
  await t.throwsAsync(server(t, { host: '::' }), { name: 'InvalidInputError', message: /http\.tokenFile/ })
  t.true(['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1', '[::1]'].every(isLoopback))
  t.false(['0.0.0.0', '::', '192.0.2.1', '127.0.0.1.example.org', 'localhost.example.org', ''].some(isLoopback))
})

test('an address that this machine does not have is refused in words', async t => {
  await t.throwsAsync(server(t, { host: '192.0.2.1', token: TOKEN }), {
    name: 'InvalidInputError',
    message: /192\.0\.2\.1:0: EADDRNOTAVAIL/
  })
})

test('headers beyond their bound, and a request that is not HTTP, end the connection', async t => {
  const { url } = await server(t)
  const answerTo = async (sent: string): Promise<string> => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let got = ''
    socket.on('data', chunk => (got += chunk.toString()))
    socket.write(sent)
    await once(socket, 'close')
    return got
  }
  t.regex(await answerTo(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`), /^HTTP\/1\.1 431/)
  t.regex(await answerTo('hello\r\n\r\n'), /^HTTP\/1\.1 400/)
  t.regex(await answerTo('GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400/)
  t.regex(await answerTo('GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421/)
})

test('a server that stops lets requests under way end, but not for ever', async t => {
  let answerNow!: () => void
  let begun!: () => void
  const asked = new Promise<void>(resolve => (begun = resolve))
  const slow: Route = {
    method: 'GET',
    path: '/slow',
    handle: async () => {
      begun()
      await new Promise<void>(resolve => (answerNow = resolve))
      return text(200, 'late')
    }
  }
  const hung: Route = {
    method: 'GET',
    path: '/hung',
    handle: ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject))
  }
  const { url, stop } = await server(t, { routes: [slow, hung] })
  const answered = fetch(`${url}/slow`).then(answer => answer.text())
  const never = fetch(`${url}/hung`)
  await asked
  const stopped = stop()
  answerNow()
  t.is(await answered, 'late\n')
  await t.throwsAsync(never)
  await stopped
  await stop()
})

test('a token is read from the environment or a file that only its owner reads, and is never in an error', async t => {
  const file = join(await temporaryFolder(t), 'token')
  t.is(await readToken({}), undefined)
  t.is(await readToken({ given: TOKEN, file }), TOKEN)
  await t.throwsAsync(readToken({ file }), { name: 'InvalidInputError', message: /cannot be read \(ENOENT/ })
  await writeFile(file, `${TOKEN}\n`, { mode: 0o600 })
  t.is(await readToken({ file }), TOKEN)
  await chmod(file, 0o644)
  await t.throwsAsync(readToken({ file }), { message: /has mode 644.*chmod 600/ })
  for (const wrong of ['short-secret', 'has a space in it, twice', 'x'.repeat(1025)]) {
    const error = await t.throwsAsync(readToken({ given: wrong }), { name: 'InvalidInputError', message: /openssl rand -hex 32/ })
    t.false(error!.message.includes(wrong))
  }
  await chmod(file, 0o600)
  await writeFile(file, 'x'.repeat(5000))
  await t.throwsAsync(readToken({ file }))
})
