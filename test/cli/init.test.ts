import test from 'ava'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { registerAdapter } from '../../src/library/registered.js'
import { temporaryFolder } from '../daemon/folders.js'
import { smallNode } from '../daemon/small-node.js'
import { zklora } from './terminal.js'

test('init makes identity, config and folder, refuses to overwrite, and keeps the identity under --force', async t => {
  const dataDir = join(await temporaryFolder(t), 'new')
  const first = await zklora(['init', '--role', 'verifier', '--json', '--data-dir', dataDir])
  t.is(first.status, 0, first.stderr)
  const made = JSON.parse(first.stdout) as { peerId: string; configFile: string; keyFile: string; identityMade: boolean }
  t.true(made.identityMade)
  t.is((await stat(made.keyFile)).mode & 0o777, 0o600)
  const written = await readFile(made.configFile, 'utf8')
  t.deepEqual((JSON.parse(written) as { roles: string[] }).roles, ['verifier'])

  const again = await zklora(['init', '--data-dir', dataDir])
  t.is(again.status, 2)
  t.regex(again.stderr, /is there already: edit it, or --force overwrites it/)
  t.is(await readFile(made.configFile, 'utf8'), written)

  const forced = await zklora(['init', '--force', '--data-dir', dataDir])
  t.is(forced.status, 0)
  t.true(forced.stdout.includes(made.peerId))
  t.regex(forced.stdout, /Next: zklora start/)
  t.not(await readFile(made.configFile, 'utf8'), written)
  // A node of its own reads what init wrote.
  const peers = await zklora(['peers', '--json', '--data-dir', dataDir])
  t.deepEqual(JSON.parse(peers.stdout), [])
})

test('init names a wrong flag and writes nothing', async t => {
  const dataDir = join(await temporaryFolder(t), 'new')
  const wrong = await zklora(['init', '--role', 'cook', '--data-dir', dataDir])
  t.is(wrong.status, 2)
  t.regex(wrong.stderr, /--role is "cook", expected is/)
  await t.throwsAsync(stat(dataDir), { code: 'ENOENT' })
})

test('init says which config file cannot be written', async t => {
  const dataDir = await temporaryFolder(t)
  const file = join(dataDir, 'missing', 'a.json')
  for (const force of [[], ['--force']]) {
    const refused = await zklora(['init', ...force, '--config', file, '--data-dir', dataDir])
    t.is(refused.status, 2)
    t.regex(refused.stderr, /a\.json cannot be written \(ENOENT: .*\); --config chooses another/)
  }
})

test('a file that is larger than an adapter may have is not read to its end at a start', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'adapter_config.json')
  await writeFile(file, '')
  await truncate(file, 64 * 1024 * 1024)
  const error = await t.throwsAsync(registerAdapter(smallNode(), { folder, base: folder }, {}))
  t.is(error!.name, 'LimitExceededError')
  const device = await t.throwsAsync(registerAdapter(smallNode(), { folder: '/dev/null', base: folder }, {}))
  t.is(device!.name, 'InvalidInputError')
})
