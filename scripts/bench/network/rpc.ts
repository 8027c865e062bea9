/** `rpc`: rows to a contributor in another process and deltas back, over tcp, noise and yamux, in a session of the product. */
import { fileURLToPath } from 'node:url'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { WorkerPool } from '../../../src/kernel/index.js'
import { decodeManifest, type VerifiedManifest } from '../../../src/proof/index.js'
import { openRemoteAdapter, type RemoteAdapter } from '../../../src/roles/remote-adapter.js'
import { packDeltas } from '../../../src/session/messages/packing.js'
import { Participant } from '../../demo/participant.js'
import { ECHO_PROTOCOL, echoOver } from './echo.js'
import { type LoopbackNode, loopbackNode } from './loopback.js'
import { contributorJobs, kernel, nodeJobs, random } from '../product.js'
import { inTurn, quantile, sample, type Sample, summary, timed } from '../sample.js'
import { LLAMA_QV, makeActivations, makeAdapter, register, type Shape } from '../session/shapes.js'
import type { Bench, Part, Report, Settings } from '../types.js'

const PEER = fileURLToPath(new URL('./peer-rpc.js', import.meta.url))
/** Milliseconds for the other process to register its adapter. */
const READY = 300_000
const SHAPE: Shape = { name: 'one group', rank: 16, groups: [LLAMA_QV] }
/** Rows of all exchanges, and those after which commitments are exchanged. */
const ROWS = 50_000
const COMMIT_ROWS = 16

interface Opened {
  readonly user: LoopbackNode
  readonly pool: WorkerPool | undefined
  readonly peer: PeerId
  readonly adapter: RemoteAdapter
  readonly manifest: VerifiedManifest
}

async function open(): Promise<Opened> {
  const other = new Participant('the contributor', [PEER])
  const ready = await other.line('the contributor', READY, ({ type }) => type === 'ready')
  // Its certificates are empty, as those of all shapes (register).
  const manifest = decodeManifest(Buffer.from(ready['manifest'] as string, 'base64')) as VerifiedManifest
  const user = await loopbackNode('user')
  const { pool, jobs } = nodeJobs()
  const { remotePeer: peer } = await user.net.node.dial(multiaddr(ready['address'] as string))
  const adapter = await openRemoteAdapter({
    ...{ kernel, random, peer, manifest, rows: ROWS, commitRows: COMMIT_ROWS },
    ...{ sessions: user.net.node.services.session, fetch: user.net.fetch, store: user.store, jobs: jobs.user!(manifest) }
  })
  return { user, pool, peer, adapter, manifest }
}

/** Waits until the commitments of earlier exchanges are done, as they are while the base model computes. */
async function settled(adapter: RemoteAdapter): Promise<void> {
  while (adapter.info().rows - adapter.accepted >= COMMIT_ROWS) await new Promise(resolve => setTimeout(resolve, 1))
}

/**
 * Activations along the columns of A, with noise: as an adapter answers what it was trained for, and so long that 7 bytes an entry are
 * needed, the most that a delta takes.
 */
function alongColumns(tokens: number): Int16Array {
  const { a, rank } = makeAdapter(SHAPE).groups[0]!.modules[0]!
  return makeActivations(SHAPE, tokens)[0]!.map((noise, i) => {
    const [t, at] = [Math.floor(i / LLAMA_QV.dIn), i % LLAMA_QV.dIn]
    return Math.sign(a[(t % rank) * LLAMA_QV.dIn + at]!) * Math.abs(noise)
  })
}

/** Bytes of the rows, and of the packed deltas; and milliseconds that the deltas take to compute. */
async function payload(x: Int16Array, settings: Settings): Promise<{ asked: number; answered: number; delta: Sample }> {
  const { adapter } = register(SHAPE)
  const jobs = contributorJobs(adapter)
  const tokens = x.length / LLAMA_QV.dIn
  const { y } = await jobs.answer({ group: 0, x })
  const packed = packDeltas(LLAMA_QV.dOut, y, tokens)
  return {
    asked: x.byteLength,
    answered: packed.y.length,
    delta: await sample(() => jobs.answer({ group: 0, x }), { seconds: settings.seconds / 4 })
  }
}

const figures = ({ median, min, runs }: Sample): Pick<Sample, 'median' | 'min' | 'runs'> => ({ median, min, runs })

async function measure(name: 'latency' | 'prefill', tokens: number, report: Report, settings: Settings): Promise<void> {
  const { user, pool, peer, adapter } = await open()
  const { asked, answered, delta } = await payload(alongColumns(tokens), settings)
  const rows = Float32Array.from(alongColumns(tokens))
  const echo = echoOver(await user.net.node.dialProtocol(peer, ECHO_PROTOCOL), { asked, answered })
  let position = 0
  const exchange = async (): Promise<number> => {
    await settled(adapter)
    const took = await timed(() => adapter.deltas({ group: 0, position, rows }))
    position += tokens
    return took
  }
  const most = Math.floor(ROWS / tokens / 2)
  const effort = { seconds: settings.seconds * 4, least: 10, most: Math.min(most, 300) }
  const [took, bare] = (await inTurn([exchange, () => timed(echo)], effort)) as [Sample, Sample]
  const yardstick = { name: 'the same bytes echoed', median: bare.median }
  const p99 = quantile(took.values, 0.99)
  report.row({ case: name, metric: 'exchange', unit: 'ms', ...figures(took), ...(name === 'latency' && { p99 }), yardstick })
  if (name === 'prefill') {
    const rate = (sampled: Sample): Sample => summary(sampled.values.map(ms => (asked + answered) / ms / 1000))
    const beside = { name: yardstick.name, median: rate(bare).median }
    report.row({ case: name, metric: 'throughput', unit: 'MB/s', ...figures(rate(took)), yardstick: beside })
  }
  report.row({ case: name, metric: 'deltaWithin', unit: 'ms', ...figures(delta), yardstick: { name: 'exchange', median: took.median } })
  await adapter.abort(new Error('the benchmark is over')).catch(() => {})
  await user.net.stop()
  await pool?.stop()
}

const part = (name: 'latency' | 'prefill', tokens: number, what: string): Part => ({
  name,
  what,
  run: (report, settings) => measure(name, tokens, report, settings)
})

export const rpcBench: Bench = () => [
  part('latency', 1, 'one row to q and v of a Llama layer, 8 KiB there and some 35 KiB back, deltas computed; an open session'),
  part('prefill', 128, '128 rows to q and v of a Llama layer, 1 MiB there and 4.4 MiB back, deltas computed; an open session')
]
