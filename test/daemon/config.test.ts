import test from 'ava'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { InvalidInputError } from '../../src/errors.js'
import { baseFolder, loadConfig } from '../../src/daemon/config.js'
import { variableOf } from '../../src/daemon/environment.js'
import { nearest } from '../../src/daemon/explain.js'
import { dataFolder, privateFolder, socketPath } from '../../src/daemon/paths.js'
import { DEFAULTS } from '../../src/daemon/settings.js'
import { temporaryFolder } from './folders.js'

const PEER = '/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'

test('without a file, variables and flags the defaults hold', async t => {
  const dataDir = await temporaryFolder(t)
  t.deepEqual(await loadConfig({ env: {}, dataDir }), { dataDir, file: null, settings: DEFAULTS })
})

test('defaults give way to the file, the file to the environment, the environment to flags', async t => {
  const dataDir = await temporaryFolder(t)
  const file = {
    roles: ['bootstrap'],
    listen: ['/ip4/127.0.0.1/tcp/1'],
    generation: { maxNewTokens: 5, topK: 3 },
    network: { privateAddresses: true }
  }
  await writeFile(join(dataDir, 'zklora.json'), JSON.stringify(file))
  const env = { ZKLORA_LISTEN: '/ip4/127.0.0.1/tcp/2, /ip4/127.0.0.1/tcp/3', ZKLORA_GENERATION_TOP_K: '4', ZKLORA_BOOTSTRAP: '' }
  const { settings } = await loadConfig({ env, dataDir, flags: { generation: { maxNewTokens: 7 } } })
  t.deepEqual(settings.roles, ['bootstrap'])
  t.deepEqual(settings.listen, ['/ip4/127.0.0.1/tcp/2', '/ip4/127.0.0.1/tcp/3'])
  t.deepEqual(settings.generation, { maxNewTokens: 7, topK: 4 })
  t.deepEqual(settings.network, { privateAddresses: true, advertiseUser: false })
  t.deepEqual(settings.bootstrap, [])
})

test('folders in the file are meant from the file, and a base may be a name', async t => {
  const dataDir = await temporaryFolder(t)
  const config = join(dataDir, 'sub', 'node.json')
  await mkdir(join(dataDir, 'sub'))
  await writeFile(
    config,
    JSON.stringify({
      models: { novels: '../models/novels' },
      network: { follow: ['novels', 'm', 'ab'.repeat(32)] },
      adapters: [
        { folder: 'a', base: 'novels' },
        { folder: '/b', base: 'm' }
      ]
    })
  )
  const { settings, file } = await loadConfig({ env: { ZKLORA_CONFIG: config }, dataDir })
  t.is(file, config)
  t.deepEqual(settings.adapters, [
    { folder: join(dataDir, 'sub', 'a'), base: join(dataDir, 'models', 'novels') },
    { folder: '/b', base: join(dataDir, 'sub', 'm') }
  ])
  t.deepEqual(settings.network.follow, [join(dataDir, 'models', 'novels'), join(dataDir, 'sub', 'm'), 'ab'.repeat(32)])
  t.is(baseFolder(settings, 'novels'), join(dataDir, 'models', 'novels'))
  t.is(baseFolder(settings, 'else'), resolve('else'))
})

const refusal = test.macro({
  exec: async (t, file: string, ...expected: string[]) => {
    const dataDir = await temporaryFolder(t)
    const path = join(dataDir, 'zklora.json')
    await writeFile(path, file)
    const error = await t.throwsAsync(loadConfig({ env: {}, dataDir }), { instanceOf: InvalidInputError })
    for (const part of [path, ...expected]) t.true(error!.message.includes(part), `${error!.message} has ${part}`)
  },
  title: provided => `a config file with ${provided} is refused with a sentence`
})

test('a wrong key, naming it and the nearest right one', refusal, '{"rols":["user"]}', 'rols is not known; did you mean roles?')
test('a wrong key inside', refusal, '{"network":{"privateAdresses":true}}', 'did you mean network.privateAddresses?')
test('a key like none', refusal, '{"colour":"red"}', 'colour is not known; known are roles, listen,')
test(
  'a wrong value, naming what is expected',
  refusal,
  '{"network":{"privateAddresses":"yes"}}',
  'network.privateAddresses is "yes", expected is true or false'
)
test('a wrong item of a list', refusal, '{"listen":["localhost"]}', 'listen[0] is "localhost", expected is a list of multiaddrs')
test('a bootstrap without its peer', refusal, '{"bootstrap":["/ip4/192.0.2.7/tcp/1"]}', 'bootstrap[0]', 'a list of multiaddrs with peers')
test('no roles', refusal, '{"roles":[]}', 'roles is [], expected is a list of contributor, user, verifier, bootstrap, at least one')
test('a wrong adapter', refusal, '{"adapters":[{"folder":"a","base":"b","limitRows":0}]}', 'adapters[0].limitRows is 0, expected is rows')
test('a missing key', refusal, '{"adapters":[{"folder":"a"}]}', 'adapters[0].base is nothing, expected is the folder of its base model')
test('a wrong model folder', refusal, '{"models":{"x":3}}', 'models.x is 3, expected is an object of names')
test('a list at the top', refusal, '[1]', 'the whole is [1]')
test('two faults', refusal, '{"rols":1,"listen":1}', 'rols', 'listen is 1')
test('a long value, cut', refusal, `{"roles":"${'x'.repeat(500)}"}`, 'xxx…, expected')
test('no JSON', refusal, '{roles', 'is not JSON')

test('a config file that is named must be there', async t => {
  const dataDir = await temporaryFolder(t)
  await t.throwsAsync(loadConfig({ env: {}, dataDir, config: join(dataDir, 'no.json') }), {
    message: /no\.json cannot be read \(ENOENT: there is no such file/
  })
  await t.throwsAsync(loadConfig({ env: {}, dataDir, config: dataDir }), { message: /cannot be read \(EISDIR/ })
})

test('a wrong variable is named with the nearest right one, and a wrong value with what is expected', async t => {
  const dataDir = await temporaryFolder(t)
  const load = (env: Record<string, string>) => loadConfig({ env, dataDir })
  await t.throwsAsync(load({ ZKLORA_LISTN: 'x' }), { message: /ZKLORA_LISTN is not known; did you mean ZKLORA_LISTEN\?/ })
  await t.throwsAsync(load({ ZKLORA_SOMETHING_QUITE_DIFFERENT: 'x' }), { message: /known are ZKLORA_ROLES/ })
  await t.throwsAsync(load({ ZKLORA_NETWORK_PRIVATE_ADDRESSES: 'yes' }), {
    message: /ZKLORA_NETWORK_PRIVATE_ADDRESSES is "yes", expected is JSON/
  })
  await t.throwsAsync(load({ ZKLORA_LIMITS_SESSIONS_PER_PEER: '0' }), {
    message: /ZKLORA_LIMITS_SESSIONS_PER_PEER is 0, expected is sessions served/
  })
  const { settings } = await load({ ZKLORA_DEBUG: '1', ZKLORA_MODELS: '{"n":"/m"}', PATH: '/bin' })
  t.deepEqual(settings.models, { n: '/m' })
})

test('a wrong flag is named as a flag', async t => {
  const dataDir = await temporaryFolder(t)
  const flags = { roles: ['guest'] } as never
  await t.throwsAsync(loadConfig({ env: {}, dataDir, flags }), {
    message: /command line: --role is "guest", expected is a list of contributor/
  })
  const other = { network: { privateAddresses: 1 } } as never
  await t.throwsAsync(loadConfig({ env: {}, dataDir, flags: other }), { message: /--private-addresses is 1/ })
  const { settings } = await loadConfig({ env: {}, dataDir, flags: { bootstrap: [PEER] } })
  t.deepEqual(settings.bootstrap, [PEER])
})

test('where HTTP is answered comes from all sources, its token from the environment alone', async t => {
  const dataDir = await temporaryFolder(t)
  await writeFile(join(dataDir, 'zklora.json'), JSON.stringify({ http: { enabled: true, tokenFile: 'token' } }))
  const env = { ZKLORA_HTTP_PORT: '9000', ZKLORA_HTTP_TOKEN: 'not-a-setting-of-any-kind' }
  const { settings, httpToken } = await loadConfig({ env, dataDir, flags: { http: { host: '127.0.0.2' } } })
  t.deepEqual(settings.http, { enabled: true, host: '127.0.0.2', port: 9000, tokenFile: join(dataDir, 'token') })
  t.is(httpToken, env.ZKLORA_HTTP_TOKEN)
  t.false(JSON.stringify(settings).includes(env.ZKLORA_HTTP_TOKEN))
  await t.throwsAsync(loadConfig({ env: {}, dataDir, flags: { http: { port: 65_536 } } }), {
    message: /command line: --http-port is 65536, expected is a port from 0/
  })
  await t.throwsAsync(loadConfig({ env: {}, dataDir, flags: { http: { enabled: 1 } } as never }), { message: /--http is 1/ })
})

test('variables are named after the keys', t => {
  t.is(variableOf(['network', 'privateAddresses']), 'ZKLORA_NETWORK_PRIVATE_ADDRESSES')
  t.is(variableOf(['listen', 0]), 'ZKLORA_LISTEN')
})

test('the nearest word is one that is near', t => {
  t.is(nearest('lissten', ['listen', 'limits']), 'listen')
  t.is(nearest('ROLES', ['roles']), 'roles')
  t.is(nearest('elephant', ['listen', 'limits']), undefined)
})

test('the data folder is the flag’s, the variable’s, XDG’s or the home’s', t => {
  t.is(dataFolder({ ZKLORA_DATA_DIR: '/b' }, '/a'), '/a')
  t.is(dataFolder({ ZKLORA_DATA_DIR: '/b', XDG_DATA_HOME: '/x' }), '/b')
  t.is(dataFolder({ XDG_DATA_HOME: '/x' }), '/x/zklora')
  t.regex(dataFolder({ XDG_DATA_HOME: '' }), /\.local\/share\/zklora$/)
})

test('a data folder is closed to others, and one that cannot be made is named', async t => {
  const folder = await temporaryFolder(t)
  const { stat, chmod } = await import('node:fs/promises')
  await chmod(folder, 0o755)
  await privateFolder(folder)
  t.is((await stat(folder)).mode & 0o777, 0o700)
  await writeFile(join(folder, 'file'), '')
  await t.throwsAsync(privateFolder(join(folder, 'file', 'x')), { instanceOf: InvalidInputError, message: /ENOTDIR.*--data-dir/ })
})

test('a data folder of somebody else is refused', async t => {
  // The root folder belongs to root; a test that runs as root looks for a folder of another user.
  const { readdir, stat } = await import('node:fs/promises')
  const uid = process.getuid!()
  const foreign = uid === 0 ? await firstOf(uid, readdir, stat) : '/'
  if (foreign === undefined) t.pass('this machine has folders of one user only')
  else await t.throwsAsync(privateFolder(foreign), { message: /belongs to user/ })
})

async function firstOf(
  uid: number,
  readdir: (path: string) => Promise<string[]>,
  stat: (path: string) => Promise<{ uid: number; isDirectory(): boolean }>
): Promise<string | undefined> {
  for (const root of ['/home', '/var', '/var/lib', '/var/cache', '/run', '/tmp']) {
    for (const name of await readdir(root).catch(() => [])) {
      const found = await stat(join(root, name)).catch(() => null)
      if (found?.isDirectory() === true && found.uid !== uid) return join(root, name)
    }
  }
  return undefined
}

test('a socket path that is too long for the system moves to a private folder', t => {
  t.deepEqual(socketPath('/data'), { path: '/data/control.sock', fallback: null })
  const long = `/${'d'.repeat(120)}`
  const { path, fallback } = socketPath(long)
  t.true(path.startsWith(fallback!) && path.endsWith('.sock') && path.length < 104)
  t.deepEqual(socketPath(long), { path, fallback })
  t.not(socketPath(`${long}e`).path, path)
})
