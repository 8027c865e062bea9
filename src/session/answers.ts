/** The contributor's side of requests: taken within the limits of accept, answered in their order, in frames of whole rows. */
import { atLimit } from '../counters.js'
import { LimitExceededError, ProtocolViolationError } from '../errors.js'
import { NET_LIMITS } from '../limits.js'
import type { ManifestGroup } from '../proof/index.js'
import type { Deltas, Rows } from './messages/messages.js'
import { activationBytes, packDeltas, unpackActivations } from './messages/packing.js'
import type { Terms } from './terms/terms.js'

/**
 * Bytes of y in a frame of deltas, of more than one row. A quarter of the longest frame: large enough that what a frame costs by itself
 * does not count, small enough that computing, sending and unpacking an answer overlap.
 */
const FRAME_BYTES = NET_LIMITS.frameBytes / 4
/** Bytes of an entry of y at most. */
const ENTRY = 8

export interface Request {
  readonly id: number
  /** Manifest index. */
  readonly group: number
  /** Of the first row. */
  readonly position: number
  /** count × dIn integers. */
  readonly x: Int16Array
  readonly count: number
}

/** Requests that are not answered yet. */
export class RequestQueue {
  private next = 0
  /** Rows asked for, answered or not. */
  private asked = 0
  private bytes = 0
  private readonly requests: Request[] = []

  constructor(
    private readonly terms: Pick<Terms, 'accept' | 'context'>,
    private readonly groups: readonly ManifestGroup[]
  ) {}

  get length(): number {
    return this.requests.length
  }

  /** The oldest. */
  get first(): Request | undefined {
    return this.requests[0]
  }

  /** @throws ProtocolViolationError, LimitExceededError, MalformedMessageError */
  take({ request, group, position, count, x }: Rows): void {
    const { accept, context } = this.terms
    if (request !== this.next) throw new ProtocolViolationError(`request ${request} came, the next is ${this.next}`)
    if (!context.groups.includes(group)) throw new ProtocolViolationError(`rows for group ${group} came, which the session does not have`)
    if (this.asked + count > accept.rows) throw new LimitExceededError('rows', this.asked + count, accept.rows, 'in this session')
    if (this.requests.length >= accept.requests) {
      throw atLimit('requestsInFlight', new LimitExceededError('requests in flight', this.requests.length + 1, accept.requests))
    }
    if (this.bytes + x.length > NET_LIMITS.requestBytesInFlight) {
      throw atLimit(
        'requestBytesInFlight',
        new LimitExceededError('bytes of x in flight', this.bytes + x.length, NET_LIMITS.requestBytesInFlight)
      )
    }
    const { dIn } = this.groups[group]!
    this.requests.push({ id: request, group, position, count, x: unpackActivations(x, count * dIn, context.activationBits) })
    this.bytes += x.length
    this.next++
    this.asked += count
  }

  /** The oldest is answered. */
  shift(): void {
    this.bytes -= this.bytesOf(this.requests.shift()!)
  }

  /**
   * Drops the requests from this number on, but for the first ones, which have been begun.
   * @returns the first that is dropped, or the number of the next request
   */
  cancel(from: number, begun: number): number {
    const keep = this.requests.findIndex(({ id }, i) => i >= begun && id >= from)
    if (keep === -1) return this.next
    const dropped = this.requests.splice(keep)
    for (const request of dropped) {
      this.asked -= request.count
      this.bytes -= this.bytesOf(request)
    }
    return dropped[0]!.id
  }

  clear(): void {
    this.requests.length = 0
  }

  private bytesOf({ x }: Request): number {
    return x.length * activationBytes(this.terms.context.activationBits)
  }
}

/** Rows of one group in a frame of deltas: as many as FRAME_BYTES hold at the widest, at least one. */
export function rowsOfFrame({ outputs }: ManifestGroup): number {
  return Math.max(1, Math.floor(FRAME_BYTES / (outputs * ENTRY)))
}

/**
 * A frame of the answer.
 * @param y of `rowsOfFrame` rows or fewer: count × outputs integers
 * @param firstRow number of its first row
 */
export function answerFrame(given: {
  readonly request: Request
  readonly group: ManifestGroup
  readonly y: Float64Array
  readonly firstRow: number
}): Deltas {
  const { request, group, y, firstRow } = given
  const count = y.length / group.outputs
  const widths = group.modules.map(({ dOut }) => dOut)
  return { request: request.id, firstRow, count, ...packDeltas(widths, y, count) }
}
