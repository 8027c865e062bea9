/** Every example of every help text is run, as it stands there, with its stand-ins replaced by what is here. */
import test from 'ava'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../../src/bytes.js'
import { evidenceId, feedForkOf } from '../../src/store/index.js'
import { temporaryFolder } from '../daemon/folders.js'
import { make } from '../net/announcements.js'
import { Process } from './processes.js'
import { JSON_COMMANDS } from './strict.js'
import { type Ran, zklora } from './terminal.js'

const BASE = 'config/demo/models/novels-llama'
const KJV = 'config/demo/adapters/kjv-llama'
const COMMANDS = [
  [],
  ['init'],
  ['start'],
  ['adapter', 'add'],
  ['adapter', 'list'],
  ['adapter', 'remove'],
  ['find'],
  ['generate'],
  ['loss'],
  ['export'],
  ['open'],
  ['verify'],
  ['watch'],
  ['status'],
  ['evidence', 'add'],
  ['evidence', 'list'],
  ['evidence', 'export'],
  ['peers'],
  ['model', 'inspect'],
  ['completion']
]

/** Words of a line as a shell divides it, without what it does with the output. */
function words(line: string): string[] {
  return [...line.replace(/ >.*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(([, inQuotes, plain]) => inQuotes ?? plain!)
}

async function examplesOf(command: readonly string[]): Promise<string[]> {
  const { stdout } = await zklora([...command, '--help'])
  return [...stdout.matchAll(/^ {2}\$ zklora (.*)$/gm)].map(([, line]) => line!)
}

/** A command that goes on until it is interrupted, which happens at its first output. */
async function untilOutput(argv: readonly string[]): Promise<Ran> {
  const controller = new AbortController()
  return zklora(argv, { signal: controller.signal, onStdout: () => controller.abort() })
}

interface Scene {
  readonly folder: string
  /** A command that opens a session and writes two tokens. */
  readonly generate: readonly string[]
  readonly stand: readonly (readonly [string, string])[]
}

const ends: (() => unknown)[] = []
/** Of this file: both tests use one scene. */
const t = { teardown: (end: () => unknown) => void ends.push(end) }
test.after.always(async () => {
  for (const end of ends.reverse()) await end()
})
let made: Promise<Scene> | undefined
const scene = (): Promise<Scene> => (made ??= makeScene())

/** A contributor and a user that has a session with it. */
async function makeScene(): Promise<Scene> {
  const folder = await temporaryFolder(t)
  const shakespeare = join(folder, 'shakespeare')
  await cp(KJV, shakespeare, { recursive: true })
  const hamlet = join(folder, 'hamlet.txt')
  await writeFile(hamlet, 'To be, or not to be')
  await mkdir(join(folder, 'new'))
  const received = join(folder, 'received.zkevidence')
  const evidence = feedForkOf(make(), make({ statement: { length: 7 } }))!
  await writeFile(received, evidence)
  const local = ['--listen', '/ip4/127.0.0.1/tcp/0', '--private-addresses', '--json']
  const contributor = new Process(t, [
    ...['start', '--role', 'bootstrap', '--role', 'contributor', '--adapter', shakespeare, '--base', BASE],
    ...[...local, '--data-dir', join(folder, 'contributor')]
  ])
  const ready = await contributor.ready()
  const [served] = ready['adapters'] as { id: string }[]
  const [address] = ready.multiaddrs
  const user = new Process(t, [
    'start',
    '--role',
    'user',
    '--role',
    'verifier',
    '--bootstrap',
    address!,
    ...local,
    '--data-dir',
    join(folder, 'user')
  ])
  await user.ready()
  const use = ['--base', BASE, '--adapter', 'shakespeare', '--data-dir', join(folder, 'user')]
  const generate = ['generate', 'My', ...use, '--max-new-tokens', '2', '--keep-rows', '--json']
  const generated = await zklora(generate)
  const root = /"root":"([0-9a-f]{64})"/.exec(generated.stdout)?.[1]
  if (root === undefined) throw new Error(`no session: ${generated.stderr}`)
  return {
    folder,
    generate,
    stand: [
      ['adapters/shakespeare', shakespeare],
      ['models/novels', BASE],
      ['/ip4/192.0.2.7/tcp/4001/p2p/12D3…', address!],
      ['/ip4/0.0.0.0/tcp/4001', '/ip4/127.0.0.1/tcp/0'],
      ['12D3…', ready.peerId],
      ['3fa4c210…', served!.id.slice(0, 8)],
      ['b3f1c09a77e2', root.slice(0, 12)],
      ['session.zkproof', join(folder, 'session.zkproof')],
      ['row.zkproof', join(folder, 'row.zkproof')],
      ['hamlet.txt', hamlet],
      ['received.zkevidence', received],
      ['7d2f91ab44c0', toHex(evidenceId(evidence)).slice(0, 12)],
      ['cheat.zkevidence', join(folder, 'cheat.zkevidence')]
    ]
  }
}

test.serial('every example of the help texts works', async t => {
  t.timeout(240_000)
  const { folder, generate, stand } = await scene()
  const tried: string[] = []
  // The program's own examples come last: they use the file that export writes.
  for (const command of [...COMMANDS.slice(1), ...COMMANDS.slice(0, 1)]) {
    const examples = await examplesOf(command)
    t.true(examples.length > 0, `zklora ${command.join(' ')} has an example`)
    for (const example of examples) {
      const argv = words(example).map(word => stand.find(([name]) => name === word)?.[1] ?? word)
      // Adapters are kept in a data folder without a daemon; init and start begin with a new one each.
      const fresh = ['init', 'start'].includes(argv[0]!)
      const where = fresh ? join(folder, 'new', String(tried.length)) : join(folder, argv[0] === 'adapter' ? 'adapters' : 'user')
      const place = argv[0] === 'completion' ? [] : ['--data-dir', where]
      const endless = ['start', 'watch'].includes(argv[0]!)
      const running = (endless ? untilOutput : zklora)([...argv, ...place])
      // Something to be seen by who watches.
      if (argv[0] === 'watch') await zklora(generate)
      const ran = await running
      const expected = endless ? [0, 130] : [0]
      t.true(expected.includes(ran.status), `zklora ${example}: status ${ran.status}\n${ran.stdout}\n${ran.stderr}`)
      tried.push(example)
    }
  }
  t.true(tried.length >= 24, `${tried.length} examples`)
})

test.serial('every command writes under --json what docs/commands.md says, in a process of its own', async t => {
  t.timeout(240_000)
  const { folder, generate, stand } = await scene()
  const is = (name: string): string => stand.find(([stands]) => stands === name)![1]
  const at = (name: string): string[] => ['--json', '--data-dir', join(folder, name)]
  const seen = new Set<string>()
  // Process holds each line against the command's shape.
  const run = async (command: string, ...rest: string[]): Promise<void> => {
    const { status, stdout, stderr } = await new Process(t, [...command.split(' '), ...rest]).end()
    t.is(status, 0, `zklora ${command}: ${stderr}`)
    t.true(stdout.length > 0, command)
    seen.add(command)
  }
  const endless = async (command: string, last: string, ...rest: string[]): Promise<void> => {
    const process = new Process(t, [command, ...rest])
    await process.until(({ type }) => type === last, last)
    t.is((await process.interrupt()).status, 0)
    seen.add(command)
  }
  const use = ['--base', BASE, '--adapter', 'shakespeare']
  await run('generate', ...generate.slice(1))
  const proof = join(folder, 'json.zkproof')
  await run('export', is('b3f1c09a77e2'), proof, ...at('user'))
  const row = join(folder, 'json-row.zkproof')
  await run('open', is('b3f1c09a77e2'), row, '--row', '3', ...at('user'))
  await Promise.all([
    run('init', ...at('json-init')),
    run('evidence add', is('received.zkevidence'), ...at('json-evidence')),
    run('model inspect', BASE, ...at('json-init')),
    run('find', ...use, ...at('user')),
    run('loss', is('hamlet.txt'), ...use, ...at('user')),
    run('verify', proof, row, ...at('user')),
    run('peers', ...at('user')),
    run('status', ...at('contributor')),
    endless('watch', 'verdict', '--kept', ...at('user'))
  ])
  await run('evidence list', ...at('json-evidence'))
  await run('evidence export', is('7d2f91ab44c0'), join(folder, 'json.zkevidence'), ...at('json-evidence'))
  const shown = await zklora(['verify', row])
  t.regex(shown.stdout, /valid\n[^]*shown: row 3 of the session is at position \d+ of group \d \([^]* x = -?\d+, /)
  const refused = async (number: string, who: string, reason: RegExp): Promise<void> => {
    const { status, stderr } = await zklora(['open', is('b3f1c09a77e2'), '--row', number, '--data-dir', join(folder, who)])
    t.is(status, 1)
    t.regex(stderr, reason)
  }
  await refused('99999', 'user', /row 99999 is not in the proof of session \w{64}, which has rows 0 to \d+/)
  await refused('3', 'contributor', /what opens it is not kept here: its user keeps it when the session runs with --keep-rows/)
  const nobody = await zklora(['generate', 'My', '--base', BASE, '--adapter', 'hamlet', '--data-dir', join(folder, 'user')])
  t.is(nobody.status, 1)
  t.regex(
    nobody.stderr,
    /nobody was found in \d+\.\d s who serves adapter hamlet .*connected to \d+ peers?; 1 of 1 providers answered\): zklora find/
  )
  const where = at('json-adapters')
  await run('adapter add', is('adapters/shakespeare'), '--base', BASE, ...where)
  await run('adapter list', ...where)
  await endless('start', 'ready', '--role', 'contributor', '--listen', '/ip4/127.0.0.1/tcp/0', ...where)
  await run('adapter remove', 'shakespeare', ...where)
  t.deepEqual([...seen].sort(), [...JSON_COMMANDS].sort(), 'a command with --json that is not run here: add it')
})

test('no command is without its place here', async t => {
  const { stdout } = await zklora(['--help'])
  const names = [...stdout.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, name]) => name!).filter(name => name !== 'help')
  t.deepEqual([...new Set(COMMANDS.flatMap(([name]) => (name === undefined ? [] : [name])))].sort(), names.sort())
})
