/** Bytes of one digest on their way: every length checked before its bytes are taken, the digest when all have come (protocols/fetch). */
import { equal, toHex } from '../../bytes.js'
import { atLimit } from '../../counters.js'
import { InvalidProofError, LimitExceededError, MalformedMessageError, ProtocolViolationError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import { NET_LIMITS } from '../../limits.js'

/** Labels by which manifests and bundles are named (protocols/adapter, protocols/bundle). */
const DIGEST_LABELS = { manifest: 'zklora/v1/adapter', bundle: 'zklora/v1/bundle' } as const

const LENGTH_LIMITS = { manifest: 'manifestBytes', bundle: 'bundleBytes' } as const

/** What is taken from one holder; kept over a broken stream. */
export class Incoming {
  received = 0
  /** Of the whole, once a header has told it. */
  private length: number | undefined
  /** One array that grows with what comes: millions of pieces of one byte each would take a hundred times their bytes. */
  private room = new Uint8Array(0)

  /** @param from the holder, for errors */
  constructor(
    private readonly kind: 'manifest' | 'bundle',
    private readonly digest: Uint8Array,
    private readonly from: string
  ) {}

  /**
   * A header has come, the first or that of a resumed transfer.
   * @param most greatest length accepted
   * @throws LimitExceededError above it, ProtocolViolationError for another length than before
   */
  begin(length: number, most: number): void {
    if (length > most) {
      throw atLimit(LENGTH_LIMITS[this.kind], new LimitExceededError(`bytes of a ${this.kind} at ${this.from}`, length, most))
    }
    if (this.length !== undefined && this.length !== length) {
      throw new ProtocolViolationError(`${this.from} says that a ${this.kind} has ${length} bytes, before it were ${this.length}`)
    }
    this.length = length
  }

  /** All bytes that the header announced are here. */
  get whole(): boolean {
    return this.received === this.length
  }

  /**
   * The next piece, copied: frames are views of larger buffers.
   * @param piece undefined: the holder closed the stream
   * @throws MalformedMessageError
   */
  take(piece: Uint8Array | undefined): void {
    const length = this.length!
    if (piece === undefined) throw new MalformedMessageError(`${this.from} closed the stream after ${this.received} of ${length} bytes`)
    if (piece.length < 1 || piece.length > NET_LIMITS.fetchPieceBytes) {
      throw atLimit(
        'fetchPieceBytes',
        new MalformedMessageError(`${this.from} sent a piece of ${piece.length} bytes, 1 to ${NET_LIMITS.fetchPieceBytes} are allowed`)
      )
    }
    const received = this.received + piece.length
    if (received > length) throw new MalformedMessageError(`${this.from} sent more than the ${length} bytes announced`)
    if (received > this.room.length) {
      const wider = new Uint8Array(Math.max(received, Math.min(2 * this.room.length, length)))
      wider.set(this.room.subarray(0, this.received))
      this.room = wider
    }
    this.room.set(piece, this.received)
    this.received = received
  }

  /** The whole. @throws InvalidProofError step `digest` for bytes that are not those asked for */
  checked(): Uint8Array {
    const bytes = this.room.subarray(0, this.received)
    if (!equal(hash(DIGEST_LABELS[this.kind], bytes), this.digest)) {
      throw new InvalidProofError('digest', `the ${bytes.length} bytes of ${this.from} are not ${this.kind} ${toHex(this.digest)}`)
    }
    return bytes
  }
}
