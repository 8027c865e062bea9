/** The user's requests: cut to frames, sent as far as the contributor's limits allow, answered in their order. */
import type { LimitName } from '../counters.js'
import { ProtocolViolationError } from '../errors.js'
import { NET_LIMITS } from '../limits.js'
import type { Manifest, ManifestGroup } from '../proof/index.js'
import type { Deltas, SessionMessage } from './messages/messages.js'
import { activationBytes, outputBound, packActivations, unpackDeltas } from './messages/packing.js'

/**
 * Bytes of x in a request of more than one row. Below the longest frame: what is asked in one call comes in requests that are packed,
 * sent and answered at the same time.
 */
const REQUEST_BYTES = NET_LIMITS.frameBytes / 4
/** Bytes of an entry of y at most. */
const ENTRY = 8

/** A row that has been answered. */
export interface AnsweredRow {
  /** Manifest index. */
  readonly group: number
  readonly position: number
  /** dIn integers. */
  readonly x: Int16Array
  /** Outputs of the group's modules, integers. */
  readonly y: Float64Array
}

/** How far an answer has come: what is there when the session breaks need not be asked for again. */
export interface AnswerProgress {
  /** Rows, from the first on. */
  answered: number
  /** count × outputs, of which these rows are filled. */
  y: Float64Array
}

interface Request {
  readonly progress: AnswerProgress
  readonly group: number
  readonly position: number
  readonly x: Int16Array
  readonly count: number
  readonly bytes: number
  readonly y: Float64Array
  answered: number
  id: number | undefined
  /** Why nobody waits for it any more. */
  cancelled: unknown
  readonly resolve: (y: Float64Array) => void
  readonly reject: (error: unknown) => void
}

export class RequestWindow {
  private next = 0
  private readonly queue: Request[] = []
  private readonly inFlight: Request[] = []
  private bytesInFlight = 0
  /** A cancel has left and is not answered: requests before this number were sent before it. */
  private cancelling: number | undefined
  /** Of requests before this number the contributor has said which it will answer. */
  private decided = 0
  /** A cancel waits to leave. */
  private willCancel = false
  private isHeldBack = false
  private cancels = 0

  /**
   * @param init.requests in flight at most
   * @param init.send puts a message before the stream; the number is given when it leaves
   * @param init.dropped told of rows that will not be answered
   * @param init.onLimit told of what makes requests wait, once until none waits
   */
  constructor(
    private readonly init: {
      readonly manifest: Manifest
      readonly requests: number
      readonly send: (draft: () => Partial<SessionMessage>) => void
      readonly dropped: (rows: number) => void
      readonly onLimit: (name: LimitName) => void
    }
  ) {}

  /** Requests that are not answered yet. */
  get pending(): number {
    return this.queue.length + this.inFlight.length
  }

  /** Whether the contributor owes the answer to a cancel. */
  get isCancelling(): boolean {
    return this.cancelling !== undefined
  }

  /** The oldest request that has left: its number and the bytes of question and longest answer. */
  get oldest(): { readonly id: number; readonly bytes: number } | undefined {
    const request = this.inFlight[0]
    return request?.id === undefined ? undefined : { id: request.id, bytes: request.bytes + request.y.length * ENTRY }
  }

  /**
   * @param x count × dIn integers
   * @param signal cancels what is not answered yet
   * @returns count × outputs integers
   */
  async ask(
    { group, position, x }: { readonly group: number; readonly position: number; readonly x: Int16Array },
    { progress, signal }: { readonly progress: AnswerProgress; readonly signal?: AbortSignal | undefined }
  ): Promise<Float64Array> {
    const { manifest } = this.init
    const { dIn, outputs } = manifest.groups[group]!
    const rowBytes = dIn * activationBytes(manifest.activationBits)
    const most = Math.max(1, Math.min(NET_LIMITS.rowsPerRequest, Math.floor(REQUEST_BYTES / rowBytes)))
    const count = x.length / dIn
    const y = new Float64Array(count * outputs)
    progress.y = y
    const parts: Promise<Float64Array>[] = []
    const requests: Request[] = []
    for (let from = 0; from < count; from += most) {
      const to = Math.min(from + most, count)
      parts.push(
        new Promise((resolve, reject) => {
          const request: Request = {
            progress,
            group,
            position: position + from,
            x: x.subarray(from * dIn, to * dIn),
            count: to - from,
            bytes: (to - from) * rowBytes,
            y: y.subarray(from * outputs, to * outputs),
            answered: 0,
            id: undefined,
            cancelled: undefined,
            resolve,
            reject
          }
          requests.push(request)
          this.queue.push(request)
        })
      )
    }
    const onAbort = (): void => this.cancel(requests, signal!.reason)
    signal?.addEventListener('abort', onAbort)
    this.send()
    try {
      await Promise.all(parts)
      return y
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * The contributor will not answer requests from this number on, of those sent before the cancel.
   * @throws ProtocolViolationError
   */
  dropped(from: number): void {
    const before = this.cancelling
    if (before === undefined) throw new ProtocolViolationError('a cancel came that answers none')
    const at = this.inFlight.findIndex(({ id }) => id !== undefined && id >= from && id < before)
    const end = this.inFlight.findIndex(({ id }) => id === undefined || id >= before)
    const dropped = at < 0 ? [] : this.inFlight.splice(at, (end < 0 ? this.inFlight.length : end) - at)
    if (from > before || dropped.some(({ answered }) => answered > 0)) {
      throw new ProtocolViolationError(`the contributor cancels from request ${from}, which is answered or was never sent`)
    }
    this.cancelling = undefined
    this.decided = before
    const again: Request[] = []
    for (const request of dropped) {
      this.bytesInFlight -= request.bytes
      if (request.cancelled !== undefined) this.init.dropped(request.count)
      else again.push(Object.assign(request, { id: undefined }))
    }
    this.queue.unshift(...again)
    this.sendCancel()
    this.send()
  }

  /**
   * @param firstRow number of the next row
   * @returns the rows of this frame
   * @throws ProtocolViolationError, MalformedMessageError, InvalidProofError
   */
  answer(deltas: Deltas, firstRow: number): AnsweredRow[] {
    const request = this.inFlight[0]
    if (request?.id !== deltas.request) throw new ProtocolViolationError(`an answer to request ${deltas.request} came out of turn`)
    if (deltas.firstRow !== firstRow)
      throw new ProtocolViolationError(`deltas begins at row ${deltas.firstRow}, the next row is ${firstRow}`)
    const { answered } = request
    if (deltas.count > request.count - answered) {
      throw new ProtocolViolationError(
        `${deltas.count} rows came for request ${deltas.request}, which has ${request.count - answered} left`
      )
    }
    const group = this.init.manifest.groups[request.group]!
    const { dIn, outputs } = group
    const y = request.y.subarray(answered * outputs, (answered + deltas.count) * outputs)
    unpackDeltas(this.bounds(group), deltas, y)
    request.answered += deltas.count
    request.progress.answered += deltas.count
    const rows = Array.from({ length: deltas.count }, (_, i) => {
      const t = answered + i
      return {
        group: request.group,
        position: request.position + t,
        x: request.x.subarray(t * dIn, (t + 1) * dIn),
        y: request.y.subarray(t * outputs, (t + 1) * outputs)
      }
    })
    if (request.answered === request.count) {
      this.inFlight.shift()
      this.bytesInFlight -= request.bytes
      request.resolve(request.y)
      this.send()
    }
    return rows
  }

  /** Nothing is answered any more. */
  fail(error: unknown): void {
    for (const { reject } of [...this.inFlight.splice(0), ...this.queue.splice(0)]) reject(error)
  }

  /** Nobody waits for these any more. */
  private cancel(requests: readonly Request[], reason: unknown): void {
    for (const request of requests) {
      request.cancelled = reason ?? new Error('cancelled')
      request.reject(request.cancelled)
      const at = this.queue.indexOf(request)
      if (at < 0) continue
      this.queue.splice(at, 1)
      this.init.dropped(request.count)
    }
    this.sendCancel()
  }

  /** Behind what waits to leave, so that every request before it has its number. */
  private sendCancel(): void {
    const isOpen = ({ cancelled, id }: Request): boolean => cancelled !== undefined && (id === undefined || id >= this.decided)
    if (this.willCancel || this.isCancelling || !this.inFlight.some(isOpen)) return
    // The contributor would take no more: what nobody waits for is answered then.
    if (this.cancels === NET_LIMITS.cancelsPerSession) return this.init.onLimit('cancelsPerSession')
    this.cancels++
    this.willCancel = true
    this.init.send(() => {
      this.willCancel = false
      this.cancelling = this.next
      // All may be answered by now: then it cancels nothing.
      return { cancel: { request: this.inFlight.find(isOpen)?.id ?? this.next } }
    })
  }

  private bounds(group: ManifestGroup): { dOut: number; bound: number }[] {
    const { activationBits, weightBits } = this.init.manifest
    return group.modules.map(({ dOut, rank }) => ({ dOut, bound: outputBound({ dIn: group.dIn, rank, activationBits, weightBits }) }))
  }

  private send(): void {
    const { requests, manifest } = this.init
    while (this.queue.length > 0) {
      const request = this.queue[0]!
      if (this.inFlight.length >= requests) return this.holdBack('requestsInFlight')
      if (this.bytesInFlight + request.bytes > NET_LIMITS.requestBytesInFlight) return this.holdBack('requestBytesInFlight')
      this.queue.shift()
      this.inFlight.push(request)
      this.bytesInFlight += request.bytes
      this.init.send(() => {
        request.id = this.next++
        const { group, position, count } = request
        return { rows: { request: request.id, group, position, count, x: packActivations(request.x, manifest.activationBits) } }
      })
    }
    this.isHeldBack = false
  }

  private holdBack(limit: LimitName): void {
    if (this.isHeldBack) return
    this.isHeldBack = true
    this.init.onLimit(limit)
  }
}
