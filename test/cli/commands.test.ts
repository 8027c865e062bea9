import test from 'ava'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { MOST_TEXT_BYTES } from '../../src/cli/invocation.js'
import { PIECE_BYTES } from '../../src/daemon/control/messages.js'
import { NotFoundError } from '../../src/errors.js'
import type { ZkloraNode } from '../../src/roles/types.js'
import { adapter, evidence, report, session, status, untilAborted, verdict } from '../daemon/small-node.js'
import { daemon } from './daemon.js'

test('status is for people, and with --json one document', async t => {
  const { run } = await daemon(t)
  const people = await run(['status'])
  t.is(people.status, 0)
  t.regex(people.stdout, /roles +contributor, verifier/)
  const json = await run(['status', '--json'])
  t.deepEqual(JSON.parse(json.stdout), status)
  t.is(json.stderr, '')
})

test('peers are a table for people, with what they sent made harmless, and a list for programs', async t => {
  const peers = [{ ...status.peers[0]!, multiaddrs: ['/ip4/127.0.0.1/tcp/1\u001b[2J'] }]
  const { run } = await daemon(t, { status: async () => ({ ...status, peers }) })
  const people = await run(['peers'])
  t.regex(people.stdout, /^1 peer\npeer +direction +roles +reached at\n12D3\w+ +outbound +bootstrap +\/ip4/)
  t.false(people.stdout.includes('\u001b'))
  t.deepEqual(JSON.parse((await run(['peers', '--json'])).stdout), peers)
  const alone = await daemon(t, { status: async () => ({ ...status, peers: [] }) })
  t.regex((await alone.run(['peers'])).stdout, /^no peer is connected\n/)
})

test('adapters are added, listed and removed', async t => {
  const added: unknown[] = []
  const { run, dataDir } = await daemon(t, {
    addAdapter: async (params, options) => {
      added.push(params)
      options?.onProgress?.({ type: 'adapter', step: 'commit', done: 1, total: 2 })
      return adapter
    }
  })
  const config = join(dataDir, 'zklora.json')
  await writeFile(config, JSON.stringify({ models: { novels: '/models/novels' } }))
  const terms = [
    '--name',
    'mine',
    '--mode',
    'listed',
    '--allow',
    'p1',
    '--allow',
    'p2',
    '--limit-rows',
    '100',
    '--weight-bits',
    '8',
    '--activation-bits',
    '12'
  ]
  const add = await run(['adapter', 'add', 'some/folder', '--base', 'novels', ...terms])
  t.is(add.status, 0)
  t.regex(add.stdout, /shakespeare/)
  t.deepEqual(added, [
    {
      folder: resolve('some/folder'),
      base: '/models/novels',
      name: 'mine',
      mode: 'listed',
      allow: ['p1', 'p2'],
      limitRows: 100,
      weightBits: 8,
      activationBits: 12
    }
  ])
  await run(['adapter', 'add', 'f', '--base', 'b'])
  t.deepEqual(added[1], { folder: resolve('f'), base: resolve('b') })
  t.deepEqual(JSON.parse((await run(['adapter', 'list', '--json'])).stdout), [adapter])
  t.regex((await run(['adapter', 'list'])).stdout, /whoever asks can extract it/)
  t.regex((await run(['adapter', 'remove', 'shakespeare'])).stdout, /shakespeare \(a{64}\) is served no more/)
  const again = await run(['adapter', 'remove', 'shakespeare', '--json'])
  t.is(again.status, 1)
  t.like(JSON.parse(again.stdout), { error: { code: 'ERR_NOT_FOUND' } })
  t.regex(again.stderr, /^zklora: adapter shakespeare is not served here/)
})

test('find asks for a folder, a name, an identifier or an adapter', async t => {
  const asked: unknown[] = []
  const { run } = await daemon(t, {
    find: async (params, options) => {
      asked.push(params)
      options?.onProgress?.({ type: 'find', tried: 1, answered: 1 })
      return { found: [], elapsed: 1, connected: 1, providersTried: 1, providersAnswered: 1 }
    }
  })
  t.regex((await run(['find', '--base', 'config/demo/models/novels-llama'])).stdout, /nobody was found/)
  await run(['find', '--base', 'ab'.repeat(32)])
  const json = await run(['find', '--adapter', 'kjv', '--json'])
  t.deepEqual(JSON.parse(json.stdout), { found: [], elapsed: 1, connected: 1, providersTried: 1, providersAnswered: 1 })
  t.deepEqual(asked, [{ base: resolve('config/demo/models/novels-llama') }, { base: 'ab'.repeat(32) }, { adapter: 'kjv' }])
  const nothing = await run(['find'])
  t.is(nothing.status, 2)
  t.regex(nothing.stderr, /find needs --base or --adapter/)
})

const story: Partial<ZkloraNode> = {
  generate: async (_params, options) => {
    const tell = options!.onProgress!
    tell({ type: 'model', step: 'open', modules: 21, stages: 13, elapsed: 120 })
    tell({ type: 'session', session: { ...session, state: 'open' } })
    tell({ type: 'token', token: 5, text: ' sir' })
    tell({ type: 'commitments', session: session.session, rows: 42, accepted: 21 })
    tell({ type: 'token', token: 6, text: ',' })
    tell({ type: 'session', session: { ...session, state: 'proving' } })
    tell({ type: 'session', session })
    return { text: ' sir,', tokens: [5, 6], finishReason: 'length', sessions: [session] }
  }
}

test('generate streams the text to stdout, and tells of commitments and proof on stderr', async t => {
  const { run } = await daemon(t, story)
  const { status, stdout, stderr } = await run(['generate', 'My dear', '--base', 'm', '--adapter', 'shakespeare'])
  t.is(status, 0)
  t.is(stdout, ' sir,\n')
  t.regex(stderr, /base model opened in 120 ms/)
  t.regex(stderr, /proof is being made/)
  t.is(stderr.match(/root e{64}/g)?.length, 1)
  t.regex(stderr, /not proved: that the base model was run honestly/)
})

test('on a terminal state waits until the text has ended', async t => {
  const { run } = await daemon(t, story)
  let both = ''
  const { stderr } = await run(['generate', 'My dear', '--base', 'm'], { isTTY: true, onStdout: text => (both += text) })
  t.is(both, ' sir,\n')
  t.true(stderr.includes('\x1b[32mproved\x1b[39m'), 'colour on a terminal')
  const plain = await run(['generate', 'My dear', '--base', 'm'], { isTTY: true, env: { NO_COLOR: '1' } })
  t.notRegex(plain.stderr, /\x1b\[3/)
})

test('generate --json is a line for each event and the result last', async t => {
  const { run } = await daemon(t, story)
  const { stdout, stderr } = await run(['generate', 'My dear', '--base', 'm', '--json'])
  const lines = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { type: string; result?: unknown })
  t.deepEqual(
    lines.map(({ type }) => type),
    ['model', 'session', 'token', 'commitments', 'token', 'session', 'session', 'result']
  )
  t.like(lines.at(-1), { result: { text: ' sir,', finishReason: 'length' } })
  t.is(stderr, '')
})

test('sampling is the config’s with the flags over it', async t => {
  const asked: Record<string, unknown>[] = []
  const { run, dataDir } = await daemon(t, {
    generate: async params => {
      asked.push(params as never)
      return { text: '', tokens: [], finishReason: 'eos', sessions: [] }
    }
  })
  await writeFile(join(dataDir, 'zklora.json'), JSON.stringify({ generation: { temperature: 0.7, seed: 3 } }))
  const flags = [
    '--temperature',
    '0.9',
    '--top-k',
    '40',
    '--top-p',
    '0.95',
    '--seed',
    '7',
    '--max-new-tokens',
    '12',
    '--repetition-penalty',
    '1.1',
    '--stop',
    'END',
    '--stop',
    '###'
  ]
  await run(['generate', 'x', '--base', 'm', '--adapter', 'a', '--adapter', 'b@p', '--combine', 'replace', '--rows', '99', ...flags])
  t.deepEqual(asked[0], {
    base: resolve('m'),
    adapters: ['a', 'b@p'],
    combineMode: 'replace',
    rows: 99,
    prompt: 'x',
    temperature: 0.9,
    topK: 40,
    topP: 0.95,
    seed: 7,
    maxNewTokens: 12,
    repetitionPenalty: 1.1,
    stop: ['END', '###']
  })
  const piped = await run(['generate', '-', '--base', 'm', '--greedy'], { stdin: 'from a pipe' })
  t.deepEqual(asked[1], { base: resolve('m'), adapters: [], prompt: 'from a pipe', maxNewTokens: 64 })
  t.regex(piped.stderr, /nothing to prove/)
  const both = await run(['generate', 'x', '--base', 'm', '--greedy', '--seed', '1'])
  t.is(both.status, 2)
  t.regex(both.stderr, /--greedy and seed exclude each other/)
})

test('a session that failed makes the status 1, an interrupted answer 130', async t => {
  const failed = { ...session, state: 'failed' as const, error: 'the answer does not fit the commitment' }
  const end = async (sessions: (typeof session)[], finishReason: 'abort' | 'eos') =>
    (await daemon(t, { generate: async () => ({ text: '', tokens: [], finishReason, sessions }) })).run(['generate', 'x', '--base', 'm'])
  const one = await end([failed], 'eos')
  t.is(one.status, 1)
  t.regex(one.stderr, /failed, the answer does not fit the commitment/)
  t.is((await end([], 'abort')).status, 130)
  const { run } = await daemon(t, { loss: async () => ({ tokens: 1, base: 1, adapted: null, sessions: [failed] }) })
  t.is((await run(['loss', 'package.json', '--base', 'm'])).status, 1)
})

test('Ctrl-C ends a command with 130 and without a complaint', async t => {
  const controller = new AbortController()
  const { run } = await daemon(t, {
    generate: (_params, options) => {
      controller.abort()
      return untilAborted(options!)
    }
  })
  const { status, stderr } = await run(['generate', 'x', '--base', 'm'], { signal: controller.signal })
  t.is(status, 130)
  t.is(stderr, '')
})

test('loss reads a file or stdin and shows both losses', async t => {
  const texts: string[] = []
  const { run, dataDir } = await daemon(t, {
    loss: async ({ text }, options) => {
      texts.push(text)
      options?.onProgress?.({ type: 'window', done: 1, total: 1 })
      return { tokens: 10, base: 4.7, adapted: 3.6, sessions: [] }
    }
  })
  await writeFile(join(dataDir, 'text.txt'), 'To be')
  t.regex((await run(['loss', join(dataDir, 'text.txt'), '--base', 'm'])).stdout, /adapted {2}3\.6000/)
  t.like(JSON.parse((await run(['loss', '-', '--base', 'm', '--json'], { stdin: 'or not' })).stdout), { base: 4.7, adapted: 3.6 })
  t.deepEqual(texts, ['To be', 'or not'])
  const none = await run(['loss', join(dataDir, 'none.txt'), '--base', 'm'])
  t.is(none.status, 2)
  t.regex(none.stderr, /none\.txt cannot be read \(ENOENT: /)
  await writeFile(join(dataDir, 'long.txt'), Buffer.alloc(MOST_TEXT_BYTES + 1, 'a'))
  t.regex((await run(['loss', join(dataDir, 'long.txt'), '--base', 'm'])).stderr, /bytes of the text is 4194305, at most 4194304/)
  t.regex((await run(['loss', '-', '--base', 'm'], { stdin: 'a'.repeat(MOST_TEXT_BYTES + 1) })).stderr, /from stdin/)
})

test('export writes the whole file, once', async t => {
  const file = new Uint8Array(PIECE_BYTES + 5).map((_, i) => i)
  const { run, dataDir } = await daemon(t, { exportProof: async () => file })
  const path = join(dataDir, 's.zkproof')
  const first = await run(['export', 'E'.repeat(12), path])
  t.is(first.status, 0)
  t.regex(first.stdout, /s\.zkproof: 768 KiB/)
  t.deepEqual(new Uint8Array(await readFile(path)), file)
  const second = await run(['export', 'e'.repeat(12), path])
  t.is(second.status, 2)
  t.regex(second.stderr, /is there already: --force overwrites it/)
  const forced = await run(['export', 'e'.repeat(12), path, '--force', '--json'])
  t.deepEqual(JSON.parse(forced.stdout), { id: 'e'.repeat(12), bytes: file.length, file: path })
  t.regex((await run(['export', 'e'.repeat(12), join(dataDir, 'none', 'x')])).stderr, /cannot be written \(ENOENT: /)
})

test('watch shows verdicts, kept ones too when asked, until Ctrl-C', async t => {
  const controller = new AbortController()
  const announced = { ...verdict, verdict: 'announced' as const }
  const { run } = await daemon(t, {
    watch: options => untilAborted(options),
    verdicts: async () => [verdict, announced]
  })
  const stopAt = (what: string) => (text: string) => text.includes(what) && controller.abort()
  const { status, stdout } = await run(['watch', '--kept', '--json'], {
    signal: controller.signal,
    onStdout: stopAt('"verdict":"announced"')
  })
  t.is(status, 0)
  t.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as unknown),
    [
      { type: 'verdict', verdict },
      { type: 'verdict', verdict: announced }
    ]
  )
})

test('watch that fails says why', async t => {
  const { run } = await daemon(t, {
    watch: async () => {
      throw new NotFoundError('no network')
    }
  })
  const { status, stderr } = await run(['watch'])
  t.is(status, 1)
  t.regex(stderr, /zklora: no network/)
})

test('verify of a root asks the node; of files and folders it asks nobody', async t => {
  const { run, dataDir } = await daemon(t, { verifyKnown: async id => ({ ...report, source: id }) })
  const known = await run(['verify', 'E'.repeat(16)])
  t.is(known.status, 0)
  t.regex(known.stdout, /e{16}: valid/)
  await writeFile(join(dataDir, 'bad.zkproof'), 'no proof')
  const bad = await run(['verify', dataDir, '--json'])
  t.is(bad.status, 2)
  t.like(JSON.parse(bad.stdout), {
    verdict: 'unchecked',
    reports: [{ verdict: 'unchecked', source: join(dataDir, 'bad.zkproof') }]
  } as never)
  t.regex((await run(['verify', 'config'])).stdout, /no file that ends with \.zkproof/)
  t.regex((await run(['verify', 'nothing-of-the-kind'])).stdout, /no such file or folder/)
})

test('what cannot be checked is 2, also when the node has nothing', async t => {
  const { run } = await daemon(t, {
    verifyKnown: async () => {
      throw new NotFoundError('no bundle is known by that')
    }
  })
  const { status, stderr } = await run(['verify', 'e'.repeat(16)])
  t.is(status, 2)
  t.regex(stderr, /no bundle is known by that/)
})

test('on a terminal progress is one line that is redrawn, and cleared before anything else', async t => {
  const { run } = await daemon(t, {
    addAdapter: async (_params, options) => {
      for (const done of [1, 2]) options?.onProgress?.({ type: 'adapter', step: 'commit', done, total: 2 })
      return adapter
    }
  })
  const { stderr } = await run(['adapter', 'add', 'f', '--base', 'b'], { isTTY: true })
  t.true(stderr.startsWith('\r\x1b[Kmodules committed ██████████░░░░░░░░░░ 1/2\r\x1b[Kmodules committed ████████████████████ 2/2\r\x1b[K'))
})

test('evidence is listed, written to a file and taken from one', async t => {
  const { run, dataDir } = await daemon(t)
  const list = await run(['evidence', 'list'])
  t.regex(list.stdout, /^evidence 7d2f91ab44c0… against contributor key c1c1c1c1c1c1…\n {2}it signed two announcements/)
  t.regex(list.stdout, /for the owner d2d2d2d2d2d2…, who is convicted as well/)
  t.deepEqual(JSON.parse((await run(['evidence', 'list', '--json'])).stdout), [evidence])
  const file = join(dataDir, 'cheat.zkevidence')
  t.regex((await run(['evidence', 'export', '7d2f91ab', file])).stdout, /cheat\.zkevidence: 3 B; zklora evidence add/)
  t.deepEqual([...(await readFile(file))], [1, 2, 3])
  t.regex((await run(['evidence', 'export', '7d2f91ab', file])).stderr, /is there already: --force overwrites it/)
  t.is((await run(['evidence', 'add', file])).status, 0)
  t.regex((await run(['evidence', 'add', join(dataDir, 'none')])).stderr, /none cannot be read/)
  const went = await daemon(t, { evidence: async () => [{ ...evidence, kept: false }] })
  t.regex((await went.run(['evidence', 'list'])).stdout, /1\.1 KiB, its bytes went for want of room; verified here on 2027/)
  const none = await daemon(t, { evidence: async () => [] })
  t.is((await none.run(['evidence', 'list'])).stdout, 'no evidence against anybody\n')
})
