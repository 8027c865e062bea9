/**
 * `serve`: text of the demo's model with the adapter of another process, as the product does it, commitments and proof included. Beside
 * it the same without these (the user's jobs are replaced here: the product has no such setting), and the adapter computed locally.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAdapterFolder } from '../../../src/hub/index.js'
import { generateIdentity, type ZkloraNode } from '../../../src/index.js'
import { dequantize, hidden, outputs, quantizeAdapter, quantizeRows, readPeftAdapter } from '../../../src/lora/index.js'
import { BaseModel } from '../../../src/model/index.js'
import { createNode } from '../../../src/roles/node.js'
import type { NodeJobs } from '../../../src/roles/options.js'
import { adapterFolder, BASE } from '../../demo/network.js'
import { Participant } from '../../demo/participant.js'
import { userJobs } from '../product.js'
import { inTurn, type Sample, summary } from '../sample.js'
import type { Bench, Report, Settings } from '../types.js'

const PEER = fileURLToPath(new URL('./peer-serve.js', import.meta.url))
const READY = 120_000
const TOKENS = 64
/** Such that the model does not end the text before. */
const WRITING = { prompt: 'And it came to pass', maxNewTokens: TOKENS, temperature: 0.7, topK: 40, seed: 7 } as const
const ADAPTER = 'kjv-llama'

/** Tokens a second: up to the end of the call, and up to the last token. */
interface Rates {
  readonly all: number
  readonly text: number
}

const rate = (tokens: number, milliseconds: number): number => (tokens * 1000) / milliseconds

/** @param onLast called when the last token is there */
async function write(node: ZkloraNode, target: string, onLast: () => void = () => {}, signal?: AbortSignal): Promise<Rates> {
  const start = performance.now()
  let last = start
  let tokens = 0
  const onProgress = ({ type }: { readonly type: string }): void => {
    if (type !== 'token') return
    last = performance.now()
    if (++tokens === TOKENS) onLast()
  }
  await node.generate({ base: BASE, adapters: [target], ...WRITING }, { onProgress, signal })
  if (tokens !== TOKENS) throw new Error(`the text has ${tokens} tokens where ${TOKENS} were expected`)
  return { all: rate(tokens, performance.now() - start), text: rate(tokens, last - start) }
}

/** A user that never commits to anything; `stop` ends the wait for its first commitments, and with it the session, which is not settled. */
function uncommitted(): { jobs: NodeJobs; stop: () => void } {
  let stop = (): void => {}
  const user: NonNullable<NodeJobs['user']> = manifest => {
    const written = new Promise<never>((_, reject) => (stop = () => reject(new Error('the text is written'))))
    written.catch(() => {})
    return { ...userJobs(manifest), commitInputs: () => written }
  }
  return { jobs: { user }, stop: () => stop() }
}

/** Where nothing is committed to there is nothing to close: what a broken session takes to end is no part of it. */
async function writeBare(node: ZkloraNode, target: string, onLast: () => void): Promise<Rates> {
  const end = new AbortController()
  const last = (): void => {
    onLast()
    end.abort()
  }
  const { text } = await write(node, target, last, end.signal)
  return { all: text, text }
}

/** The same integers as the contributor's, in this process. */
async function writeLocally(): Promise<() => Promise<Rates>> {
  const { groups, activationBits } = quantizeAdapter(readPeftAdapter(readAdapterFolder(adapterFolder(ADAPTER))))
  const model = await BaseModel.open(BASE, { groups })
  return async () => {
    const start = performance.now()
    const { prompt, ...options } = WRITING
    const { tokens } = await model.generate(prompt, {
      ...options,
      deltas: ({ group: index, x: rows }) => {
        const group = groups[index]!
        const { x, scales, count } = quantizeRows(rows, group.dIn, activationBits)
        const y = outputs(group, hidden(group, x, count), count)
        return Promise.resolve(dequantize({ modules: group.modules, y, rowScales: scales }))
      }
    })
    const took = rate(tokens.length, performance.now() - start)
    return { all: took, text: took }
  }
}

async function measure(report: Report, { seconds }: Settings): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'zklora-bench-'))
  const userNode = async (name: string, jobs?: NodeJobs): Promise<ZkloraNode> =>
    createNode({ dataDir: join(folder, name), privateKey: await generateIdentity(), roles: ['user'], privateAddresses: true, jobs })
  try {
    const other = new Participant('the contributor', [PEER, join(folder, 'contributor')])
    const target = (await other.line('the contributor', READY, ({ type }) => type === 'ready'))['target'] as string
    const bare = uncommitted()
    const user = await userNode('user')
    const bareUser = await userNode('bare', bare.jobs)
    const local = await writeLocally()
    const rates: Record<'proved' | 'bare' | 'local', Rates[]> = { proved: [], bare: [], local: [] }
    const keep = (name: keyof typeof rates, work: () => Promise<Rates>) => async (): Promise<number> => {
      const found = await work()
      rates[name].push(found)
      return found.all
    }
    const [proved] = await inTurn(
      [keep('proved', () => write(user, target)), keep('bare', () => writeBare(bareUser, target, bare.stop)), keep('local', local)],
      { seconds: seconds * 5, least: 5 }
    )
    const of = (name: keyof typeof rates, what: keyof Rates): Sample => summary(rates[name].slice(-proved!.runs).map(each => each[what]))
    for (const what of ['all', 'text'] as const) {
      const { median, min, runs } = of('proved', what)
      const row = { metric: what === 'all' ? 'tokensPerSecond' : 'tokensPerSecondToLastToken', unit: '1/s', median, min, runs }
      report.row({ case: 'demo', ...row, yardstick: { name: 'without commitments and proof', median: of('bare', what).median } })
      report.row({ case: 'demo-local', ...row, yardstick: { name: 'the adapter computed locally', median: of('local', what).median } })
    }
    await Promise.all([user.stop(), bareUser.stop()])
    await other.stop()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const serveBench: Bench = () => [
  {
    name: 'demo',
    what: `${TOKENS} tokens of the demo's Llama with the adapter ${ADAPTER} of another process, session and proof included`,
    run: measure
  }
]
