/** The demo's story, told while it happens; throws where something is not as told. */
import { join } from 'node:path'
import { bytes, milliseconds, short, shortPeer } from '../../src/cli/render/style.js'
import type { FindResult, GenerateResult, SessionInfo, VerdictInfo } from '../../src/roles/types.js'
import { adapterFolder, BASE, introduce, type Network, READY } from './network.js'
import { CHEAT, command, Participant } from './participant.js'
import { progress, say, Stream, style, table } from './screen.js'

const PROMPT = '"My dear sir," said'
const SAMPLING = ['--temperature', '0.7', '--top-k', '40', '--seed', '7', '--max-new-tokens', '40']

function check(holds: boolean, expected: string, came: string): void {
  if (!holds) throw new Error(`expected ${expected}, but ${came}`)
}

function chapter(title: string): void {
  say()
  say(style.bold(title))
}

export function introduceAll({ bootstrap, shakespeare, kjv, user, verifier }: Network): void {
  introduce('bootstrap', bootstrap)
  introduce('contributor', shakespeare)
  introduce('contributor', kjv)
  introduce('user', user, 'runs novels-llama, has no adapter')
  introduce('verifier', verifier, 'knows nobody but the bootstrap')
}

export async function findContributors({ user }: Network): Promise<FindResult> {
  chapter('1  The user asks the DHT who serves adapters for novels-llama')
  const deadline = performance.now() + READY
  for (;;) {
    const result = (await command(['find', '--base', BASE, ...user.self], { mayFail: true })) as unknown as FindResult
    if (result.found?.length === 2) {
      const who = result.found.map(({ adapter, peer }) => `${adapter.name} at ${shortPeer(peer)}`)
      say(`     found 2 in ${milliseconds(result.elapsed)}: ${who.join(', ')}`)
      return result
    }
    check(performance.now() < deadline, 'two contributors', `the DHT names ${result.found?.length ?? 0}`)
  }
}

async function write(label: string, user: readonly string[], adapter?: string): Promise<GenerateResult> {
  const stream = new Stream(label, 19)
  stream.write(PROMPT)
  const use = adapter === undefined ? [] : ['--adapter', adapter]
  const line = await command(['generate', PROMPT, '--base', BASE, ...use, ...SAMPLING, ...user], {
    onLine: event => event.type === 'token' && stream.write(event['text'] as string)
  })
  stream.end()
  return line['result'] as GenerateResult
}

export async function writeThreeWays({ user }: Network, { found }: FindResult): Promise<SessionInfo[]> {
  chapter('2  One prompt, three ways')
  await write('base', user.self)
  const sessions: SessionInfo[] = []
  for (const name of ['shakespeare-llama', 'kjv-llama']) {
    const { id } = found.find(({ adapter }) => adapter.name === name)!.adapter
    sessions.push(...(await write(`+ ${name.replace('-llama', '')}`, user.self, id)).sessions)
  }
  return sessions
}

async function verdictOf(verifier: Participant, digest: string): Promise<VerdictInfo> {
  progress('the verifier fetches and verifies …')
  const line = await verifier.line(`a verdict on ${short(digest)}`, READY, ({ type, verdict }) => {
    const info = verdict as VerdictInfo | undefined
    return type === 'verdict' && info?.digest === digest && info.verdict !== 'announced'
  })
  return line['verdict'] as VerdictInfo
}

export async function showProofs({ verifier, shakespeare, kjv }: Network, sessions: readonly SessionInfo[]): Promise<void> {
  chapter('3  What was proved, and by whom it was checked')
  const rows = [['session', 'adapter', 'rows', 'bundle', 'proved in', `verdict of ${shortPeer(verifier.ready.peerId)}`]]
  for (const { session, adapterName, rows: count, digest, bundleBytes, error } of sessions) {
    check(digest !== null, `a proof of ${adapterName}`, error ?? 'there is none')
    const { verdict, rows: verified, error: why, elapsed } = await verdictOf(verifier.process, digest!)
    check(verdict === 'valid' && verified === count, `${count} valid rows`, `the verifier says ${verdict}${why === null ? '' : `: ${why}`}`)
    const prover = adapterName === 'shakespeare-llama' ? shakespeare : kjv
    const proved = await prover.process.line('the proof', READY, ({ type, session: info }) => {
      return type === 'session' && (info as SessionInfo).session === session && (info as SessionInfo).times.prove !== null
    })
    const { prove } = (proved['session'] as SessionInfo).times
    rows.push([
      short(session, 4),
      adapterName,
      String(count),
      bytes(bundleBytes!),
      milliseconds(prove!),
      `valid, ${milliseconds(elapsed!)}`
    ])
  }
  table(rows)
  say('  The verifier saw neither prompt nor activations nor weights.')
  say('  Not proved: that the base model was run honestly (see README, "What is proved, and what is not").')
}

export async function cheat({ user, verifier, address, folder }: Network): Promise<void> {
  chapter('4  A contributor changes its weights after advertising them')
  progress('a cheat joins …')
  const start = (role: string, adapter: string): Participant =>
    new Participant(`cheating ${role}`, [CHEAT, role, join(folder, `cheat-${role}`), address, BASE, adapter])
  const contributor = start('contributor', adapterFolder('kjv-llama'))
  const ready = await contributor.line('the cheat', READY, ({ type }) => type === 'ready')
  const target = `${ready['adapter']}@${(ready['multiaddrs'] as string[])[0]}`
  const args = ['generate', PROMPT, '--base', BASE, '--adapter', target, ...SAMPLING, ...user.self]
  const { error } = (await command(args, { mayFail: true })) as { error?: { name: string; message: string } }
  check(error?.name === 'InvalidProofError', 'the user to stop with InvalidProofError', error?.message ?? 'it went on')
  say("  the user stops: the answer does not fit the adapter's commitment.")
  say(style.dim(`    ${error!.name}: ${error!.message}`))
  const forced = start('user', target)
  const { result } = await forced.line('the forced session', READY, ({ type }) => type === 'result')
  const { verdict, error: why } = await verdictOf(verifier.process, (result as GenerateResult).sessions[0]!.digest!)
  check(verdict === 'invalid', 'the forged bundle to be refused', `the verifier says ${verdict}`)
  say('  forced on, with a user who signs whatever it gets, its bundle is refused by the verifier.')
  say(style.dim(`    InvalidProofError: ${why}`))
}
