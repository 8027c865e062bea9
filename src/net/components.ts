/** The parts of a libp2p node that our services ask for, as narrow as they use them. */
import type { AbortOptions, PeerId, Stream, StreamHandler, StreamHandlerOptions, Topology } from '@libp2p/interface'

/** Handlers of protocols. */
export interface Registrar {
  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
  unhandle(protocol: string): Promise<void>
  /** Who is told of peers that speak it. */
  getTopologies(protocol: string): Topology[]
}

/** Streams to peers, dialled when they are not connected. */
export interface StreamOpener {
  openStream(peer: PeerId, protocol: string, options?: AbortOptions): Promise<Stream>
}
