/**
 * Answers of the DHT, as they arrive: how many peers each names. js-libp2p takes them all, and what it does with one takes the longer the
 * more there are (kad-dht 16): an answer of 160 KB kept a node busy for seconds.
 */
import { atLimit } from '../../counters.js'
import { LimitExceededError, MalformedMessageError } from '../../errors.js'
import { NET_LIMITS } from '../../limits.js'
import { Lengths } from './framing.js'

/** Fields of kad-dht's message, and how many of each an answer has at most: the node's own record may come on top of those that it keeps. */
const MOST: Readonly<Record<number, number>> = { 8: NET_LIMITS.queryCloserPeers, 9: NET_LIMITS.providerRecordsPerKey + 1 }
const WIRE_VARINT = 0
const WIRE_BYTES = 2
/** Bits of a varint in protobuf. */
const VARINT_BITS = 64

/** The fields of a protobuf message on its highest level, counted; only varints and bytes, as kad-dht's message has. */
class Fields {
  private counts: Record<number, number> = {}
  private value = 0
  private bits = 0
  /** What the varint under way is: a key, a value to be passed over, or the length of bytes. */
  private reads: 'key' | 'value' | 'length' = 'key'
  /** Bytes of the field under way that are still to come. */
  private left = 0

  feed(bytes: Uint8Array, ended: boolean): void {
    for (let at = 0; at < bytes.length;) {
      const skipped = Math.min(this.left, bytes.length - at)
      this.left -= skipped
      at += skipped
      if (at < bytes.length && skipped === 0) this.byte(bytes[at++]!)
    }
    if (!ended) return
    if (this.left > 0 || this.bits > 0 || this.reads !== 'key')
      throw new MalformedMessageError('an answer of the DHT ends inside of a field')
    this.counts = {}
  }

  private byte(byte: number): void {
    this.value += (byte & 0x7f) * 2 ** this.bits
    this.bits += 7
    if (this.bits > VARINT_BITS + 6) throw new MalformedMessageError('a varint in an answer of the DHT is too long')
    if (byte >= 0x80) return
    const value = this.value
    this.value = this.bits = 0
    if (this.reads === 'key') this.key(value)
    else {
      if (this.reads === 'length') this.left = value
      this.reads = 'key'
    }
  }

  private key(value: number): void {
    const [field, wire] = [Math.floor(value / 8), value % 8]
    if (wire !== WIRE_VARINT && wire !== WIRE_BYTES) throw new MalformedMessageError(`an answer of the DHT has wire type ${wire}`)
    this.reads = wire === WIRE_VARINT ? 'value' : 'length'
    const most = MOST[field]
    if (most === undefined) return
    const count = (this.counts[field] = (this.counts[field] ?? 0) + 1)
    if (count <= most) return
    if (field === 8) throw atLimit('queryCloserPeers', new LimitExceededError('closer peers of an answer', count, most))
    throw atLimit('providerRecordsPerKey', new LimitExceededError('providers of an answer', count, most))
  }
}

export class Answers {
  private readonly lengths = new Lengths(NET_LIMITS.queryAnswerBytes, () => {}, 'queryAnswerBytes')
  private readonly fields = new Fields()

  /** @throws MalformedMessageError, LimitExceededError */
  feed(bytes: Uint8Array): void {
    this.lengths.feed(bytes, (piece, ended) => {
      this.fields.feed(piece, ended)
      return false
    })
  }
}
