/** The muxer with guards on its connection and on every stream: how each negotiates, and how frames of libp2p's own protocols are measured. */
import type { MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { setMaxListeners } from 'main-event'
import { atLimit, type Counters } from '../../counters.js'
import { LimitExceededError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import { Budget } from '../rates.js'
import { SESSION_PROTOCOL } from '../../proof/index.js'
import { OTHER_VERSION } from '../versions.js'
import { Answers } from './answers.js'
import { FrameRates } from './frames.js'
import { Lengths, Negotiation } from './framing.js'
import { boundUnsent, takes, watchIncoming } from './watch.js'

const IDENTIFY = '/ipfs/id/1.0.0'
/** A session protocol; this node may not speak its own either, when it serves nobody. */
const SESSION_VERSION = /^\/zklora\/session\/\d{1,9}\.\d{1,9}\.\d{1,9}$/
const MUXER = '/yamux/1.0.0'
const GOSSIP = '/meshsub/'
/** What a message of gossip costs beside its bytes. */
const RPC_BYTES = 256
/** As long as a length of four bytes can say: gossipsub itself refuses what is longer than its own bound. */
const LONGEST_RPC = 2 ** 28

/** What the guards ask libp2p for. */
export interface GuardComponents {
  registrar: { getProtocols(): string[] }
}

/** Muxers of js-libp2p: where streams of the peer begin is no part of the interface. */
type Muxer = StreamMuxer & { onRemoteStream(stream: Stream): void }

/** An encrypted connection: the line that names the muxer (unless the handshake has), then frames. @param muxerNamed by the handshake */
export function guardEncrypted(connection: MessageStream, muxerNamed: boolean, counters?: Counters): void {
  const rates = new FrameRates()
  const negotiation = new Negotiation(protocol => protocol === MUXER)
  let named = muxerNamed
  boundUnsent(connection, NET_LIMITS.connectionUnsentBytes, counters)
  const look = (bytes: Uint8Array): boolean => {
    let frames = bytes
    if (!named) {
      const end = negotiation.feed(bytes)
      if (end === undefined) return false
      named = true
      frames = end.rest
    }
    rates.feed(frames, performance.now(), takes(connection))
    return false
  }
  watchIncoming(connection, look, counters)
}

/** @param kadProtocol name of the DHT's protocol */
export function guardStreams<Components extends GuardComponents>(
  factory: (components: Components) => StreamMuxerFactory,
  kadProtocol: string,
  counters?: Counters
): (components: Components) => StreamMuxerFactory {
  return components => {
    const inner = factory(components)
    const { createStreamMuxer } = inner
    inner.createStreamMuxer = connection => {
      const muxer = createStreamMuxer.call(inner, connection) as Muxer
      const queries = new Budget(NET_LIMITS.queriesPerSecond, NET_LIMITS.queries)
      const gossip = new Budget(NET_LIMITS.gossipBytesPerSecond, NET_LIMITS.gossipBytes)
      const guard = (stream: Stream): void =>
        guardStream(stream, { registrar: components.registrar, kadProtocol, queries, gossip, counters })
      const { onRemoteStream, createStream, close } = muxer
      muxer.onRemoteStream = stream => {
        guard(stream)
        onRemoteStream.call(muxer, stream)
      }
      muxer.createStream = async options => {
        const stream = await createStream.call(muxer, options)
        guard(stream)
        return stream
      }
      // All its streams wait on one signal: Node warns from the 11th on.
      muxer.close = async options => {
        if (options?.signal !== undefined) setMaxListeners(Infinity, options.signal)
        await close.call(muxer, options)
      }
      return muxer
    }
    return inner
  }
}

interface StreamGuard extends GuardComponents {
  readonly kadProtocol: string
  /** Of all the peer's streams. */
  readonly queries: Budget
  readonly gossip: Budget
  readonly counters: Counters | undefined
}

function guardStream(stream: Stream, { registrar, kadProtocol, queries, gossip, counters }: StreamGuard): void {
  const inbound = stream.direction === 'inbound'
  // Who is asked answers with the protocol or with "na".
  let asksOtherVersion = false
  let isNegotiated = false
  const negotiation = new Negotiation(line => {
    if (!inbound) return line.startsWith('/')
    if (registrar.getProtocols().includes(line)) return true
    if (line !== SESSION_PROTOCOL && SESSION_VERSION.test(line)) asksOtherVersion = true
    return false
  })
  let lengths: { feed(bytes: Uint8Array): unknown } | undefined
  const lengthsOf = (protocol: string): typeof lengths => {
    if (protocol === IDENTIFY) return new Lengths(NET_LIMITS.identifyBytes, undefined, 'identifyBytes')
    if (inbound && protocol.startsWith(GOSSIP)) {
      return new Lengths(LONGEST_RPC, length => {
        if (gossip.spend(length + RPC_BYTES, performance.now())) return
        const { gossipBytes: most } = NET_LIMITS
        throw atLimit('gossipBytes', new LimitExceededError('bytes of gossip of one connection at once', most + 1, most))
      })
    }
    if (protocol !== kadProtocol) return undefined
    if (!inbound) return new Answers()
    const onQuery = (): void => {
      if (queries.spend(1, performance.now())) return
      const { queries: most } = NET_LIMITS
      throw atLimit('queries', new LimitExceededError('queries of one connection at once', most + 1, most))
    }
    return new Lengths(NET_LIMITS.queryBytes, onQuery, 'queryBytes')
  }
  const look = (bytes: Uint8Array): boolean => {
    let body = bytes
    if (lengths === undefined) {
      const end = negotiation.feed(bytes)
      if (end === undefined) return false
      isNegotiated = true
      lengths = lengthsOf(end.protocol)
      body = end.rest
    }
    lengths?.feed(body)
    return lengths === undefined
  }
  watchIncoming(stream, look, counters)
  // Each version was answered with "na"; who asks for several, the newest first, may have found one.
  stream.addEventListener('close', () => {
    if (asksOtherVersion && !isNegotiated) counters?.refused.add(OTHER_VERSION)
  })
}
