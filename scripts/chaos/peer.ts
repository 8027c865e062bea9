/**
 * One participant of the chaos run: the real node in a process that is killed at any moment. The user writes text after text until it
 * is told to rest; every session's state goes to the parent.
 * Usage: peer.js contributor|user|verifier DATA_DIR PORT SEED [BOOTSTRAP]
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadIdentity } from '../../src/roles/identity.js'
import { createNode } from '../../src/roles/node.js'
import type { Role } from '../../src/roles/types.js'
import { generator } from '../../test/network/faults/random.js'

const DEMO = fileURLToPath(new URL('../../../config/demo/', import.meta.url))
const BASE = join(DEMO, 'models', 'novels-llama')
const ADAPTER = join(DEMO, 'adapters', 'shakespeare-llama')
/** Tokens of a text at most: sessions of some hundred milliseconds. */
const TOKENS = 4
/** Milliseconds before it is tried again to reach a contributor that is gone. */
const AGAIN = 100

const [role, dataDir, port, seed, bootstrap] = process.argv.slice(2) as [Role, string, string, string, string?]
const say = (line: object): void => void process.send?.(line, undefined, {}, () => {})
await mkdir(dataDir, { recursive: true, mode: 0o700 })
const { key } = await loadIdentity(join(dataDir, 'peer.key'))
const node = await createNode({
  dataDir,
  privateKey: key,
  roles: [role],
  listen: [`/ip4/127.0.0.1/tcp/${port}`],
  bootstrap: bootstrap === undefined ? [] : [bootstrap],
  privateAddresses: true,
  // Many processes on few cores; and a user that dies with its worker threads is no other one.
  limits: { threads: 0 }
})
let resting = false
process.once('disconnect', () => process.exit())
process.on('message', async line => {
  if (line === 'rest') resting = true
  if (line === 'sessions') say({ type: 'sessions', sessions: await node.sessions() })
  if (line === 'stop') {
    await node.stop()
    process.exit()
  }
})
void node.watch({
  onProgress: event => {
    if (event.type === 'session') say({ type: 'session', session: event.session })
  }
})
if (role === 'contributor' && (await node.listAdapters()).length === 0) {
  await node.addAdapter({ folder: ADAPTER, base: BASE, name: 'chaos', mode: 'open' })
}
const [adapter] = await node.listAdapters()
say({ type: 'ready', address: node.multiaddrs()[0], adapter: adapter?.id })

const draw = generator(Number(seed))
while (role === 'user' && !resting) {
  const maxNewTokens = 1 + Math.floor(draw() * TOKENS)
  const prompt = `Text ${Math.floor(draw() * 1e6)}`
  try {
    await node.generate({ prompt, base: BASE, adapters: [`chaos@${bootstrap!}`], maxNewTokens, force: true } as never)
  } catch (error) {
    say({ type: 'failed', error: (error as Error).message })
    await new Promise(resolve => setTimeout(resolve, AGAIN))
  }
}
