/** The other process of `rpc`: a contributor with one group of Llama's q and v, which also answers bare echoes. */
import { Contributor } from '../../../src/roles/contributor.js'
import { answerEchoes, ECHO_PROTOCOL } from './echo.js'
import { loopbackNode } from './loopback.js'
import { kernel, nodeJobs, random } from '../product.js'
import { LLAMA_QV, OWNER_SECRET, register } from '../session/shapes.js'

const { adapter } = register({ name: 'one group', rank: 16, groups: [LLAMA_QV] })
const { pool, jobs } = nodeJobs()
const { net } = await loopbackNode('contributor', async store => {
  const announce = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(0))
  const contributor = new Contributor({ kernel, random, store, announce, jobs: jobs.contributor })
  await store.budget.register({ content: adapter.content, base: adapter.manifest.base, quantized: adapter.quantized })
  contributor.serve({ adapter, policy: { mode: 'open', allow: [], limitRows: null }, secretKey: OWNER_SECRET })
  return contributor
})
await net.node.handle(ECHO_PROTOCOL, stream => answerEchoes(stream))
const manifest = Buffer.from(adapter.manifest.bytes).toString('base64')
process.stdout.write(`${JSON.stringify({ type: 'ready', address: net.node.getMultiaddrs()[0]!.toString(), manifest })}\n`)
await new Promise<void>(resolve => process.once('SIGINT', () => resolve()))
await net.stop()
await pool?.stop()
process.exit()
