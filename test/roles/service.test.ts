/** A participant inside a libp2p node that somebody else made. */
import test, { type ExecutionContext } from 'ava'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { createNode, generateIdentity, libp2pDefaults, type Role, zklora, type ZkloraInit, type ZkloraNode } from '../../src/index.js'
import { temporaryFolder } from '../daemon/folders.js'

const LLAMA = 'config/demo/models/novels-llama'
const KJV = 'config/demo/adapters/kjv-llama'
const LISTEN = ['/ip4/127.0.0.1/tcp/0']

async function own(t: ExecutionContext, roles: Role[], more: Partial<ZkloraInit> = {}, connections?: number) {
  const { services, ...defaults } = libp2pDefaults({ roles, privateAddresses: true })
  const libp2p = await createLibp2p({
    ...defaults,
    connectionManager: { ...defaults.connectionManager, ...(connections === undefined ? {} : { maxConnections: connections }) },
    addresses: { listen: LISTEN },
    transports: [tcp()],
    services: { ...services, zklora: zklora({ dataDir: await temporaryFolder(t), roles, ...more }) }
  })
  t.teardown(() => libp2p.stop())
  return libp2p
}

async function peer(t: ExecutionContext, roles: Role[], bootstrap: string[]): Promise<ZkloraNode> {
  const dataDir = await temporaryFolder(t)
  const node = await createNode({ dataDir, privateKey: await generateIdentity(), roles, listen: LISTEN, bootstrap, privateAddresses: true })
  t.teardown(() => node.stop())
  return node
}

/** A peer that only dials. */
async function plain(t: ExecutionContext) {
  const { services, ...defaults } = libp2pDefaults({ roles: [], privateAddresses: true })
  const libp2p = await createLibp2p({ ...defaults, transports: [tcp()], services })
  t.teardown(() => libp2p.stop())
  return libp2p
}

test.serial('it contributes, is found, and its session is proved and heard of', async t => {
  const libp2p = await own(t, ['contributor', 'verifier'])
  const { node } = libp2p.services.zklora
  t.is(node.peerId, libp2p.peerId.toString())
  t.deepEqual(node.multiaddrs(), libp2p.getMultiaddrs().map(String))
  await node.addAdapter({ folder: KJV, base: LLAMA })

  const user = await peer(t, ['user'], node.multiaddrs())
  const { sessions } = await user.generate({ base: LLAMA, adapters: ['kjv-llama'], prompt: 'And the LORD said', maxNewTokens: 2 })
  t.like(sessions[0], { state: 'announced', peer: node.peerId })
  t.like(await node.status(), { peers: [{ peer: user.peerId, roles: ['user'], direction: 'inbound' }] } as never)

  await libp2p.stop()
  t.throws(() => libp2p.services.zklora.node, { name: 'InvalidInputError', message: /has not started/ })
  await libp2p.start()
  t.is((await libp2p.services.zklora.node.listAdapters()).length, 1, 'what it holds is there again')
})

test.serial('it uses the adapters of others', async t => {
  const contributor = await peer(t, ['contributor', 'verifier'], [])
  await contributor.addAdapter({ folder: KJV, base: LLAMA })
  const libp2p = await own(t, ['user'], { bootstrap: contributor.multiaddrs() })
  const { sessions } = await libp2p.services.zklora.node.generate({ base: LLAMA, adapters: ['kjv-llama'], prompt: 'And', maxNewTokens: 2 })
  t.like(sessions[0], { state: 'announced', error: null })
})

test.serial('a libp2p node that lacks what is needed is refused with the service and the remedy', async t => {
  const dataDir = await temporaryFolder(t)
  const bare = await createLibp2p({ start: false, services: { identify: identify(), zklora: zklora({ dataDir, roles: [] }) as never } })
  await t.throwsAsync(async () => bare.start(), {
    name: 'InvalidInputError',
    message: /no service named dht, pubsub, ping: start from libp2pDefaults/
  })
  const { services, ...defaults } = libp2pDefaults({ roles: [] })
  const other = (change: object): Promise<unknown> =>
    createLibp2p({ ...defaults, services: { ...services, ...change, zklora: zklora({ dataDir, roles: [] }) } as never })
  await t.throwsAsync(other({ dht: () => ({ protocol: '/ipfs/kad/1.0.0' }) }), { message: /speaks \/ipfs\/kad\/1\.0\.0/ })
  await t.throwsAsync(other({ pubsub: () => ({ globalSignaturePolicy: 'StrictSign' }) }), { message: /policy StrictSign/ })
})

test.serial('it keeps a place free of those that the libp2p node has', async t => {
  const libp2p = await own(t, ['verifier'], { privateAddresses: true }, 4)
  const { node } = libp2p.services.zklora
  const gone = new Promise(resolve => libp2p.addEventListener('peer:disconnect', resolve, { once: true }))
  for (let n = 0; n < 4; n++) await (await plain(t)).dial(libp2p.getMultiaddrs())
  await gone
  t.is(libp2p.getConnections().length, 3)
  t.is((await node.status()).limits['connections'], 1)
  t.deepEqual((await node.status()).reachability, { state: 'reachable', why: '4 peers dialled it since it started' })
})
