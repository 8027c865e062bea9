/** Versions of our protocols: matched exactly, newest first. Who speaks no version that this node speaks is told apart from who serves nobody. */
import type { AbortOptions, IdentifyResult, Libp2pEvents, Peer, PeerId, TypedEventTarget } from '@libp2p/interface'
import { UnsupportedError } from '../errors.js'
import { timeLimit } from './time-limit.js'

/** Under which refusals are counted that are no code: neither side understood the other. */
export const OTHER_VERSION = 'other version'

/** Milliseconds in which a peer that has just been connected says what it speaks. */
const IDENTIFY = 2000
/** Why a peer speaks no version of it. */
const SILENT: Readonly<Record<string, string>> = { '/zklora/session/': 'it serves nobody', '/zklora/fetch/': 'it is no node of zklora' }
const AGENT = 'AgentVersion'
const OUR_AGENT = /^zklora\/([0-9A-Za-z.+-]{1,32}) /
const VERSION = /\/(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/

export interface VersionComponents {
  peerStore: { get(peer: PeerId, options?: AbortOptions): Promise<Peer> }
  events: Pick<TypedEventTarget<Libp2pEvents>, 'addEventListener' | 'removeEventListener'>
}

export interface Unsupported {
  readonly error: UnsupportedError
  /** It speaks the protocol, in a version that this node does not. */
  readonly isOtherVersion: boolean
}

/** Why a peer did not take a stream, in a sentence that says who has to do what. */
export async function unsupported(
  components: VersionComponents,
  peer: PeerId,
  { protocol, cause }: { readonly protocol: string; readonly cause: unknown }
): Promise<Unsupported> {
  const { protocols, agent } = await spokenBy(components, peer)
  const family = protocol.replace(VERSION, '/')
  const spoken = protocols.filter(other => other.startsWith(family) && VERSION.test(other))
  if (spoken.length === 0) {
    const why = `peer ${peer} does not speak ${protocol}: ${SILENT[family] ?? 'it has no such role'}, or runs another version of zklora`
    return { error: new UnsupportedError(why, { cause }), isOtherVersion: false }
  }
  const release = OUR_AGENT.exec(agent)?.[1]
  const remedy = spoken.some(other => isNewer(other, protocol)) ? 'update zklora here' : 'its operator has to update zklora'
  const what = `peer ${peer}${release === undefined ? '' : `, with zklora ${release},`} speaks ${spoken.join(', ')} and this node ${protocol}`
  return { error: new UnsupportedError(`${what}: ${remedy}`, { cause }), isOtherVersion: true }
}

/** What identify has told, or tells soon. */
async function spokenBy({ peerStore, events }: VersionComponents, peer: PeerId): Promise<{ protocols: readonly string[]; agent: string }> {
  const time = timeLimit(IDENTIFY)
  const told = new Promise<void>(resolve => {
    const end = (): void => {
      events.removeEventListener('peer:identify', listen)
      resolve()
    }
    const listen = ({ detail }: CustomEvent<IdentifyResult>): void => {
      if (detail.peerId.equals(peer)) end()
    }
    events.addEventListener('peer:identify', listen)
    time.addEventListener('abort', end)
  })
  const look = (): Promise<Peer | undefined> => peerStore.get(peer).catch(() => undefined)
  let known = await look()
  // Before identify, only protocols are known of which the peer has opened streams.
  if (known?.metadata.get(AGENT) === undefined) {
    await told
    known = await look()
  }
  const agent = known?.metadata.get(AGENT)
  return { protocols: known?.protocols ?? [], agent: agent === undefined ? '' : new TextDecoder().decode(agent) }
}

function isNewer(a: string, b: string): boolean {
  const [of, than] = [a, b].map(protocol => VERSION.exec(protocol)!.slice(1).map(Number)) as [number[], number[]]
  const at = of.findIndex((part, i) => part !== than[i])
  return at >= 0 && of[at]! > than[at]!
}
