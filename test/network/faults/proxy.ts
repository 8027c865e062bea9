/** A TCP proxy between two real nodes that does to their bytes what bad lines and bad peers do. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { Lane, type Weather } from './lane.js'
import { generator } from './random.js'

export type { Weather } from './lane.js'

/** One connection through the proxy. */
export interface Link {
  /** From who dialled, and to it. */
  readonly up: Lane
  readonly down: Lane
  /** Both ends see a reset. */
  cut(): void
}

export interface Proxy {
  /** To be dialled instead of the node's own. */
  readonly address: Multiaddr
  /** The connections so far, oldest first. */
  readonly links: readonly Link[]
  /** The latest. */
  readonly link: Link
}

/**
 * Listens on loopback and passes on to `target`; closed when the test ends.
 * @param target a node's TCP address, with or without /p2p/
 * @param options.seed of everything that is drawn
 */
export async function faultyProxy(
  t: ExecutionContext,
  target: Multiaddr,
  options: { readonly seed?: number; readonly up?: Weather; readonly down?: Weather } = {}
): Promise<Proxy> {
  const parts = target.getComponents()
  const valueOf = (name: string): string | undefined => parts.find(part => part.name === name)?.value
  const links: Link[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    // Told by the lanes.
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer({ allowHalfOpen: true }, near => {
    const far = connect({ host: valueOf('ip4')!, port: Number(valueOf('tcp')), allowHalfOpen: true })
    keep(near)
    keep(far)
    // Each its own: how they interleave changes from run to run.
    const seed = (options.seed ?? 1) + 2 * links.length
    const up = new Lane(near, far, options.up ?? {}, generator(seed))
    const down = new Lane(far, near, options.down ?? {}, generator(seed + 1))
    const cut = (): void => {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    links.push({ up, down, cut })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const peer = valueOf('p2p')
  const address = multiaddr(`/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}${peer === undefined ? '' : `/p2p/${peer}`}`)
  return {
    address,
    links,
    get link() {
      return links.at(-1)!
    }
  }
}
