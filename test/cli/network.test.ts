/** Everything real: each participant is a process of the command line, with real weights, proofs and connections. */
import test from 'ava'
import { spawnSync } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatastore } from '../../src/roles/platform.js'
import { temporaryFolder } from '../daemon/folders.js'
import { Process } from './processes.js'

const BASE = 'config/demo/models/novels-llama'
const ADAPTER = 'config/demo/adapters/kjv-llama'
const LOCAL = ['--listen', '/ip4/127.0.0.1/tcp/0', '--private-addresses', '--json']

test('a user is served, the proof is announced, a stranger verifies it, and a file of it verifies anywhere', async t => {
  const folder = await temporaryFolder(t)
  const at = (name: string): string[] => ['--data-dir', join(folder, name)]
  const run = (...argv: string[]) => new Process(t, argv).end()

  const bootstrap = new Process(t, ['start', '--role', 'bootstrap', ...LOCAL, ...at('bootstrap')])
  const [address] = (await bootstrap.ready()).multiaddrs
  const join_ = ['--bootstrap', address!, '--private-addresses']
  // Its place is the config file and the environment here, and the flags elsewhere.
  const config = { listen: ['/ip4/127.0.0.1/tcp/0'], network: { privateAddresses: true }, bootstrap: [address] }
  await writeFile(join(folder, 'verifier.json'), JSON.stringify(config))
  const watcher = new Process(t, ['watch', '--json', '--config', join(folder, 'verifier.json'), ...at('verifier')])

  const start = [
    'start',
    '--role',
    'contributor',
    '--adapter',
    ADAPTER,
    '--base',
    BASE,
    '--bootstrap',
    address!,
    ...LOCAL,
    ...at('contributor')
  ]
  const contributor = new Process(t, start)
  const ready = await contributor.ready()
  const [served] = ready['adapters'] as { id: string; mode: string }[]
  t.is(served!.mode, 'open')
  t.is((await stat(join(folder, 'contributor', 'control.sock'))).mode & 0o777, 0o600)
  t.is((await stat(join(folder, 'contributor', 'peer.key'))).mode & 0o777, 0o600)

  const second = await run(...start)
  t.is(second.status, 2)
  t.regex(second.stderr, /a daemon already runs on .*contributor \(process \d+, peer 12D3/)

  const found = await run('find', '--base', BASE, ...join_, '--json', ...at('user'))
  t.is(found.status, 0, found.stderr)
  t.like(JSON.parse(found.stdout), {
    providersAnswered: 1,
    found: [{ peer: ready.peerId, adapter: { id: served!.id, name: 'kjv-llama' } }]
  } as never)

  const flags = ['--adapter', 'kjv-llama', '--temperature', '0.7', '--top-k', '40', '--seed', '7', '--max-new-tokens', '5']
  const user = new Process(t, ['generate', 'And the LORD', '--base', BASE, ...flags, ...join_, '--json', ...at('user')])
  const { result } = (await user.until(line => line.type === 'result', 'the result')) as unknown as {
    result: { text: string; tokens: number[]; sessions: { session: string; root: string; state: string; rows: number; peer: string }[] }
  }
  t.is((await user.end()).status, 0)
  const [session] = result.sessions
  t.is(result.tokens.length, 5)
  t.is(result.text, user.lines.map(line => (line.type === 'token' ? (line['text'] as string) : '')).join(''))
  t.like(session, { state: 'announced', peer: ready.peerId })

  const valid = await watcher.until(
    line => line.type === 'verdict' && (line['verdict'] as { verdict: string }).verdict === 'valid',
    'the verdict'
  )
  t.like(valid['verdict'], {
    root: session!.root,
    session: session!.session,
    rows: session!.rows,
    adapterName: 'kjv-llama',
    userSigned: true
  } as never)
  const watched = await watcher.interrupt()
  t.is(watched.status, 0)

  const file = join(folder, 'session.zkproof')
  const exported = await run('export', session!.root.slice(0, 12), file, ...at('user'))
  t.is(exported.status, 0, exported.stderr)
  const verified = await run('verify', file, '--json')
  t.is(verified.status, 0)
  t.like(JSON.parse(verified.stdout), {
    verdict: 'valid',
    reports: [{ whole: true, adapter: { id: served!.id }, ranges: [{ root: session!.root }] }]
  } as never)
  const bytes = await readFile(file)
  await writeFile(join(folder, 'cut.zkproof'), bytes.subarray(0, bytes.length - 1))
  t.is((await run('verify', join(folder, 'cut.zkproof'))).status, 2)
  bytes[bytes.length - 100]! ^= 1
  await writeFile(join(folder, 'changed.zkproof'), bytes)
  const changed = await run('verify', join(folder, 'changed.zkproof'))
  t.is(changed.status, 1)
  t.regex(changed.stdout, /changed\.zkproof: invalid/)
  const all = await run('verify', folder, '--json')
  t.is(all.status, 1)
  t.deepEqual(
    (JSON.parse(all.stdout) as { reports: { verdict: string }[] }).reports.map(report => report.verdict),
    ['invalid', 'unchecked', 'valid']
  )
  const kept = await run('verify', session!.root, ...at('verifier'))
  t.is(kept.status, 0, kept.stderr)

  const status = JSON.parse((await run('status', '--json', ...at('contributor'))).stdout) as {
    sessions: object
    adapters: { budget: { answered: number }[] }[]
    peers: { roles: string[] }[]
  }
  t.like(status.sessions, { announced: 1 })
  t.true(status.peers.some(peer => peer.roles.includes('bootstrap')))
  // 6 modules in 3 groups: each token of prompt and answer but the last is a row in each.
  t.deepEqual(
    status.adapters[0]!.budget.map(({ answered }) => answered),
    [session!.rows / 3, session!.rows / 3, session!.rows / 3]
  )

  const stopped = await contributor.interrupt()
  t.is(stopped.status, 0)
  t.true(stopped.afterSignal < 2000, `it stopped in ${stopped.afterSignal} ms`)
  t.deepEqual(contributor.lines.at(-1), { type: 'stopped' })

  const again = new Process(t, start)
  const back = await again.ready()
  t.is(back.peerId, ready.peerId)
  t.like((back['adapters'] as object[])[0], { id: served!.id, budget: [{ answered: session!.rows / 3 }] } as never)
  t.true(again.lines.some(line => line.type === 'registered' && line['outcome'] === 'kept'))

  const long = ['--adapter', `${served!.id}@${back.multiaddrs[0]}`, '--max-new-tokens', '400']
  const broken = new Process(t, ['generate', 'And', '--base', BASE, ...long, ...join_, '--json', ...at('user')])
  await broken.until(line => line.type === 'token', 'a token')
  const interrupted = await broken.interrupt()
  t.is(interrupted.status, 130)
  t.true(interrupted.afterSignal < 2000, `it stopped in ${interrupted.afterSignal} ms`)
  for (const each of [again, bootstrap]) t.is((await each.interrupt('SIGTERM')).status, 0)
})

test('two processes without a daemon cannot share a data folder, and the second is told so', async t => {
  const folder = await temporaryFolder(t)
  const other = await openDatastore(join(folder, 'store'))
  const second = await new Process(t, ['status', '--data-dir', folder]).end()
  t.is(second.status, 2)
  t.regex(second.stderr, /the store in .* cannot be opened/)
  t.notRegex(second.stderr, /\n\s+at /, 'no stack')
  await other.close()
  t.is((await new Process(t, ['status', '--data-dir', folder]).end()).status, 0)
})

test('output that nobody reads any more ends the process', async t => {
  const folder = await temporaryFolder(t)
  const command = `${process.execPath} dist/src/cli/main.js status --json --data-dir ${folder} | true`
  const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  t.is(status, 0)
  t.notRegex(stderr, /EPIPE/)
})
