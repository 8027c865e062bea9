/** The daemon in this process, with real nodes. */
import test, { type ExecutionContext } from 'ava'
import { access, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { loadConfig, type Config } from '../../src/daemon/config.js'
import { connectControl } from '../../src/daemon/control/client.js'
import { startDaemon, type DaemonEvent } from '../../src/daemon/daemon.js'
import { runCommand } from '../../src/daemon/open-node.js'
import { socketPath } from '../../src/daemon/paths.js'
import type { SettingsLayer } from '../../src/daemon/settings.js'
import { temporaryFolder } from './folders.js'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
const KJV = { folder: resolve('config/demo/adapters/kjv-llama'), base: resolve('config/demo/models/novels-llama') }
const never = new AbortController().signal

async function configOf(dataDir: string, flags: SettingsLayer): Promise<Config> {
  return loadConfig({ env: {}, dataDir, flags: { listen: LISTEN, ...flags } })
}

async function started(t: ExecutionContext, config: Config, signal = never) {
  const events: DaemonEvent[] = []
  const daemon = await startDaemon({ config, signal, onEvent: event => events.push(event) })
  t.teardown(() => daemon.stop())
  return { daemon, events }
}

test.serial('a data folder with a long path has its socket in a private folder for temporary files', async t => {
  const dataDir = join(await temporaryFolder(t), 'd'.repeat(100))
  const config = await configOf(dataDir, { roles: ['bootstrap'] })
  const { daemon, events } = await started(t, config)
  const { path, fallback } = socketPath(dataDir)
  t.teardown(() => rm(path, { force: true }))
  t.true(events.some(event => event.type === 'socket' && event.path === path))
  t.is(daemon.ready.socket, path)
  t.is((await stat(dirname(path))).mode & 0o777, 0o700)
  t.is(dirname(path), fallback!)
  t.is((await stat(path)).mode & 0o777, 0o600)
  t.like(await runCommand(config, 'status', {}, { signal: never, onEvent: () => {} }), { peerId: daemon.ready.peerId })
  await daemon.stop()
  t.deepEqual(events.at(-1), { type: 'stopped' })
  t.is(await connectControl(path), null)
})

test.serial('a socket that fits nowhere is refused with what to do', async t => {
  const before = process.env['TMPDIR']
  t.teardown(() => (before === undefined ? delete process.env['TMPDIR'] : (process.env['TMPDIR'] = before)))
  process.env['TMPDIR'] = `/${'t'.repeat(120)}`
  t.throws(() => socketPath(`/${'d'.repeat(120)}`), {
    name: 'InvalidInputError',
    message: /no control socket fits .* set TMPDIR or --data-dir/
  })
})

test.serial('adapters of the config are served, as before after a restart, and anew on other terms', async t => {
  const dataDir = await temporaryFolder(t)
  const config = await configOf(dataDir, { roles: ['contributor'], adapters: [{ ...KJV, limitRows: 8 }] })
  const first = await started(t, config)
  t.like(first.daemon.ready.adapters[0], { name: 'kjv-llama', limitRows: 8 })
  t.true(first.events.some(event => event.type === 'adapter' && event.step === 'commit'))
  await t.throwsAsync(started(t, config), { name: 'InvalidInputError', message: /a daemon already runs on/ })
  await first.daemon.stop()

  const second = await started(t, config)
  t.like(
    second.events.find(event => event.type === 'registered'),
    { outcome: 'kept' }
  )
  t.is(second.daemon.ready.adapters[0]!.id, first.daemon.ready.adapters[0]!.id)
  await second.daemon.stop()

  const third = await started(t, await configOf(dataDir, { roles: ['contributor'], adapters: [{ ...KJV, limitRows: 9 }] }))
  t.like(
    third.events.find(event => event.type === 'registered'),
    { outcome: 'replaced' }
  )
  t.deepEqual(
    third.daemon.ready.adapters.map(({ limitRows }) => limitRows),
    [9]
  )
})

test.serial('a start that fails or is broken off leaves nothing open', async t => {
  const dataDir = await temporaryFolder(t)
  const bad = await configOf(dataDir, { roles: ['contributor'], adapters: [{ ...KJV, folder: join(dataDir, 'none') }] })
  await t.throwsAsync(started(t, bad), { name: 'InvalidInputError', message: /there is no adapter folder .*none: give/ })
  const good = await configOf(dataDir, { roles: ['contributor'], adapters: [KJV] })
  await t.throwsAsync(started(t, good, AbortSignal.abort()), { name: 'CancelledError' })
  t.is(await connectControl(socketPath(dataDir).path), null)
  const inTheWay = await temporaryFolder(t)
  await mkdir(join(inTheWay, 'control.sock', 'full'), { recursive: true })
  await t.throwsAsync(started(t, await configOf(inTheWay, {})), {
    name: 'InvalidInputError',
    message: /control socket .* cannot be opened/
  })
  await t.notThrowsAsync(started(t, good))
})

test.serial('without a daemon a command opens a node for itself, and closes it', async t => {
  const dataDir = await temporaryFolder(t)
  const config = await configOf(dataDir, {})
  const routes: (number | null)[] = []
  const options = { signal: never, onEvent: () => {}, onRoute: (daemon: number | null) => routes.push(daemon) }
  t.deepEqual(await runCommand(config, 'adapter.list', {}, options), [])
  const added = await runCommand(config, 'adapter.add', KJV, options)
  t.deepEqual(
    (await runCommand(config, 'adapter.list', {}, options)).map(({ id }) => id),
    [added.id]
  )
  t.deepEqual(routes, [null, null, null])
  await access(join(dataDir, 'peer.key'))
  await t.throwsAsync(runCommand(config, 'status', {}, { ...options, signal: AbortSignal.abort() }), { name: 'CancelledError' })
  await writeFile(join(dataDir, 'peer.key'), 'secret')
  await t.throwsAsync(runCommand(config, 'status', {}, options), { message: /holds no Ed25519 key/ })
})
