/** The yardstick of exchanges: bytes there and back over one bare libp2p stream, with nothing done to them. */
import type { Stream } from '@libp2p/interface'
import { pEvent } from 'p-event'

export const ECHO_PROTOCOL = '/zklora-bench/echo/1.0.0'

/** Bytes of the question and of the answer: two u32 before the bytes. */
const HEADER = 8
/** Bytes handed over at a time, and unsent at most. */
const PIECE = 65_536
const UNSENT = 4 * PIECE

type Chunk = Parameters<Stream['send']>[0]

async function send(stream: Stream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE) {
    while (stream.writeBufferLength + PIECE > UNSENT) await pEvent(stream as never, 'drain')
    stream.send(bytes.subarray(at, at + PIECE))
  }
}

/** Bytes as they arrive; `wanted` are waited for and dropped. */
class Arrivals {
  private have = 0
  private head = new Uint8Array(HEADER)
  private wake = (): void => {}

  constructor(stream: Stream) {
    stream.addEventListener('message', event => {
      const chunk = (event as unknown as { data: Chunk }).data
      if (this.have < HEADER) this.head.set(chunk.subarray(0, HEADER - this.have), this.have)
      this.have += chunk.byteLength
      this.wake()
    })
  }

  async header(): Promise<[number, number]> {
    await this.until(HEADER)
    const view = new DataView(this.head.buffer)
    return [view.getUint32(0), view.getUint32(4)]
  }

  /** Waits for so many bytes since the last time. Nothing comes beyond: the other side waits as well. */
  async take(wanted: number): Promise<void> {
    await this.until(wanted)
    this.have -= wanted
  }

  private async until(wanted: number): Promise<void> {
    while (this.have < wanted) await new Promise<void>(resolve => (this.wake = resolve))
  }
}

/** The other process: answers each question with as many bytes as it asks for. */
export async function answerEchoes(stream: Stream): Promise<void> {
  const arrivals = new Arrivals(stream)
  while (stream.status === 'open') {
    const [asked, answered] = await arrivals.header()
    await arrivals.take(asked)
    await send(stream, new Uint8Array(answered))
  }
}

/** @param sizes bytes of the question, and of the answer */
export function echoOver(stream: Stream, sizes: { readonly asked: number; readonly answered: number }): () => Promise<void> {
  const arrivals = new Arrivals(stream)
  const question = new Uint8Array(Math.max(HEADER, sizes.asked))
  const view = new DataView(question.buffer)
  view.setUint32(0, question.length)
  view.setUint32(4, sizes.answered)
  return async () => {
    await send(stream, question)
    await arrivals.take(sizes.answered)
  }
}
