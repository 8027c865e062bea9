/** Carries the messages of one side of a session over its stream, in both directions at once, until the session ends or fails. */
import type { Stream } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { codeOf, encodeMessage, endedByPeer, type Machine } from '../../session/index.js'
import { closeStream, streamError, writeFrames } from '../streams.js'
import { Watch } from './watch.js'

/**
 * Milliseconds in which a side that was told a code may close the stream before it is reset: a reset overtakes bytes that the other
 * side has not read yet (go-libp2p throws them away), and the code with them.
 */
const FAREWELL = 2_000

/**
 * @param frames what is read from the stream
 * @param peer for the sentences of errors
 * @throws what the session failed with; the peer has been told the code and the stream is reset
 */
export async function carry(stream: Stream, frames: AsyncGenerator<Uint8Array>, side: Machine, peer: string): Promise<void> {
  const stop = new AbortController()
  const watch = new Watch(
    () => side.deadlines(),
    error => {
      side.fail(error)
      // A session that has ended cannot fail any more, but its stream can hang.
      if (side.finished) stream.abort(error)
    }
  )
  // False while a frame is handed over in pieces: then nothing else may be written.
  let between = true
  const outgoing = async function* (): AsyncGenerator<Uint8Array> {
    for await (const message of side.outgoing()) {
      between = false
      // Before it is handed over: a peer that does not read is a peer that does not answer.
      watch.update()
      yield message
      between = true
    }
  }
  const send = async (): Promise<void> => {
    await pipe(outgoing, writeFrames(stream, stop.signal))
    // This side is finished: now the other owes the end of its stream.
    watch.update()
    await stream.close({ signal: stop.signal })
  }
  const receive = async (): Promise<void> => {
    for await (const frame of frames) {
      // What comes after the end is only waited for, so that the other side can read why.
      if (stop.signal.aborted) return
      await side.receive(frame)
      watch.update()
    }
    side.peerClosed()
  }
  watch.update()
  try {
    await Promise.race([Promise.all([send(), receive()]), side.broken()])
  } catch (cause) {
    const error = side.failure ?? streamError(cause, peer)
    if (side.finished) stream.abort(error)
    else {
      side.fail(error)
      if (!endedByPeer(error) && between && tell(stream, codeOf(error))) void closeStream(stream, FAREWELL)
      else stream.abort(error)
      throw error
    }
  } finally {
    stop.abort()
    watch.stop()
  }
}

/** Hands the code over, if the stream still takes it. */
function tell(stream: Stream, code: number): boolean {
  if (stream.writeStatus !== 'writable' || stream.writeBufferLength > 0) return false
  stream.send(encode.single(encodeMessage({ failure: { code } })))
  return true
}
