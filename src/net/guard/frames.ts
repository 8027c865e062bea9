/** Frames of yamux on one connection, counted before they are handled: each costs the same work, whether it carries bytes or not. */
import { atLimit } from '../../counters.js'
import { LimitExceededError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import { Budget } from '../rates.js'

const HEADER_BYTES = 12
const DATA = 0
const SYN = 1

export class FrameRates {
  private readonly header = new Uint8Array(HEADER_BYTES)
  private have = 0
  /** Bytes of the data frame under way that are still to come. */
  private left = 0
  private readonly small = new Budget(NET_LIMITS.smallFramesPerSecond, NET_LIMITS.smallFrames)
  private readonly streams = new Budget(NET_LIMITS.streamsPerSecond, NET_LIMITS.streams)

  /**
   * @param now milliseconds
   * @param taken false while the peer does not take what we send: it answers for all that it makes us queue
   * @throws LimitExceededError
   */
  feed(bytes: Uint8Array, now: number, taken: boolean): void {
    for (let at = 0; at < bytes.length;) {
      if (this.left > 0) {
        const skipped = Math.min(this.left, bytes.length - at)
        this.left -= skipped
        at += skipped
        continue
      }
      this.header[this.have++] = bytes[at++]!
      if (this.have < HEADER_BYTES) continue
      this.have = 0
      this.frame(now, taken)
    }
  }

  private frame(now: number, taken: boolean): void {
    const view = new DataView(this.header.buffer)
    const length = view.getUint32(8)
    const isData = view.getUint8(1) === DATA
    if (isData) this.left = length
    if (!(isData && length >= NET_LIMITS.smallFrameBytes) && !this.small.spend(1, now, taken)) {
      const { smallFrames } = NET_LIMITS
      throw atLimit('smallFrames', new LimitExceededError('small frames of one connection at once', smallFrames + 1, smallFrames))
    }
    if ((view.getUint16(2) & SYN) !== 0 && view.getUint8(1) < 2 && !this.streams.spend(1, now, taken)) {
      const { streams } = NET_LIMITS
      throw atLimit('streams', new LimitExceededError('streams opened by one connection at once', streams + 1, streams))
    }
  }
}
