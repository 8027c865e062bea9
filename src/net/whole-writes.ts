/**
 * Noise over whole writes. js-libp2p hands every piece of a message to the socket by itself (length, header, text, tag), and a write to
 * the socket costs a system call: more than copying the pieces together, and it wakes the peer for each. What it decrypts goes past the guards.
 */
import { noise } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'
import type { Counters } from '../counters.js'
import { guardEncrypted } from './guard/index.js'

/** Bytes of what is put together: of more the pieces themselves are long. */
const MOST = 16_384

function withWholeWrites(stream: MessageStream): MessageStream {
  const send = stream.send.bind(stream)
  stream.send = data => send(data.byteLength <= MOST ? data.subarray() : data)
  return stream
}

function guarded<Secured extends SecuredConnection>(secured: Secured, counters: Counters | undefined): Secured {
  guardEncrypted(secured.connection, secured.streamMuxer !== undefined, counters)
  return secured
}

export function noiseInWholeWrites(counters?: Counters): ReturnType<typeof noise> {
  return components => {
    const encrypter = noise()(components) as ConnectionEncrypter
    const { secureInbound, secureOutbound } = encrypter
    encrypter.secureInbound = async (connection, options) =>
      guarded(await secureInbound.call(encrypter, withWholeWrites(connection), options), counters)
    encrypter.secureOutbound = async (connection, options) =>
      guarded(await secureOutbound.call(encrypter, withWholeWrites(connection), options), counters)
    return encrypter as ReturnType<ReturnType<typeof noise>>
  }
}
