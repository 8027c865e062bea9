import test, { type ExecutionContext } from 'ava'
import { once } from 'node:events'
import { chown, lchown, mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { ZkloraError, NotFoundError } from '../../src/errors.js'
import { execute } from '../../src/daemon/commands.js'
import { connectControl, type ControlClient } from '../../src/daemon/control/client.js'
import { LineSplitter } from '../../src/daemon/control/lines.js'
import { CONTROL_PROTOCOL, MOST_LINE_BYTES, MOST_RUNNING, PIECE_BYTES } from '../../src/daemon/control/messages.js'
import { startControlServer, type ControlServer } from '../../src/daemon/control/server.js'
import { privateFolder } from '../../src/daemon/paths.js'
import type { ZkloraNode } from '../../src/roles/types.js'
import { temporaryFolder } from './folders.js'
import { adapter, smallNode, status, untilAborted, verdict } from './small-node.js'

const HELLO = { zklora: '0.1.0', protocol: CONTROL_PROTOCOL, pid: 4242, peerId: '12D3KooW' }

async function serve(t: ExecutionContext, methods: Partial<ZkloraNode> = {}): Promise<{ path: string; server: ControlServer }> {
  const path = join(await temporaryFolder(t), 'control.sock')
  const node = smallNode(methods)
  const server = await startControlServer({
    socket: { path, fallback: null },
    hello: HELLO,
    execute: (name, params, options) => execute(node, name, params, options)
  })
  t.teardown(() => server.stop())
  return { path, server }
}

async function client(t: ExecutionContext, path: string): Promise<ControlClient> {
  const made = (await connectControl(path))!
  t.teardown(() => made.close())
  return made
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void
  const promise = new Promise<void>(done => (resolve = done))
  return { promise, resolve }
}

/** A connection without the client: lines in, lines out. */
async function raw(t: ExecutionContext, path: string): Promise<{ socket: Socket; next(): Promise<Record<string, never>> }> {
  const socket = connect(path)
  t.teardown(() => socket.destroy())
  const splitter = new LineSplitter(MOST_LINE_BYTES)
  const lines: string[] = []
  socket.on('data', chunk => {
    lines.push(...splitter.push(chunk))
    socket.emit('line')
  })
  const next = async (): Promise<Record<string, never>> => {
    while (lines.length === 0) await once(socket, 'line')
    return JSON.parse(lines.shift()!) as Record<string, never>
  }
  t.deepEqual(await next(), HELLO as never)
  return { socket, next }
}

test('a command gives over the socket what it gives in process', async t => {
  const { path } = await serve(t)
  t.is((await stat(path)).mode & 0o777, 0o600)
  const made = await client(t, path)
  t.deepEqual(made.hello, HELLO)
  t.deepEqual(await made.call('status', {}), status)
  t.deepEqual(await made.call('verdicts', {}), [verdict])
  t.deepEqual(await made.call('adapter.remove', { adapter: 'shakespeare' }), adapter)
})

test('events come before the result, in order', async t => {
  const { path } = await serve(t, {
    generate: async (_params, options) => {
      for (const token of [1, 2, 3]) options?.onProgress?.({ type: 'token', token, text: `t${token}` })
      return { text: 't1t2t3', tokens: [1, 2, 3], finishReason: 'length', sessions: [] }
    }
  })
  const events: unknown[] = []
  const made = await client(t, path)
  const result = await made.call('generate', { base: 'm', adapters: [], prompt: '' }, { onEvent: event => events.push(event) })
  t.deepEqual(
    events,
    [1, 2, 3].map(token => ({ type: 'token', token, text: `t${token}` }))
  )
  t.like(result, { text: 't1t2t3' })
})

test('a proof file travels in pieces, and is whole', async t => {
  const file = new Uint8Array(PIECE_BYTES * 2 + 7).map((_, i) => i)
  const { path } = await serve(t, { exportProof: async () => file })
  const pieces: Buffer[] = []
  const made = await client(t, path)
  const result = await made.call(
    'export',
    { id: '0123456789' },
    { onEvent: event => event.type === 'bytes' && pieces.push(Buffer.from(event.base64, 'base64')) }
  )
  t.deepEqual(result, { id: '0123456789', bytes: file.length })
  t.is(pieces.length, 3)
  t.deepEqual(new Uint8Array(Buffer.concat(pieces)), file)
})

test('errors keep their name, code and sentence; bugs are named as bugs', async t => {
  const { path } = await serve(t, {
    find: async () => {
      throw new NotFoundError('nobody is there')
    },
    sessions: async () => {
      throw new TypeError('x is undefined')
    }
  })
  const made = await client(t, path)
  const error = await t.throwsAsync<ZkloraError>(made.call('find', { base: 'm' }), { name: 'NotFoundError', message: 'nobody is there' })
  t.is(error!.code, 'ERR_NOT_FOUND')
  await t.throwsAsync(made.call('sessions', {}), { name: 'InternalError', message: /bug in zklora: TypeError: x is undefined/ })
  await t.throwsAsync(made.call('statos', {}), { message: /"statos" is not known; did you mean status\?/ })
  await t.throwsAsync(made.call('toString', {}), { message: /known are status/ })
  await t.throwsAsync(made.call('verify', { id: 'nothex' }), { message: /parameters of verify: id is "nothex", expected is 8 to 64/ })
  await t.throwsAsync(made.call('status', { x: 1 }), { message: /x is not known/ })
})

test('a cancelled command ends, on both sides', async t => {
  const aborted = deferred()
  const { path } = await serve(t, {
    watch: async options => {
      options.onProgress?.({ type: 'verdict', verdict })
      await untilAborted(options).catch(error => {
        aborted.resolve()
        throw error
      })
    }
  })
  const made = await client(t, path)
  const controller = new AbortController()
  await t.throwsAsync(made.call('watch', {}, { signal: controller.signal, onEvent: () => controller.abort() }), { name: 'CancelledError' })
  await aborted.promise
  t.deepEqual(await made.call('status', {}), status)
  await t.throwsAsync(made.call('status', {}, { signal: controller.signal }), { name: 'CancelledError' })
})

test('a command that does not end when cancelled is given up', async t => {
  const { path } = await serve(t, { find: () => new Promise(() => {}) })
  const made = await client(t, path)
  await t.throwsAsync(made.call('find', { base: 'm' }, { signal: AbortSignal.timeout(10) }), {
    name: 'CancelledError',
    message: 'find was cancelled'
  })
})

test('who goes away cancels what it asked for', async t => {
  const [started, aborted] = [deferred(), deferred()]
  const { path } = await serve(t, {
    watch: options => {
      started.resolve()
      return untilAborted(options).catch(() => aborted.resolve())
    }
  })
  const { socket } = await raw(t, path)
  socket.write('{"id":1,"command":"watch"}\n')
  await started.promise
  socket.destroy()
  await aborted.promise
  t.pass()
})

test('lines that are no requests are answered, and the next one is served', async t => {
  const { path } = await serve(t)
  const { socket, next } = await raw(t, path)
  for (const line of [
    '{',
    '7',
    '{"command":"status"}',
    '{"id":-1,"command":"status"}',
    '{"id":1,"cancel":false}',
    '{"id":1,"command":"status","extra":1}'
  ]) {
    socket.write(`${line}\n`)
    const { id, error } = (await next()) as unknown as { id: null; error: { code: string } }
    t.is(id, null)
    t.is(error.code, 'ERR_MALFORMED_MESSAGE')
  }
  socket.write('\n{"id":9,"cancel":true}\n{"id":3,"command":"status"}\n')
  t.deepEqual(await next(), { id: 3, result: status } as never)
})

test('a line above the bound ends the connection, and nothing of it is kept', async t => {
  const { path } = await serve(t)
  const { socket, next } = await raw(t, path)
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.write(Buffer.alloc(MOST_LINE_BYTES + 1, 0x61))
  const { error } = (await next()) as unknown as { error: { code: string } }
  t.is(error.code, 'ERR_LIMIT_EXCEEDED')
  await closed
})

test('an identifier in use and too many commands are refused', async t => {
  const { path } = await serve(t, { watch: untilAborted })
  const { socket, next } = await raw(t, path)
  for (let id = 0; id < MOST_RUNNING; id++) socket.write(`{"id":${id},"command":"watch"}\n`)
  socket.write('{"id":0,"command":"status"}\n')
  t.like(await next(), { id: null, error: { code: 'ERR_PROTOCOL_VIOLATION' } } as never)
  socket.write('{"id":99,"command":"status"}\n')
  t.like(await next(), { id: 99, error: { code: 'ERR_LIMIT_EXCEEDED' } } as never)
})

test('a client that does not read is cut off', async t => {
  const aborted = deferred()
  const { path } = await serve(t, {
    watch: async options => {
      const many = { ...verdict, error: 'x'.repeat(1024 * 1024) }
      options.signal!.addEventListener('abort', () => aborted.resolve())
      for (let i = 0; i < 64; i++) options.onProgress?.({ type: 'verdict', verdict: many })
      await untilAborted(options)
    }
  })
  const { socket } = await raw(t, path)
  socket.on('error', () => {})
  socket.pause()
  socket.write('{"id":1,"command":"watch"}\n')
  await aborted.promise
  t.pass()
})

test('where nobody listens there is no daemon; a stale socket file is no hindrance', async t => {
  const folder = await temporaryFolder(t)
  t.is(await connectControl(join(folder, 'none.sock')), null)
  const path = join(folder, 'stale.sock')
  await writeFile(path, '')
  t.is(await connectControl(path), null)
  const server = await startControlServer({ socket: { path, fallback: null }, hello: HELLO, execute: async () => null })
  const made = await connectControl(path)
  t.is(await made!.call('anything', undefined), null)
  made!.close()
  await server.stop()
  t.is(await connectControl(path), null)
})

test('a stopping daemon ends its clients with a sentence', async t => {
  const { path, server } = await serve(t, { watch: untilAborted })
  const made = await client(t, path)
  const call = made.call('watch', {})
  const ended = t.throwsAsync(call, { name: 'ConnectionLostError', message: /daemon is gone/ })
  await made.call('status', {})
  await server.stop()
  await ended
})

test('a socket that cannot be opened is named', async t => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'control.sock', 'full'), { recursive: true })
  const start = (path: string) => startControlServer({ socket: { path, fallback: null }, hello: HELLO, execute: async () => null })
  await t.throwsAsync(start(join(folder, 'control.sock')), { name: 'InvalidInputError', message: /cannot be opened \(ERR_FS_EISDIR\)/ })
  await writeFile(join(folder, 'file'), '')
  await t.throwsAsync(connectControl(join(folder, 'file', 'x.sock')), {
    name: 'ConnectionLostError',
    message: /cannot be opened \(ENOTDIR/
  })
})

const stranger = test.macro({
  exec: async (t, answer: string, message: RegExp) => {
    const path = join(await temporaryFolder(t), 'x.sock')
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.write(answer)
    })
    await new Promise<void>(resolve => server.listen(path, resolve))
    t.teardown(() => server.close())
    const ended = (async () => {
      const made = await connectControl(path, 200)
      await made!.call('status', {})
    })()
    await t.throwsAsync(ended, { message })
  },
  title: provided => `what listens and ${provided} is not taken for a daemon`
})

const hello = `${JSON.stringify(HELLO)}\n`
test('says nothing', stranger, '', /hello of the daemon took longer than 0\.2 s/)
test('speaks no JSON', stranger, 'SSH-2.0\n', /not JSON/)
test('says something else', stranger, '{"version":1}\n', /not a zklora daemon/)
test('has another protocol', stranger, hello.replace('"protocol":1', '"protocol":2'), /another control protocol: stop it/)
test('answers with no reply', stranger, `${hello}{"id":1}\n`, /no reply/)
test(
  'complains of no request',
  stranger,
  `${hello}{"id":null,"error":{"code":"E","name":"N","message":"that was nothing"}}\n`,
  /that was nothing/
)
test('answers what nobody asked', stranger, `${hello}{"id":7,"result":1}\n{"id":1\n`, /not JSON/)

test('lines are cut wherever chunks end', t => {
  const splitter = new LineSplitter(8)
  t.deepEqual(splitter.push(Buffer.from('ab')), [])
  t.deepEqual(splitter.push(Buffer.from('c\n\nde\nf')), ['abc', '', 'de'])
  t.deepEqual(splitter.push(Buffer.from('1234567\n')), ['f1234567'])
  t.throws(() => splitter.push(Buffer.from('123456789')), { name: 'LimitExceededError' })
})

test('what listens in a folder of another user is not spoken to', async t => {
  // Who is not root cannot give a folder away, and takes the root folder for it.
  let folder = '/'
  if (process.getuid!() === 0) {
    folder = await temporaryFolder(t)
    const impostor = createServer(socket => socket.end(`${JSON.stringify(HELLO)}\n`)).listen(join(folder, 'control.sock'))
    await once(impostor, 'listening')
    t.teardown(() => impostor.close())
    await chown(folder, 12_345, 12_345)
  }
  await t.throwsAsync(connectControl(join(folder, 'control.sock')), { name: 'InvalidInputError', message: /belongs to user .* not yours/ })
})

test('nor is a folder entered whose name is another user’s link, which can lead elsewhere a moment later', async t => {
  const folder = await temporaryFolder(t)
  const [link, own] = [join(folder, 'link'), join(folder, 'own')]
  await mkdir(own)
  await symlink(own, link)
  // A link of one's own is as good as the folder.
  await t.notThrowsAsync(privateFolder(link))
  t.is(await connectControl(join(link, 'control.sock')), null)
  if (process.getuid!() !== 0) return
  await lchown(link, 12_345, 12_345)
  await t.throwsAsync(privateFolder(link), { message: /belongs to user 12345/ })
  await t.throwsAsync(connectControl(join(link, 'control.sock')), { message: /belongs to user 12345/ })
})
