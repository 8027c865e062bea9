/**
 * What js-libp2p reads byte by byte, without a bound and without letting anything else run meanwhile (utils 7.4.1, lpStream: a varint that
 * does not end, names of protocols without number), looked at before it gets there. Bytes are only looked at here, never kept or changed.
 */
import { atLimit, type LimitName } from '../../counters.js'
import { LimitExceededError } from '../../errors.js'
import { LengthReader } from '../frames.js'

/** Bytes of a line of multistream-select, as in go-libp2p. */
const LINE_BYTES = 1024
/** Lines of one negotiation: a peer offers some versions of gossipsub, or asks for what we speak. */
const LINES = 64
const MULTISTREAM = '/multistream/1.0.0'

/** Frames of a varint length and so many bytes each. */
export class Lengths {
  /** Bytes of the frame under way that are still to come. */
  private left = 0
  private readonly reader = new LengthReader()

  /**
   * @param most bytes of a frame
   * @param onFrame told of each length
   * @param limit by whose name longer ones are counted
   */
  constructor(
    private readonly most: number,
    private readonly onFrame: (length: number) => void = () => {},
    private readonly limit?: LimitName
  ) {}

  /**
   * @param body given the bytes of frames as they come
   * @returns how many bytes were looked at: all, or up to the end of the frame at which `body` said to stop
   * @throws MalformedMessageError, LimitExceededError
   */
  feed(bytes: Uint8Array, body: (piece: Uint8Array, ended: boolean) => boolean = () => false): number {
    for (let at = 0; at < bytes.length;) {
      if (this.left === 0) {
        if (!this.begin(this.reader.push(bytes[at++]!))) continue
        if (this.left === 0 && body(bytes.subarray(at, at), true)) return at
      } else {
        const piece = bytes.subarray(at, at + this.left)
        at += piece.length
        this.left -= piece.length
        if (body(piece, this.left === 0)) return at
      }
    }
    return bytes.length
  }

  /** @returns true when the length is whole */
  private begin(length: number | undefined): boolean {
    if (length === undefined) return false
    if (length > this.most) {
      const error = new LimitExceededError('bytes of a frame', length, this.most)
      throw this.limit === undefined ? error : atLimit(this.limit, error)
    }
    this.left = length
    this.onFrame(length)
    return true
  }
}

/** The lines with which a connection or stream begins, until one names a protocol that both speak. */
export class Negotiation {
  private readonly lengths = new Lengths(LINE_BYTES, () => {
    if (++this.lines > LINES) throw new LimitExceededError('lines of a negotiation', this.lines, LINES)
  })
  private lines = 0
  private line = ''

  /** @param speaks whether a line ends the negotiation */
  constructor(private readonly speaks: (protocol: string) => boolean) {}

  /**
   * @returns the protocol and the bytes that follow its line; undefined while there is none
   * @throws MalformedMessageError, LimitExceededError
   */
  feed(bytes: Uint8Array): { protocol: string; rest: Uint8Array } | undefined {
    let protocol: string | undefined
    const end = this.lengths.feed(bytes, (piece, ended) => {
      this.line += String.fromCharCode(...piece)
      if (!ended) return false
      const line = this.line.trimEnd()
      this.line = ''
      if (line === MULTISTREAM || !this.speaks(line)) return false
      protocol = line
      return true
    })
    return protocol === undefined ? undefined : { protocol, rest: bytes.subarray(end) }
  }
}
