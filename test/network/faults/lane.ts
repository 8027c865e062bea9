/** One direction of a connection through the faulty proxy: bytes are late, held back, changed, exchanged or lost as a test says. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a lane does to its bytes from the beginning on. Everything is placed by byte offsets, so that it is the same for each run. */
export interface Weather {
  /** Milliseconds that every byte is late. */
  readonly delay?: number
  /** Bytes a second. */
  readonly rate?: number
  /** Holds everything back for `milliseconds`, on average once in `bytes`. */
  readonly stalls?: { readonly bytes: number; readonly milliseconds: number }
  /** Bytes are handed on in pieces of at most this size, on average half of it. */
  readonly pieces?: number
}

interface Piece {
  readonly bytes: Buffer
  readonly due: number
}

/** Bytes that may be on their way: as a socket's buffer on a slow line. */
const ON_THE_WAY = 256 * 1024

export class Lane {
  /** Bytes taken from the sender and handed to the receiver. */
  taken = 0
  given = 0
  private readonly queue: Piece[] = []
  private queued = 0
  private stalled = false
  private lost = false
  private nextStall: number
  /** Offsets at which bits are flipped, and ranges that change places with the bytes behind them. */
  private readonly flips: number[] = []
  private swap: { readonly after: number; readonly bytes: number } | undefined
  private readonly waiting: { readonly bytes: number; readonly resolve: () => void }[] = []
  private wake: () => void = () => {}
  private changed = new Promise<void>(resolve => (this.wake = resolve))
  private ended = false

  constructor(
    private readonly source: Socket,
    private readonly sink: Socket,
    private readonly weather: Weather,
    private readonly draw: () => number
  ) {
    this.nextStall = this.afterStall(0)
    this.taking().catch(() => this.break())
    this.giving().catch(() => this.break())
  }

  /** Nothing passes until `resume`; the sender sees a receiver that does not read. */
  stall(): void {
    this.stalled = true
  }

  resume(): void {
    this.stalled = false
    this.notify()
  }

  /** From now on everything is taken and nothing is handed on: a half-open connection. */
  lose(): void {
    this.lost = true
    this.notify()
  }

  /** Flips a bit of the byte that comes `after` so many bytes more. */
  corrupt(after = 0): void {
    this.flips.push(this.taken + after)
  }

  /** After the next `after` bytes, `bytes` and the `bytes` behind them change places. */
  reorder(after: number, bytes: number): void {
    this.swap = { after, bytes }
  }

  /** No more bytes from the sender: the receiver sees the end of the stream, and can still answer. */
  end(): void {
    this.ended = true
    this.notify()
  }

  /** Resolves when so many bytes more have come from the sender. */
  passed(bytes: number): Promise<void> {
    const until = this.taken + bytes
    return new Promise(resolve => this.waiting.push({ bytes: until, resolve }))
  }

  private async taking(): Promise<void> {
    for await (const chunk of this.source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      this.put(this.spoiled(chunk))
      for (const { bytes, resolve } of this.waiting) if (this.taken >= bytes) resolve()
      while (this.queued > ON_THE_WAY && !this.lost) await this.change()
      if (this.ended) return
    }
    this.end()
  }

  private put(bytes: Buffer): void {
    const { delay = 0, rate = Infinity, pieces = Infinity } = this.weather
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(bytes.length - at, pieces === Infinity ? Infinity : 1 + Math.floor(this.draw() * pieces))
      this.taken += length
      let wait = delay + (1000 * length) / rate
      if (this.taken >= this.nextStall) {
        wait += this.weather.stalls!.milliseconds
        this.nextStall = this.afterStall(this.taken)
      }
      // After the piece before, and never earlier than its own lateness.
      const due = Math.max(performance.now() + wait, (this.queue.at(-1)?.due ?? 0) + wait - delay)
      this.queue.push({ bytes: bytes.subarray(at, at + length), due })
      this.queued += length
      at += length
    }
    this.notify()
  }

  private spoiled(chunk: Buffer): Buffer {
    const [from, to] = [this.taken, this.taken + chunk.length]
    const bytes = Buffer.from(chunk)
    for (const flip of this.flips.splice(0)) {
      if (flip < to) bytes[flip - from]! ^= 1
      else this.flips.push(flip)
    }
    // In the first chunk that has both ranges.
    if (this.swap === undefined || bytes.length < this.swap.after + 2 * this.swap.bytes) return bytes
    const { after, bytes: length } = this.swap
    this.swap = undefined
    const [first, second] = [after + length, after + 2 * length]
    return Buffer.concat([bytes.subarray(0, after), bytes.subarray(first, second), bytes.subarray(after, first), bytes.subarray(second)])
  }

  private async giving(): Promise<void> {
    for (;;) {
      const piece = this.queue[0]
      if (this.lost) {
        this.queue.length = 0
        this.queued = 0
      }
      if (piece === undefined || this.stalled || this.lost) {
        if (this.ended && piece === undefined) return void this.sink.end()
        await this.change()
        continue
      }
      const wait = piece.due - performance.now()
      if (wait > 0) await sleep(wait)
      if (this.stalled || this.lost) continue
      this.queue.shift()
      this.queued -= piece.bytes.length
      this.given += piece.bytes.length
      const free = this.sink.write(piece.bytes)
      this.notify()
      if (!free) await once(this.sink, 'drain')
    }
  }

  private afterStall(from: number): number {
    const { stalls } = this.weather
    return stalls === undefined ? Infinity : from - Math.log(1 - this.draw()) * stalls.bytes
  }

  private change(): Promise<void> {
    return this.changed
  }

  private notify(): void {
    this.wake()
    this.changed = new Promise<void>(resolve => (this.wake = resolve))
  }

  /** A socket broke: so does the other. */
  private break(): void {
    this.source.destroy()
    this.sink.destroy()
  }
}
