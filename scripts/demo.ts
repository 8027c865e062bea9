/**
 * `npm run demo`: five participants as separate processes on this machine, one prompt with and without remote adapters, what was
 * proved and by whom it was checked, and a cheat. Nothing is simulated; whatever is not as told ends it with a non-zero status.
 * `--keep` leaves the network running until Ctrl-C.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { milliseconds } from '../src/cli/render/style.js'
import { type Network, startNetwork } from './demo/network.js'
import { stopAll } from './demo/participant.js'
import { progress, say, style } from './demo/screen.js'
import { cheat, findContributors, introduceAll, showProofs, writeThreeWays } from './demo/story.js'

const INTERRUPTED = 130

async function tell(network: Network): Promise<void> {
  introduceAll(network)
  const found = await findContributors(network)
  const sessions = await writeThreeWays(network, found)
  await showProofs(network, sessions)
  await cheat(network)
}

async function keepRunning({ address, user, verifier }: Network): Promise<void> {
  say('The network runs on; Ctrl-C ends it. Try in another terminal:')
  say(`  npx zklora status ${user.self.join(' ')}`)
  say(`  npx zklora watch --kept ${verifier.self.join(' ')}`)
  say(`  npx zklora find --base config/demo/models/novels-llama --private-addresses --bootstrap ${address} --data-dir "$(mktemp -d)"`)
  await new Promise<void>(() => {})
}

const folder = await mkdtemp(join(tmpdir(), 'zklora-demo-'))
const started = performance.now()
const interrupted = new Promise<'interrupted'>(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'))
})

async function run(): Promise<void> {
  say(style.bold('zklora demo: five processes on this machine, then a cheat'))
  say()
  progress('starting …')
  const network = await startNetwork(folder)
  await tell(network)
  say()
  say(style.good(`Everything happened as told, in ${milliseconds(performance.now() - started)}.`))
  if (process.argv.includes('--keep')) await keepRunning(network)
  say('Next: npx zklora --help · npx zklora start --help · README, "On three machines"')
}

try {
  if ((await Promise.race([run(), interrupted])) === 'interrupted') process.exitCode = INTERRUPTED
} catch (error) {
  say()
  say(style.bad((error as Error).message))
  process.exitCode = 1
} finally {
  await stopAll()
  await rm(folder, { recursive: true, force: true })
}
process.exit()
