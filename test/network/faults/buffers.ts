/** Bytes that a node holds for a peer that does not read: what the limits are about. */
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { ExecutionContext } from 'ava'

export interface Buffered {
  /** The fullest stream, of what is handed over and not sent. */
  stream: number
  /** Below the streams: encrypted, and in the socket. */
  connection: number
}

/** libp2p's own, which its interface does not show. */
interface Inside {
  readonly writeBufferLength?: number
  readonly maConn?: Inside
  readonly stream?: Inside
  readonly socket?: { readonly writableLength: number }
}

/** How often the buffers are looked at, milliseconds. */
const EVERY = 2

function below(connection: Connection): number {
  const { maConn, muxer } = connection as unknown as { maConn: Inside; muxer: { maConn: Inside } }
  return (muxer.maConn.writeBufferLength ?? 0) + (maConn.writeBufferLength ?? 0) + (maConn.socket?.writableLength ?? 0)
}

/** The most that was held for this peer, from now until the test ends. */
export function watchBuffers(t: ExecutionContext, node: Pick<Libp2p<never>, 'getConnections'>, peer: PeerId): Buffered {
  const most: Buffered = { stream: 0, connection: 0 }
  const timer = setInterval(() => {
    for (const connection of node.getConnections(peer)) {
      for (const stream of connection.streams) most.stream = Math.max(most.stream, stream.writeBufferLength)
      most.connection = Math.max(most.connection, below(connection))
    }
  }, EVERY)
  t.teardown(() => clearInterval(timer))
  return most
}
