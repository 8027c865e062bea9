/** The demo's participants: each a daemon in a process and a data folder of its own. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plural, shortPeer } from '../../src/cli/render/style.js'
import type { OwnAdapterInfo } from '../../src/roles/types.js'
import { Participant } from './participant.js'
import { say } from './screen.js'

const DEMO = fileURLToPath(new URL('../../../config/demo/', import.meta.url))
export const BASE = join(DEMO, 'models', 'novels-llama')
export const adapterFolder = (name: string): string => join(DEMO, 'adapters', name)

/** Milliseconds within which a process must be ready, and a verdict must come. */
export const READY = 60_000

interface Ready {
  peerId: string
  multiaddrs: string[]
  adapters: OwnAdapterInfo[]
}

export interface Member {
  process: Participant
  ready: Ready
  /** The flag by which commands reach its daemon. */
  self: string[]
}

export interface Network {
  bootstrap: Member
  user: Member
  verifier: Member
  shakespeare: Member
  kjv: Member
  /** Where the cheats join, and put their own folders. */
  address: string
  folder: string
}

async function member(folder: string, name: string, args: readonly string[]): Promise<Member> {
  const self = ['--data-dir', join(folder, name)]
  const process = Participant.cli(name, ['start', '--json', '--listen', '/ip4/127.0.0.1/tcp/0', '--private-addresses', ...self, ...args])
  const ready = (await process.line('the node', READY, line => line.type === 'ready')) as unknown as Ready
  return { process, ready, self }
}

export async function startNetwork(folder: string): Promise<Network> {
  const bootstrap = await member(folder, 'bootstrap', ['--role', 'bootstrap'])
  const address = bootstrap.ready.multiaddrs[0]!
  const join_ = (name: string, ...args: string[]): Promise<Member> => member(folder, name, ['--bootstrap', address, '--role', ...args])
  const serve = (name: string, adapter: string): Promise<Member> =>
    join_(name, 'contributor', '--base', BASE, '--adapter', adapterFolder(adapter), '--mode', 'open')
  const [user, verifier, shakespeare, kjv] = await Promise.all([
    join_('user', 'user'),
    join_('verifier', 'verifier'),
    serve('contributor-1', 'shakespeare-llama'),
    serve('contributor-2', 'kjv-llama')
  ])
  return { bootstrap, user, verifier, shakespeare, kjv, address, folder }
}

export function introduce(name: string, { ready }: Member, what = ''): void {
  const port = /\/tcp\/(\d+)/.exec(ready.multiaddrs[0] ?? '')?.[1] ?? '?'
  const [adapter] = ready.adapters
  const modules = adapter?.groups.flatMap(group => group.modules) ?? []
  const serves = adapter && `serves ${adapter.name} (rank ${modules[0]!.rank}, ${plural(modules.length, 'module')})`
  say(`  ${name.padEnd(12)}  ${shortPeer(ready.peerId).padEnd(11)}  127.0.0.1:${port.padEnd(6)} ${serves ?? what}`.trimEnd())
}
