/** A registration that is broken off, by its signal or with its process, leaves nothing behind. */
import test, { type ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createNode, generateIdentity, type ProgressEvent, type ZkloraNode } from '../../src/index.js'
import type { NodeLimits } from '../../src/roles/options.js'
import { temporaryFolder } from '../daemon/folders.js'

const BASE = 'config/demo/models/novels-llama'
const FOLDER = 'config/demo/adapters/kjv-llama'
const REGISTERING = fileURLToPath(new URL('registering.js', import.meta.url))

async function open(t: ExecutionContext, dataDir: string, limits: NodeLimits = {}): Promise<ZkloraNode> {
  const node = await createNode({ dataDir, privateKey: await generateIdentity(), roles: [], limits })
  t.teardown(() => node.stop())
  return node
}

for (const threads of [0, 2]) {
  test(`a registration on ${threads} threads tells its steps, and one that is aborted registers nothing`, async t => {
    const node = await open(t, await temporaryFolder(t), { threads })
    const abort = new AbortController()
    const given = { folder: FOLDER, base: BASE, weightBits: 6 }
    const broken = node.addAdapter(given, {
      signal: abort.signal,
      onProgress: event => {
        if (event.type === 'adapter' && event.step === 'prove') abort.abort(new Error('enough'))
      }
    })
    await t.throwsAsync(broken, { message: 'enough' })
    t.deepEqual(await node.listAdapters(), [])
    const seen: ProgressEvent[] = []
    const { id } = await node.addAdapter(given, { onProgress: event => seen.push(event) })
    t.deepEqual(
      (await node.listAdapters()).map(adapter => adapter.id),
      [id]
    )
    const steps = (step: string): number[] => seen.flatMap(event => (event.type === 'adapter' && event.step === step ? [event.done] : []))
    t.deepEqual(
      [steps('commit'), steps('prove')],
      [
        [1, 2, 3, 4, 5, 6],
        [1, 2, 3, 4, 5, 6]
      ]
    )
  })
}

test('a process that is killed while it registers leaves nothing half-registered', async t => {
  const dataDir = await temporaryFolder(t)
  const child = spawn(process.execPath, [REGISTERING, dataDir, FOLDER, BASE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) {
    t.not(line, 'registered')
    const event = JSON.parse(line) as ProgressEvent
    if (event.type === 'adapter' && event.step === 'prove') break
  }
  child.kill('SIGKILL')
  await ended
  const node = await open(t, dataDir)
  t.deepEqual(await node.listAdapters(), [])
  t.truthy(await node.addAdapter({ folder: FOLDER, base: BASE, weightBits: 6 }))
})
