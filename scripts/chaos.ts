/**
 * `npm run chaos [-- --times N] [--seed S] [--keep]`: a contributor, a user and a verifier as processes; contributor and user are
 * killed (SIGKILL) N times at moments drawn from the seed and started again. Afterwards every store opens, every bundle verifies, no
 * feed forks, and what both sides signed is proved.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generator } from '../test/network/faults/random.js'
import { checkStores } from './chaos/check.js'
import { type Line, Peer } from './chaos/process.js'

/** Milliseconds after a process is ready, or after a session's change, in which it is killed. */
const LIFE = 1500
const AFTER_EVENT = 60
/** Milliseconds in which everything that broke must be settled. */
const SETTLE = 120_000
/** Milliseconds in which the user hears of what was announced; some that was proved never is, where the user went before its receipt. */
const FINISH = 30_000
const UNSETTLED = ['open', 'proving', 'broken']
/** As long as there is time: the contributor may have announced it, and the user not heard of that. */
const UNFINISHED = [...UNSETTLED, 'proved']

const { values } = parseArgs({
  options: { times: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' }, keep: { type: 'boolean', default: false } }
})
const [times, seed] = [Number(values.times), Number(values.seed)]
if (!Number.isInteger(times) || times < 0 || !Number.isInteger(seed)) throw new Error('--times and --seed are whole numbers')
const draw = generator(seed)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const sleep = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

/** A moment: some time, or a little after a session has changed its state. */
async function moment(user: Peer): Promise<string> {
  const state = [undefined, 'open', 'proving', 'proved', 'announced'][Math.floor(draw() * 5)]
  const [wait, after] = [draw() * LIFE, draw() * AFTER_EVENT]
  if (state === undefined) {
    await sleep(wait)
    return `after ${wait.toFixed(0)} ms`
  }
  const seen = user.line(line => line.type === 'session' && line.session.state === state, 2 * LIFE).catch(() => undefined)
  await seen
  await sleep(after)
  return `${after.toFixed(0)} ms after ${state}`
}

const folder = await mkdtemp(join(tmpdir(), 'zklora-chaos-'))
const folders = { contributor: join(folder, 'contributor'), user: join(folder, 'user'), verifier: join(folder, 'verifier') }
const contributor = new Peer('contributor', folders.contributor, { port: await freePort(), seed })
const started = performance.now()
const peers: Peer[] = [contributor]
try {
  await contributor.start()
  const bootstrap = contributor.address
  const user = new Peer('user', folders.user, { port: await freePort(), seed, bootstrap })
  const verifier = new Peer('verifier', folders.verifier, { port: await freePort(), seed, bootstrap })
  peers.push(user, verifier)
  const states: Record<string, number> = {}
  const count = (line: Line): void => {
    if (line.type === 'session') states[line.session.state] = (states[line.session.state] ?? 0) + 1
    if (line.type === 'failed') states['generate failed'] = (states['generate failed'] ?? 0) + 1
  }
  user.listen(count)
  await Promise.all([user.start(), verifier.start()])
  for (let n = 1; n <= times; n++) {
    const victim = draw() < 0.5 ? contributor : user
    const when = await moment(user)
    await victim.kill()
    const killed = performance.now()
    await victim.start()
    console.log(`${n}/${times}: ${victim.role} killed ${when}, back in ${(performance.now() - killed).toFixed(0)} ms`)
  }
  user.send('rest')
  const rested = performance.now()
  const [deadline, finish] = [rested + SETTLE, rested + FINISH]
  for (;;) {
    const unfinished = (await user.sessions()).filter(({ state }) => UNFINISHED.includes(state))
    if (unfinished.length === 0) break
    const left = unfinished.filter(({ state }) => UNSETTLED.includes(state))
    if (performance.now() > finish && left.length === 0) break
    if (performance.now() > deadline) throw new Error(`${left.length} sessions of the user are not settled: ${JSON.stringify(left[0])}`)
    await sleep(500)
  }
  for (const peer of peers) await peer.stop()
  const checked = await checkStores(folders)
  console.log(`user's session states: ${JSON.stringify(states)}`)
  const { sessions, announced, bundles, faults } = checked
  console.log(
    `${sessions} sessions, ${announced} announcements, ${bundles} bundles verified, ${((performance.now() - started) / 1000).toFixed(0)} s`
  )
  for (const fault of faults) console.error(`FAULT ${fault}`)
  if (faults.length > 0) process.exitCode = 1
} catch (error) {
  console.error(`chaos: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await Promise.all(peers.map(peer => peer.kill()))
  if (values.keep) console.log(folder)
  else await rm(folder, { recursive: true, force: true })
}
process.exit()
