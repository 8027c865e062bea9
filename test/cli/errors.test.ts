/** What goes wrong at the edge of the program: each sentence names the value and says what to do, and nothing half-written stays. */
import test from 'ava'
import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { Key } from 'interface-datastore'
import { execute } from '../../src/daemon/commands.js'
import { CONTROL_PROTOCOL } from '../../src/daemon/control/messages.js'
import { startControlServer } from '../../src/daemon/control/server.js'
import { socketPath } from '../../src/daemon/paths.js'
import { openDatastore } from '../../src/roles/platform.js'
import { temporaryFolder } from '../daemon/folders.js'
import { smallNode } from '../daemon/small-node.js'
import { Process } from './processes.js'
import { zklora } from './terminal.js'

const BASE = 'config/demo/models/novels-llama'
const ADAPTER = 'config/demo/adapters/kjv-llama'
const MAIN = resolve('dist/src/cli/main.js')

const refusal = test.macro({
  exec: async (t, argv: string[], message: RegExp, status: 1 | 2 = 2) => {
    const ran = await zklora([...argv, '--data-dir', await temporaryFolder(t)])
    t.is(ran.status, status, ran.stderr)
    t.regex(argv[0] === 'verify' ? ran.stdout : ran.stderr, message)
  },
  title: (_, argv: string[]) => `refused with a reason: ${argv.join(' ')}`
})

test(refusal, ['adapter', 'add', '/none/a', '--base', BASE], /there is no folder \/none\/a\. Give the path of/)
test(refusal, ['adapter', 'add', ADAPTER, '--base', '/none/m'], /there is no folder \/none\/m\. Give the path of/)
test(refusal, ['generate', 'x', '--base', '/none/m'], /there is no folder \/none\/m\. Give the path of/)
test(refusal, ['loss', '/none/t', '--base', BASE], /file \/none\/t cannot be read \(ENOENT: there is no such file or folder\)/)
test(refusal, ['loss', 'src', '--base', BASE], /file src cannot be read \(EISDIR: it is a folder\)/)
test(refusal, ['loss', '/dev/zero', '--base', BASE], /bytes of the text is 4456448, at most 4194304 are accepted in one run/, 1)
test(refusal, ['adapter', 'remove', 'nobody'], /adapter nobody is not served here \(zklora adapter list\)/, 1)
test(refusal, ['find', '--base', BASE], /connected to nobody: give the address of a peer \(--bootstrap/, 1)
test(
  refusal,
  ['verify', 'package.json'],
  /package\.json: could not be checked\n {2}this is not a zklora proof file \(zklora export writes them\)/
)
test(refusal, ['verify', '/dev/null'], /this is not a zklora proof file/)
test(refusal, ['verify', 'none.zkproof'], /there is no such file or folder, and it is no root or digest of 8 to 64/)
test(refusal, ['export', 'abcdef0123', 'x'], /no proof is known here by abcdef0123/, 1)
test(
  refusal,
  ['start', '--role', 'contributor', '--adapter', '/none/a', '--base', BASE, '--listen', '/ip4/127.0.0.1/tcp/0'],
  /there is no adapter folder \/none\/a: give/
)

const config = test.macro({
  exec: async (t, content: string, message: RegExp) => {
    const folder = await temporaryFolder(t)
    const file = join(folder, 'settings')
    await writeFile(file, content)
    const { status, stderr } = await zklora(['status', '--config', file, '--data-dir', folder])
    t.is(status, 2)
    t.true(stderr.includes(`${file}`), stderr)
    t.regex(stderr, message)
    t.is(stderr.trim().split('\n').length, 1, stderr)
  },
  title: (_, content: string) => `config refused with a reason: ${JSON.stringify(content.slice(0, 40))}`
})

test(config, '{"lisen":[]}', /lisen is not known; did you mean listen\?/)
test(config, '{"network":{"privateAdresses":true}}', /network\.privateAdresses is not known; did you mean network\.privateAddresses\?/)
test(
  config,
  '{"limits":{"bananas":1}}',
  /limits\.bananas is not known; known are limits\.sessions, limits\.sessionsPerPeer, limits\.bundleInputBytes, limits\.threads/
)
test(config, '{"listen":"here"}', /listen is "here", expected is a list of multiaddrs/)
test(config, '# mine\nroles: [user]\n', /is not JSON \(it looks like YAML\): .*; zklora init writes one to start from/)
test(config, '---\n- a\n', /it looks like YAML/)
test(config, '[network]\nprivateAddresses = true\n', /it looks like TOML/)
test(config, 'listen = ["x"]\n', /it looks like TOML/)
test(config, '{"roles":\n["user"],}\n', /is not JSON: /)
test(config, ' '.repeat(1024 * 1024 + 1), /is 1048577, at most 1048576 are accepted there: it is another file/)

test('a config that never ends is not read to its end', async t => {
  const { status, stderr } = await zklora(['status', '--config', '/dev/zero', '--data-dir', await temporaryFolder(t)])
  t.is(status, 2)
  t.regex(stderr, /bytes of the config file \/dev\/zero is \d+, at most 1048576/)
})

for (const argv of [
  ['gen\x1b[2Jx'],
  ['status', '--fo\x1b[2J'],
  ['generate', 'x', '--base', 'm', '--seed', '\x1b[2J9'],
  ['completion', '\x1b[2Jsh'],
  ['verify', '\x1b[2J']
]) {
  test(`what stands in an argument does not move the cursor: ${JSON.stringify(argv.join(' '))}`, async t => {
    const { status, stdout, stderr } = await zklora(argv)
    t.is(status, 2)
    t.false(`${stdout}${stderr}`.includes('\x1b'))
    t.true(`${stdout}${stderr}`.includes('\ufffd[2J'))
  })
}

test('a port that is taken is named with the remedy, and so is an address that is not here', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  t.teardown(() => taken.close())
  const start = async (listen: string) =>
    new Process(t, ['start', '--role', 'verifier', '--listen', listen, '--data-dir', await temporaryFolder(t)]).end()
  const [used, foreign] = await Promise.all([start(`/ip4/127.0.0.1/tcp/${port}`), start('/ip4/203.0.113.9/tcp/0')])
  t.is(used.status, 2)
  t.regex(
    used.stderr,
    new RegExp(`cannot listen on /ip4/127\\.0\\.0\\.1/tcp/${port}: .*address already in use.*choose another port with --listen`)
  )
  t.notRegex(used.stderr, /\n\s+at /)
  t.is(foreign.status, 2)
  t.regex(foreign.stderr, /cannot listen on \/ip4\/203\.0\.113\.9\/tcp\/0: .*this machine has no such address/)
})

test('nobody who serves an adapter: what was tried, and for how long', async t => {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  await promisify(closed.close.bind(closed))()
  const gone = `/ip4/127.0.0.1/tcp/${port}`
  const bootstrap = ['--bootstrap', `${gone}/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo`]
  const generate = async (adapter: string, ...rest: string[]) =>
    new Process(t, ['generate', 'x', '--base', BASE, '--adapter', adapter, '--data-dir', await temporaryFolder(t), ...rest]).end()
  const [byName, byAddress] = await Promise.all([generate('shakespeare', ...bootstrap), generate(`shakespeare@${gone}`)])
  t.is(byName.status, 1)
  t.regex(
    byName.stderr,
    /nobody was found in \d+\.\d s who serves adapter shakespeare for novels-llama \(connected to 0 peers; 0 of 0 providers answered\): no first peer could be reached, so look at/
  )
  t.is(byAddress.status, 1)
  t.regex(byAddress.stderr, new RegExp(`peer ${gone} cannot be reached: .*ECONNREFUSED.*; is the address right, and does its node run\\?`))
})

test('a store that a newer program has written is not touched', async t => {
  const folder = await temporaryFolder(t)
  const store = await openDatastore(join(folder, 'store'))
  await store.put(new Key('/zklora/version'), new TextEncoder().encode('2'))
  await store.close()
  const run = (...argv: string[]) => new Process(t, [...argv, '--data-dir', folder]).end()
  for (const argv of [['status'], ['start', '--role', 'verifier', '--listen', '/ip4/127.0.0.1/tcp/0']]) {
    const { status, stderr } = await run(...argv)
    t.is(status, 2)
    t.regex(stderr, /the data folder has version 2, this program knows 1: use the newer program again, or another data folder/)
  }
  const again = await openDatastore(join(folder, 'store'))
  t.is(new TextDecoder().decode(await again.get(new Key('/zklora/version'))), '2')
  await again.close()
})

test('an export that the disk does not take leaves no file', async t => {
  const folder = await temporaryFolder(t)
  const node = smallNode({ exportProof: async () => new Uint8Array(1024 * 1024) })
  const hello = { zklora: '0.1.0', protocol: CONTROL_PROTOCOL, pid: process.pid, peerId: node.peerId }
  const server = await startControlServer({
    socket: socketPath(folder),
    hello,
    execute: (name, params, options) => execute(node, name, params, options)
  })
  t.teardown(() => server.stop())
  const out = join(folder, 'out')
  await mkdir(out)
  // Files of 64 KiB at most: ulimit counts 512 or 1024 bytes, as the shell pleases.
  const limited = `ulimit -f 64; exec "${process.execPath}" "${MAIN}" export abcdef01 "${join(out, 's.zkproof')}" --data-dir "${folder}"`
  // Not spawnSync: the server is in this process.
  const error = await t.throwsAsync<Error & { code: number; stderr: string }>(promisify(execFile)('sh', ['-c', limited]))
  t.is(error!.code, 2)
  t.regex(error!.stderr, /s\.zkproof cannot be written \(EFBIG: a limit on the size of files was reached/)
  t.deepEqual(await readdir(out), [])
})

/** A mount of one's own, gone with its process: without root where the system lets everybody have one. */
const mounts = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k none /tmp']).status === 0
const onADisk = mounts ? test : test.skip
const needs = mounts ? '' : ' (skipped: unshare -rm cannot mount here)'

onADisk(`a full disk is named, keeps what was there and gets nothing half-written${needs}`, async t => {
  const folder = await temporaryFolder(t)
  const script = `
    exec 2>&1
    mount -t tmpfs -o size=64k,mode=700 none "$1"
    z() { "$node" "$main" "$@"; echo "status $?"; }
    node=$2 main=$3
    z adapter add ${ADAPTER} --base ${BASE} --data-dir "$1/d"
    dd if=/dev/zero of="$1/fill" bs=1k count=200 2>/dev/null
    z start --data-dir "$1/d"
    z init --data-dir "$1/n"
    echo "left: $(ls -A "$1/n")"
    rm "$1/fill"; mount -o remount,size=8m "$1"
    z adapter list --data-dir "$1/d"
    z init --data-dir "$1/n"`
  const { stdout } = await promisify(execFile)('unshare', ['-rm', 'sh', '-c', script, 'sh', folder, process.execPath, MAIN])
  const said = stdout.split(/status (\d+)\n/)
  t.regex(said[0]!, /the store in .*\/d\/store cannot be written \(ENOSPC: no space is left on its disk, free some\); what was kept before/)
  t.is(said[1], '1')
  t.regex(said[2]!, /the store in .*\/d\/store cannot be opened \(ENOSPC: no space is left/)
  t.is(said[3], '2')
  t.regex(said[4]!, /config file .*\/n\/zklora\.json cannot be written \(ENOSPC: no space is left on its disk, free some\)/)
  t.is(said[5], '2')
  t.regex(said[6]!, /^left: \nno adapters here/, 'the adapter that did not fit is not there by half')
  t.is(said[7], '0')
  t.is(said[9], '0', 'and init can be done again')
})

onADisk(`a read-only data folder is named${needs}`, async t => {
  const folder = await temporaryFolder(t)
  const script = `
    exec 2>&1
    node=$2 main=$3
    z() { "$node" "$main" "$@"; echo "status $?"; }
    mount -t tmpfs -o size=8m,mode=700 none "$1"
    z status --data-dir "$1/d" >/dev/null
    mount -o remount,ro "$1"
    z status --data-dir "$1/d"
    z init --data-dir "$1/d"
    z start --data-dir "$1/a/b/c"`
  const { stdout } = await promisify(execFile)('unshare', ['-rm', 'sh', '-c', script, 'sh', folder, process.execPath, MAIN])
  const said = stdout.split(/status (\d+)\n/)
  t.regex(said[0]!, /the store in .*\/d\/store cannot be opened \(EROFS: its disk is read-only\)/)
  t.regex(said[2]!, /config file .*\/d\/zklora\.json cannot be written \(EROFS: its disk is read-only\); --config chooses another/)
  t.regex(said[4]!, /folder .*\/a\/b\/c cannot be made or entered \(EROFS: its disk is read-only\); --data-dir chooses another/)
  t.deepEqual([said[1], said[3], said[5]], ['2', '2', '2'])
})
