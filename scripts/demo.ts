/**
 * `npm run demo`: five participants as separate processes on this machine, one prompt with and without remote adapters, what was
 * proved and by whom it was checked, and a cheat. Nothing is simulated; whatever is not as told ends it with a non-zero status.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bytes, milliseconds, plural, short, shortPeer } from '../src/cli/render/style.js'
import type { FindResult, GenerateResult, OwnAdapterInfo, SessionInfo, VerdictInfo } from '../src/roles/types.js'
import { CHEAT, command, Participant, stopAll } from './demo/participant.js'
import { progress, say, Stream, style, table } from './demo/screen.js'

const DEMO = fileURLToPath(new URL('../../config/demo/', import.meta.url))
const BASE = join(DEMO, 'models', 'novels-llama')
const PROMPT = '"My dear sir," said'
const SAMPLING = ['--temperature', '0.7', '--top-k', '40', '--seed', '7', '--max-new-tokens', '40']
/** Milliseconds within which a process must be ready, and a verdict must come. */
const READY = 60_000

const keep = process.argv.includes('--keep')
const folder = await mkdtemp(join(tmpdir(), 'zklora-demo-'))
const started = performance.now()

interface Ready {
  peerId: string
  multiaddrs: string[]
  adapters: OwnAdapterInfo[]
}

function check(holds: boolean, expected: string, came: string): void {
  if (!holds) throw new Error(`expected ${expected}, but ${came}`)
}

const dataDir = (name: string): string[] => ['--data-dir', join(folder, name)]

async function join_(name: string, args: readonly string[]): Promise<{ process: Participant; ready: Ready }> {
  const process = Participant.cli(name, [
    'start',
    '--json',
    '--listen',
    '/ip4/127.0.0.1/tcp/0',
    '--private-addresses',
    ...dataDir(name),
    ...args
  ])
  const ready = (await process.line('the node', READY, line => line.type === 'ready')) as unknown as Ready
  return { process, ready }
}

function introduce(name: string, { peerId, multiaddrs, adapters }: Ready, what?: string): void {
  const port = /\/tcp\/(\d+)/.exec(multiaddrs[0] ?? '')?.[1] ?? '?'
  const [adapter] = adapters
  const modules = adapter?.groups.flatMap(group => group.modules) ?? []
  const serves = adapter && `serves ${adapter.name} (rank ${modules[0]!.rank}, ${plural(modules.length, 'module')})`
  say(`  ${name.padEnd(12)}  ${shortPeer(peerId).padEnd(11)}  127.0.0.1:${port.padEnd(6)} ${serves ?? what ?? ''}`.trimEnd())
}

async function write(label: string, user: readonly string[], adapter?: string): Promise<GenerateResult> {
  const stream = new Stream(label, 19)
  stream.write(PROMPT)
  const line = await command(
    ['generate', PROMPT, '--base', BASE, ...(adapter === undefined ? [] : ['--adapter', adapter]), ...SAMPLING, ...user],
    {
      onLine: event => event.type === 'token' && stream.write(event['text'] as string)
    }
  )
  stream.end()
  return line['result'] as GenerateResult
}

async function verdictOf(verifier: Participant, digest: string): Promise<VerdictInfo> {
  const line = await verifier.line(`a verdict on ${short(digest)}`, READY, ({ type, verdict }) => {
    const info = verdict as VerdictInfo | undefined
    return type === 'verdict' && info?.digest === digest && info.verdict !== 'announced'
  })
  return line['verdict'] as VerdictInfo
}

async function findBoth(user: readonly string[]): Promise<FindResult> {
  const deadline = performance.now() + READY
  for (;;) {
    const result = (await command(['find', '--base', BASE, ...user], { mayFail: true })) as unknown as FindResult
    if (result.found?.length === 2) return result
    check(performance.now() < deadline, 'two contributors', `the DHT names ${result.found?.length ?? 0}`)
  }
}

async function story(): Promise<void> {
  say(style.bold('zklora demo: five processes on this machine, then a cheat'))
  say()
  progress('starting …')
  const bootstrap = await join_('bootstrap', ['--role', 'bootstrap'])
  const address = bootstrap.ready.multiaddrs[0]!
  const known = ['--bootstrap', address]
  const serve = (n: number, adapter: string) =>
    join_(`contributor-${n}`, [
      ...known,
      '--role',
      'contributor',
      '--base',
      BASE,
      '--adapter',
      join(DEMO, 'adapters', adapter),
      '--mode',
      'open'
    ])
  const [user, verifier, one, two] = await Promise.all([
    join_('user', [...known, '--role', 'user']),
    join_('verifier', [...known, '--role', 'verifier']),
    serve(1, 'shakespeare-llama'),
    serve(2, 'kjv-llama')
  ])
  introduce('bootstrap', bootstrap.ready)
  introduce('contributor', one.ready)
  introduce('contributor', two.ready)
  introduce('user', user.ready, 'runs novels-llama, has no adapter')
  introduce('verifier', verifier.ready, 'knows nobody but the bootstrap')

  say()
  say(style.bold('1  The user asks the DHT who serves adapters for novels-llama'))
  const self = dataDir('user')
  const { found, elapsed } = await findBoth(self)
  say(
    `     found ${found.length} in ${milliseconds(elapsed)}: ${found.map(({ adapter, peer }) => `${adapter.name} at ${shortPeer(peer)}`).join(', ')}`
  )

  say()
  say(style.bold('2  One prompt, three ways'))
  await write('base', self)
  const sessions: SessionInfo[] = []
  for (const name of ['shakespeare-llama', 'kjv-llama']) {
    const id = found.find(({ adapter }) => adapter.name === name)!.adapter.id
    sessions.push(...(await write(`+ ${name.replace('-llama', '')}`, self, id)).sessions)
  }

  say()
  say(style.bold('3  What was proved, and by whom it was checked'))
  const rows = [['session', 'adapter', 'rows', 'bundle', 'proved in', `verdict of ${shortPeer(verifier.ready.peerId)}`]]
  for (const { session, adapterName, rows: count, digest, bundleBytes, error } of sessions) {
    check(digest !== null, `a proof of ${adapterName}`, error ?? 'there is none')
    progress('the verifier fetches and verifies …')
    const verdict = await verdictOf(verifier.process, digest!)
    check(
      verdict.verdict === 'valid' && verdict.rows === count,
      `${count} valid rows`,
      `the verifier says ${verdict.verdict}: ${verdict.error}`
    )
    const proved = await (adapterName === 'shakespeare-llama' ? one : two).process.line('the proof', READY, ({ type, session: info }) => {
      return type === 'session' && (info as SessionInfo).session === session && (info as SessionInfo).times.prove !== null
    })
    const { prove } = (proved['session'] as SessionInfo).times
    rows.push([
      short(session, 4),
      adapterName,
      String(count),
      bytes(bundleBytes!),
      milliseconds(prove!),
      `valid, ${milliseconds(verdict.elapsed!)}`
    ])
  }
  table(rows)
  say('  The verifier saw neither prompt nor activations nor weights.')
  say('  Not proved: that weights lie in their range (not range-proved yet), that the base model was run')
  say('  honestly (see README, "What is proved, and what is not").')

  say()
  say(style.bold('4  A contributor changes its weights after advertising them'))
  progress('a cheat joins …')
  const changed = (role: string, target: string): Participant =>
    new Participant(`cheating ${role}`, [CHEAT, role, join(folder, `cheat-${role}`), address, BASE, target])
  const cheat = changed('contributor', join(DEMO, 'adapters', 'kjv-llama'))
  const ready = await cheat.line('the cheat', READY, ({ type }) => type === 'ready')
  const target = `${ready['adapter']}@${(ready['multiaddrs'] as string[])[0]}`
  const caught = await command(['generate', PROMPT, '--base', BASE, '--adapter', target, ...SAMPLING, ...self], { mayFail: true })
  const why = JSON.stringify(caught)
  if (process.env['DEBUG_DEMO']) console.error(why)
  check(why.includes('InvalidProofError') || why.includes('opening'), 'the user to stop', `it ended with ${why.slice(0, 300)}`)
  const failed = (caught['result'] as GenerateResult | undefined)?.sessions[0]
  say(`  the user stops${failed ? ` at row ${failed.rows}` : ''}: the answer does not fit the adapter's commitment`)
  const forced = changed('user', target)
  const forced_ = (await forced.line('the forced session', READY, ({ type }) => type === 'result'))['result'] as GenerateResult
  const refused = await verdictOf(verifier.process, forced_.sessions[0]!.digest!)
  check(refused.verdict === 'invalid', 'the forged bundle to be refused', `the verifier says ${refused.verdict}`)
  say(`  forced on, with a user who signs anything, its bundle is refused by the verifier: ${refused.error}`)

  say()
  say(style.good(`Everything happened as told, in ${milliseconds(performance.now() - started)}.`))
  if (keep) {
    say(`The network runs on (Ctrl-C ends it). Try: npx zklora status ${self.join(' ')}`)
    await new Promise<void>(resolve => process.once('SIGINT', () => resolve()))
  }
}

try {
  await story()
  say('Next: npx zklora --help · npx zklora start --help · README, "On three machines"')
} catch (error) {
  say()
  say(style.bad((error as Error).message))
  process.exitCode = 1
} finally {
  await stopAll()
  await rm(folder, { recursive: true, force: true })
}
