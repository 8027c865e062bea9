/** Where the guards look at what arrives: between a libp2p stream and whoever reads it. */
import type { MessageStream } from '@libp2p/interface'
import type { AbstractMessageStream } from '@libp2p/utils'
import type { Counters } from '../../counters.js'
import type { Uint8ArrayList } from 'uint8arraylist'

type Chunk = Uint8Array | Uint8ArrayList

/** What all of js-libp2p's connections and streams are; `readBuffer` is hidden by the types alone. */
interface Inner extends Pick<AbstractMessageStream, 'onData' | 'maxWriteBufferLength' | 'writableNeedsDrain'> {
  readonly readBuffer: Uint8ArrayList
}

/**
 * Shows all bytes to `look` before anybody reads them. A throw ends the stream with that error.
 * @param look returns true when it has seen enough
 */
export function watchIncoming(stream: MessageStream, look: (bytes: Uint8Array) => boolean, counters?: Counters): void {
  const inner = stream as unknown as Inner
  const { onData } = inner
  const seen = (chunk: Chunk): boolean => {
    for (const bytes of chunk instanceof Uint8Array ? [chunk] : chunk) if (look(bytes)) return true
    return false
  }
  const guarded = (pass: () => void, chunk: Chunk): void => {
    try {
      if (seen(chunk)) inner.onData = onData
    } catch (error) {
      inner.onData = () => {}
      counters?.hit(error)
      stream.abort(error as Error)
      return
    }
    pass()
  }
  inner.onData = chunk => guarded(() => onData.call(inner, chunk), chunk)
  // What came before this one looked.
  if (inner.readBuffer.byteLength > 0) guarded(() => {}, inner.readBuffer.sublist())
}

/** Bounds what may wait to be sent: js-libp2p keeps all of it for a peer that reads nothing. */
export function boundUnsent(stream: MessageStream, bytes: number, counters?: Counters): void {
  stream.addEventListener('close', ({ error }) => {
    if (error?.name === 'StreamBufferError') counters?.limits.add('connectionUnsentBytes')
  })
  ;(stream as unknown as Inner).maxWriteBufferLength = bytes
}

/** False while the peer does not take what is sent. */
export function takes(stream: MessageStream): boolean {
  return !(stream as unknown as Inner).writableNeedsDrain
}
