/**
 * A process of the soak run: a contributor; or a user with several sessions at a time, one after the other each; or verifiers that come
 * and go.
 * It tells the parent what it holds when it is asked.
 * Usage: peer.js contributor|user|verifiers FOLDER COUNT [BOOTSTRAP [PHASE]], PHASE when its first session begins among all users', 0 to 1
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { Registry } from 'prom-client'
import { createNode } from '../../src/roles/node.js'
import type { Role, ZkloraNode } from '../../src/roles/types.js'
import { type Figures, figures, type SoakCounts } from './figures.js'

const DEMO = fileURLToPath(new URL('../../../config/demo/', import.meta.url))
const BASE = join(DEMO, 'models', 'novels-llama')
const ADAPTER = join(DEMO, 'adapters', 'shakespeare-llama')
const TOKENS = 5
/** Texts of one session, and milliseconds between them. */
const TEXTS = 10
const BETWEEN = 5_000
/** Milliseconds for which a verifier stays. */
const VERIFIER_LIFE = 20_000

const [kind, folder, count, bootstrap, phase] = process.argv.slice(2) as [
  'contributor' | 'user' | 'verifiers',
  string,
  string,
  string?,
  string?
]
const counts: SoakCounts = { done: 0, failed: 0, rejections: 0, warnings: [] }
process.on('unhandledRejection', error => {
  counts.rejections++
  console.error('unhandled', error)
})
process.on('warning', warning => counts.warnings.push(`${warning.name}: ${warning.message} ${warning.stack ?? ''}`))

/** Of the one node of this process; verifiers, of which several live here at a time, are not counted. */
const registry = new Registry()

let made = 0
async function open(role: Role): Promise<ZkloraNode> {
  const dataDir = join(folder, `${role}-${made++}`)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  return createNode({
    dataDir,
    privateKey: await generateKeyPair('Ed25519'),
    roles: [role],
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootstrap: bootstrap === undefined ? [] : [bootstrap],
    privateAddresses: true,
    ...(role === 'verifier' ? {} : { metrics: prometheusMetrics({ registry }) }),
    limits: { threads: 0 }
  })
}

let going = true
const nodes: ZkloraNode[] = []
const running: Promise<void>[] = []

/** Session after session, each open for a minute with a few short texts: many are open at a time, and the model does not take all of the machine. */
async function texts(node: ZkloraNode, after: number): Promise<void> {
  // Not all at once: what is kept until the proof would rise and fall with all of them.
  await new Promise(resolve => setTimeout(resolve, after))
  while (going) {
    try {
      const model = await node.openModel({ base: BASE, adapters: [`soak@${bootstrap!}`], rows: 2000 })
      for (let n = 0; n < TEXTS && going; n++) {
        await model.generate({ prompt: `Text ${counts.done}`, maxNewTokens: TOKENS })
        await new Promise(resolve => setTimeout(resolve, BETWEEN))
      }
      await model.end()
      counts.done++
    } catch (error) {
      counts.failed++
      counts.warnings.push(`session: ${(error as Error).message}`)
      await new Promise(resolve => setTimeout(resolve, BETWEEN))
    }
  }
}

async function comingAndGoing(): Promise<void> {
  while (going) {
    const node = await open('verifier')
    await new Promise(resolve => setTimeout(resolve, VERIFIER_LIFE))
    await node.stop()
    counts.done++
    await rm(join(folder, `verifier-${made - Number(count)}`), { recursive: true, force: true })
  }
}

const say = (line: object): void => void process.send!(line, undefined, {}, () => {})
process.once('disconnect', () => process.exit())
process.on('message', async line => {
  if (line === 'figures') say({ type: 'figures', figures: await figures(counts, registry) } satisfies { type: string; figures: Figures })
  if (line === 'rest') {
    going = false
    await Promise.all(running)
    say({ type: 'resting' })
  }
})
if (kind === 'contributor') {
  const node = await open('contributor')
  nodes.push(node)
  await node.addAdapter({ folder: ADAPTER, base: BASE, name: 'soak', mode: 'open' })
}
if (kind === 'user') {
  const node = await open('user')
  nodes.push(node)
  for (let n = 0; n < Number(count); n++) running.push(texts(node, (Number(phase) + n / Number(count)) * TEXTS * BETWEEN))
}
if (kind === 'verifiers') for (let n = 0; n < Number(count); n++) running.push(comingAndGoing())
say({ type: 'ready', address: nodes[0]?.multiaddrs()[0] })
