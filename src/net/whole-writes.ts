/**
 * Noise over whole writes. js-libp2p hands every piece of a message to the socket by itself (length, header, text, tag), and a write to
 * the socket costs a system call: more than copying the pieces together, and it wakes the peer for each.
 */
import { noise } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

/** Bytes of what is put together: of more the pieces themselves are long. */
const MOST = 16_384

function withWholeWrites(stream: MessageStream): MessageStream {
  const send = stream.send.bind(stream)
  stream.send = data => send(data.byteLength <= MOST ? data.subarray() : data)
  return stream
}

export function noiseInWholeWrites(): ReturnType<typeof noise> {
  return components => {
    const encrypter = noise()(components) as ConnectionEncrypter
    const { secureInbound, secureOutbound } = encrypter
    encrypter.secureInbound = (connection, options) => secureInbound.call(encrypter, withWholeWrites(connection), options)
    encrypter.secureOutbound = (connection, options) => secureOutbound.call(encrypter, withWholeWrites(connection), options)
    return encrypter as ReturnType<ReturnType<typeof noise>>
  }
}
