import test from 'ava'
import { execFileSync } from 'node:child_process'
import { mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commands, execute, pickAdapter } from '../../src/daemon/commands.js'
import { registerAdapter } from '../../src/library/registered.js'
import { temporaryFolder } from './folders.js'
import { adapter, evidence, smallNode } from './small-node.js'

const options = { signal: new AbortController().signal, onEvent: () => {} }
const other = { ...adapter, id: 'ab'.repeat(32), name: 'kjv' }
const twin = { ...adapter, id: `${adapter.id.slice(0, 63)}0` }

test('an adapter is meant by its identifier, the first 8 digits of it, or its name', t => {
  t.is(pickAdapter([adapter, other], adapter.id), adapter)
  t.is(pickAdapter([adapter, other], other.id.slice(0, 8)), other)
  t.is(pickAdapter([adapter, other], 'kjv'), other)
})

test('an adapter that is not known, or may be several, is refused with what to do', t => {
  t.throws(() => pickAdapter([adapter, other], 'shakspeare'), { name: 'NotFoundError', message: /did you mean shakespeare\?/ })
  t.throws(() => pickAdapter([adapter, other], adapter.id.slice(0, 7)), { name: 'NotFoundError', message: /is not served here \(/ })
  t.throws(() => pickAdapter([adapter, twin], adapter.id.slice(0, 9)), { name: 'InvalidInputError', message: /give the identifier/ })
  t.throws(() => pickAdapter([adapter, twin], 'shakespeare'), { name: 'InvalidInputError', message: /give the identifier/ })
})

test('the commands refuse parameters beyond their bounds', async t => {
  const node = smallNode()
  const refused = (name: string, params: unknown, message: RegExp) =>
    t.throwsAsync(execute(node, name, params, options), { name: 'InvalidInputError', message })
  await refused('generate', { base: 'm', adapters: [], prompt: 'x', temperature: 0 }, /temperature is 0, expected is a number above 0/)
  await refused('generate', { base: 'm', adapters: [], prompt: 'x', topP: 1.5 }, /topP is 1\.5, expected is a number above 0, at most 1/)
  await refused('generate', { base: 'm', adapters: 'x', prompt: 'x' }, /adapters is "x", expected is a list of ID/)
  await refused('loss', { base: 'm', adapters: [], text: 'x', rows: 0 }, /rows is 0/)
  await refused('adapter.add', { folder: '/a', base: '/b', weightBits: 99 }, /weightBits is 99, expected is bits of a weight, 2 to 16/)
  await refused('export', {}, /id is nothing/)
  t.true(Object.keys(commands).length >= 12)
})

test('a command that needs a role is refused by a node without it', async t => {
  const node = smallNode({ roles: ['verifier'] })
  const refused = (name: string, params: object, message: RegExp) =>
    t.throwsAsync(execute(node, name, params, options), { name: 'UnsupportedError', message })
  await refused(
    'adapter.add',
    { folder: '/a', base: '/b' },
    /needs a node with the role contributor; this one has verifier: start it with --role contributor/
  )
  await refused('generate', { base: '/b', adapters: [], prompt: '' }, /role user/)
  await t.throwsAsync(execute(smallNode({ roles: [] }), 'watch', {}, options), { message: /this one has none/ })
})

test('a file of evidence is read as a file, within its bound: pipes, devices and folders are refused at once', async t => {
  const dataDir = await temporaryFolder(t)
  const taken: Uint8Array[] = []
  const node = smallNode({
    addEvidence: async bytes => {
      taken.push(bytes)
      return evidence
    }
  })
  const add = (name: string) => execute(node, 'evidence.add', { file: join(dataDir, name) }, options)
  execFileSync('mkfifo', [join(dataDir, 'pipe')])
  for (const name of ['pipe', '.', '../../../../../../../../dev/zero']) {
    await t.throwsAsync(add(name), { name: 'InvalidInputError', message: /is no file, but a pipe, a device or a folder/ })
  }
  const huge = await open(join(dataDir, 'huge'), 'w')
  await huge.truncate(2 ** 40)
  await huge.close()
  await t.throwsAsync(add('huge'), { name: 'LimitExceededError', message: /1099511627776, at most/ })
  await writeFile(join(dataDir, 'one'), Uint8Array.of(1, 2, 3))
  await symlink('one', join(dataDir, 'link'))
  await symlink('link2', join(dataDir, 'link2'))
  await t.throwsAsync(add('link2'), { name: 'InvalidInputError', message: /ELOOP/ })
  t.is(await add('link'), evidence)
  t.deepEqual(taken, [Buffer.from([1, 2, 3])])
})

async function peftFolder(folder: string): Promise<string> {
  await mkdir(folder)
  await writeFile(join(folder, 'adapter_config.json'), '{}')
  await writeFile(join(folder, 'adapter_model.safetensors'), 'weights')
  return folder
}

test('an adapter of the config is registered once, and anew when its content or terms change', async t => {
  const dataDir = await temporaryFolder(t)
  const folder = await peftFolder(join(dataDir, 'adapter'))
  const node = smallNode()
  const params = { folder, base: '/models/novels', name: 'mine' }
  const first = await registerAdapter(node, params, {})
  t.is(first.outcome, 'added')
  t.deepEqual(await registerAdapter(node, params, {}), { adapter: first.adapter, outcome: 'kept' })

  const listed = await registerAdapter(node, { ...params, mode: 'listed' }, {})
  t.is(listed.outcome, 'replaced')
  t.false(
    node.adapters.some(({ id }) => id === first.adapter.id),
    'it is not served on the old terms any more'
  )

  await writeFile(join(folder, 'adapter_model.safetensors'), 'weights, trained further')
  const trained = await registerAdapter(node, { ...params, mode: 'listed' }, {})
  t.is(trained.outcome, 'replaced')

  await node.removeAdapter(trained.adapter.id)
  t.is((await registerAdapter(node, { ...params, mode: 'listed' }, {})).outcome, 'added')
})

test('a process that is killed once an adapter is kept does not leave two of a folder', async t => {
  const dataDir = await temporaryFolder(t)
  const folder = await peftFolder(join(dataDir, 'adapter'))
  const node = smallNode()
  node.adapters = []
  const params = { folder, base: '/models/novels' }
  const first = await registerAdapter(node, params, {})
  await writeFile(join(folder, 'adapter_model.safetensors'), 'weights, trained further')
  // It ends before the old one is removed.
  const removal = t.throwsAsync(registerAdapter({ ...node, removeAdapter: async () => Promise.reject(new Error('killed')) }, params, {}), {
    message: 'killed'
  })
  await removal
  t.is(node.adapters.length, 2)
  const again = await registerAdapter(node, params, {})
  t.is(again.outcome, 'kept')
  t.not(again.adapter.id, first.adapter.id)
  t.deepEqual(
    node.adapters.map(({ id }) => id),
    [again.adapter.id]
  )
})

test('a folder that is no PEFT adapter is named', async t => {
  const dataDir = await temporaryFolder(t)
  const node = smallNode()
  const params = { folder: join(dataDir, 'none'), base: '/m' }
  await t.throwsAsync(registerAdapter(node, params, {}), {
    name: 'InvalidInputError',
    message: /there is no adapter folder .*none: give/
  })
})
