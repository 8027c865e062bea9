/**
 * `npm run soak [-- --minutes M] [--sessions N] [--json FILE]`: a contributor that serves N sessions at a time while verifiers come and
 * go. After a warm-up of a third of the time memory stays within 5 %, nothing is rejected unhandled, nothing has more listeners than
 * Node warns of, and when all sessions have ended no stream, socket or timer is left that was not there before.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { NET_LIMITS } from '../src/limits.js'
import type { Figures } from './soak/figures.js'

const PEER = fileURLToPath(new URL('./soak/peer.js', import.meta.url))
const MiB = 2 ** 20
const MINUTE = 60_000
/** Of the whole time: warm-up, and each of the two windows that are compared. */
const WARM_UP = 1 / 3
const WINDOW = 1 / 3
const FLAT = 1.05
const VERIFIERS = 2
/** Those that a contributor serves one peer. */
const SESSIONS_OF_A_USER = NET_LIMITS.sessionsPerPeer
const SAMPLES = 60
const MEMORY = ['resident', 'mapped', 'heap', 'buffers'] as const
type Memory = (typeof MEMORY)[number]
/** Milliseconds in which what has ended is let go: the longest wait for the other's end of a stream. */
const REST = 35_000

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, sessions: { type: 'string', default: '30' }, json: { type: 'string' } }
})
const [minutes, sessions] = [Number(values.minutes), Number(values.sessions)]
if (!(minutes > 0) || !Number.isInteger(sessions) || sessions < 1) throw new Error('--minutes and --sessions are numbers above 0')

class Peer {
  readonly samples: Figures[] = []
  private constructor(
    readonly kind: string,
    private readonly child: ChildProcess,
    readonly address: string
  ) {}

  static async start(kind: string, folder: string, count: number, ...more: (string | number)[]): Promise<Peer> {
    const argv = [kind, folder, String(count), ...more.map(String)]
    const child = fork(PEER, argv, { execArgv: ['--expose-gc'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    children.push(child)
    const { address } = await next<{ address: string }>(child, 'ready')
    return new Peer(kind, child, address)
  }

  async sample(): Promise<Figures> {
    const answer = next<{ figures: Figures }>(this.child, 'figures')
    this.child.send('figures')
    const { figures } = await answer
    this.samples.push(figures)
    for (const warning of new Set(figures.warnings)) {
      console.log(`${this.kind}: ${warning}`)
      if (warning.startsWith('MaxListeners')) leaks.add(`${this.kind}: ${warning}`)
    }
    return figures
  }

  /** What it holds when nobody asks anything of it: the ends of the last streams and connections are on their way for a while. */
  async atRest(sockets: number): Promise<Figures> {
    for (const deadline = Date.now() + REST; ; await sleep(500)) {
      const figures = await this.sample()
      this.samples.pop()
      if ((figures.streams === 0 && figures.sockets <= sockets) || Date.now() > deadline) return figures
    }
  }

  async rest(): Promise<void> {
    const answer = next(this.child, 'resting')
    this.child.send('rest')
    await answer
  }
}

const children: ChildProcess[] = []
/** Warnings of too many listeners. */
const leaks = new Set<string>()
const sleep = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

function next<T>(child: ChildProcess, type: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null): void =>
      reject(new Error(`${child.spawnargs[3]} ended with ${code ?? signal}`))
    child.on('message', function hear(line: { type: string }) {
      if (line.type !== type) return
      child.off('message', hear)
      child.off('exit', ended)
      resolve(line as T)
    })
    child.once('exit', ended)
  })
}

/** A mean: what is kept until the proof rises and falls within the window. */
function mean<F>(figures: readonly F[], of: (figures: F) => number): number {
  return figures.reduce((sum, each) => sum + of(each), 0) / figures.length
}

/** What all of them hold, sample by sample. */
function sums(peers: readonly Peer[]): Pick<Figures, Memory>[] {
  const sum = (n: number, of: (figures: Figures) => number): number => peers.reduce((all, { samples }) => all + of(samples[n]!), 0)
  return peers[0]!.samples.map((_, n) => ({
    resident: sum(n, figures => figures.resident),
    mapped: sum(n, figures => figures.mapped),
    heap: sum(n, figures => figures.heap),
    buffers: sum(n, figures => figures.buffers)
  }))
}

/** Sessions of all of them. */
function all(peers: readonly Peer[]): { done: number; failed: number } {
  const last = peers.map(({ samples }) => samples.at(-1)!)
  return { done: last.reduce((sum, { done }) => sum + done, 0), failed: last.reduce((sum, { failed }) => sum + failed, 0) }
}

/** Sentences about what grew; told as it is either way. */
function growth({ kind, samples }: { readonly kind: string; readonly samples: readonly Pick<Figures, Memory>[] }): string[] {
  const from = Math.floor(samples.length * WARM_UP)
  const window = Math.max(1, Math.floor(samples.length * WINDOW))
  const [early, late] = [samples.slice(from, from + window), samples.slice(-window)]
  return MEMORY.flatMap(name => {
    const [before, after] = [mean(early, figures => figures[name]), mean(late, figures => figures[name])]
    console.log(`${kind}: ${name} ${(before / MiB).toFixed(1)} MiB after warm-up, ${(after / MiB).toFixed(1)} MiB at the end`)
    // Nodes that come and go in one process leave pages to the allocator, not to the heap.
    if (name === 'mapped' || (name === 'resident' && kind === 'verifiers')) return []
    // A few megabytes are the noise of the allocator.
    return after > before * FLAT && after - before > 4 * MiB
      ? [`${kind}: ${name} grew by ${((after / before - 1) * 100).toFixed(1)} %`]
      : []
  })
}

const folder = await mkdtemp(join(tmpdir(), 'zklora-soak-'))
const faults: string[] = []
try {
  const contributor = await Peer.start('contributor', folder, 1)
  const before = await contributor.sample()
  contributor.samples.length = 0
  // A process for each, as on the machines of people: libp2p's nodes of one process wait for each other's locks.
  const users: Peer[] = []
  for (let first = 0; first < sessions; first += SESSIONS_OF_A_USER) {
    const count = Math.min(SESSIONS_OF_A_USER, sessions - first)
    users.push(await Peer.start('user', join(folder, `user-${users.length}`), count, contributor.address, first / sessions))
  }
  const verifiers = await Peer.start('verifiers', folder, VERIFIERS, contributor.address)
  const peers = [contributor, ...users, verifiers]
  for (let n = 0; n < SAMPLES; n++) {
    await sleep((minutes * MINUTE) / SAMPLES)
    for (const peer of peers) await peer.sample()
    const { resident, heap, sockets, streams, timers } = contributor.samples.at(-1)!
    const { done, failed } = all(users)
    console.log(
      `${n + 1}/${SAMPLES}: contributor ${(resident / MiB).toFixed(0)} MiB, heap ${(heap / MiB).toFixed(1)}, ${sockets} sockets, ${streams} streams, ${timers} timers; ${done} sessions, ${failed} failed`
    )
  }
  for (const peer of [...users, verifiers]) await peer.rest()
  const resting = await contributor.atRest(before.sockets + users.length)
  faults.push(...growth(contributor), ...growth({ kind: 'users', samples: sums(users) }), ...growth(verifiers))
  const rejections = peers.reduce((sum, { samples }) => sum + samples.at(-1)!.rejections, 0)
  if (rejections > 0) faults.push(`${rejections} rejections were not handled`)
  const { done, failed } = all(users)
  if (failed > 0) faults.push(`${failed} sessions failed`)
  console.log(`${done} sessions in ${minutes} minutes, ${sessions} at a time; ${verifiers.samples.at(-1)!.done} verifiers came and went`)
  console.log(
    `contributor, before and after: timers ${before.timers} and ${resting.timers}, sockets ${before.sockets} and ${resting.sockets}, streams ${before.streams} and ${resting.streams}`
  )
  if (resting.sockets > before.sockets + users.length) faults.push(`${resting.sockets} sockets are left, of ${users.length} users`)
  for (const { streams } of [resting, ...(await Promise.all(users.map(user => user.atRest(Infinity))))]) {
    if (streams > 0) faults.push(`${streams} streams are left`)
  }
  faults.push(...leaks)
  // Users are still connected, and each connection has its own.
  if (resting.timers > before.timers + 4 * resting.sockets + 8) faults.push(`${resting.timers} timers are left`)
  if (values.json !== undefined)
    await writeFile(values.json, JSON.stringify({ contributor: contributor.samples, users: sums(users), verifiers: verifiers.samples }))
} catch (error) {
  faults.push((error as Error).message)
} finally {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
}
for (const fault of faults) console.error(`FAULT ${fault}`)
process.exit(faults.length > 0 ? 1 : 0)
