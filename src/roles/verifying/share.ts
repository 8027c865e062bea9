/** A share of the processor: how long something was busy within a sliding time, against what it may be. */
import { after } from '../gate.js'

/** Milliseconds over which the share holds: long enough for the dearest batch, short enough that a pause is over soon. */
const WINDOW = 10_000
/** Parts of the window; what was spent is forgotten part by part, so that memory does not grow with the number of tasks. */
const PARTS = 20

/** Time, so that tests need none. */
export interface ShareClock {
  /** Milliseconds, from any origin. */
  now(): number
  /** Resolves after so many milliseconds, or when the signal aborts. */
  after(milliseconds: number, signal: AbortSignal): Promise<void>
}

export interface ShareInit {
  /** Of the time of all lanes: above 0, at most 1. */
  readonly share: number
  /** Tasks that may be busy at a time, such as threads. */
  readonly lanes: number
  /** Milliseconds. */
  readonly window?: number | undefined
  readonly clock?: ShareClock | undefined
}

export class Share {
  /** Milliseconds spent in each part of the window; `newest` is the last one's number. */
  private readonly parts = new Float64Array(PARTS)
  private newest = 0
  private readonly window: number
  private readonly partLength: number
  private readonly most: number
  private readonly clock: ShareClock
  private total = 0

  constructor(private readonly init: ShareInit) {
    const { share, lanes, window = WINDOW, clock = systemClock } = init
    this.window = window
    this.partLength = window / PARTS
    this.most = share * lanes * window
    this.clock = clock
    this.newest = this.part()
  }

  /** What may be spent and what is: parts of the time of all lanes, in the window that ends now and in all, milliseconds since the start. */
  get load(): { readonly share: number; readonly used: number; readonly lanes: number; readonly busy: number } {
    const { share, lanes } = this.init
    return { share, used: this.inWindow() / (lanes * this.window), lanes, busy: this.total }
  }

  /** Milliseconds spent since the start. */
  get spent(): number {
    return this.total
  }

  /** Something was busy for so many milliseconds until now. */
  spend(milliseconds: number): void {
    this.forget()
    this.parts[this.newest % PARTS]! += milliseconds
    this.total += milliseconds
  }

  /** True while less than the share is spent. */
  get isOpen(): boolean {
    return this.inWindow() < this.most
  }

  /** Resolves when less than the share is spent. @throws the signal's reason */
  async open(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (!this.isOpen) {
      // The oldest part is forgotten when the next one begins.
      await this.clock.after((this.newest + 1) * this.partLength - this.clock.now(), signal)
      signal.throwIfAborted()
    }
  }

  private inWindow(): number {
    this.forget()
    return this.parts.reduce((sum, part) => sum + part, 0)
  }

  private part(): number {
    return Math.floor(this.clock.now() / this.partLength)
  }

  private forget(): void {
    const part = this.part()
    for (const last = Math.min(part, this.newest + PARTS); this.newest < last;) this.parts[++this.newest % PARTS] = 0
    this.newest = part
  }
}

export const systemClock: ShareClock = { now: () => performance.now(), after }
