/** A side of a session's stream as a state machine over messages: what the exchange of rows and the settling of a broken session share. */
import type { LimitName } from '../counters.js'
import { ConnectionLostError, ProtocolViolationError, RefusedError } from '../errors.js'
import { TIMEOUTS } from '../limits.js'
import type { TailRole } from '../proof/index.js'
import { refusedBy, RefusalError } from './messages/codes.js'
import { Condition } from './condition.js'
import { decodeMessage, type Message } from './messages/messages.js'
import { Outbox } from './messages/outbox.js'
import type { Terms } from './terms/terms.js'

/** Something that the other side owes; the stream's owner watches the clock. A new key is a new wait. */
export interface Deadline {
  readonly key: string
  readonly what: string
  readonly milliseconds: number
  /** By which name of limits.ts it is counted when it passes. */
  readonly timeout: keyof SessionTimeouts
}

export type SessionTimeouts = Pick<typeof TIMEOUTS, 'answer' | 'batch' | 'idle' | 'receipt'>

/** Told of what the stream does not show. */
export interface MachineListener {
  /** Something waits on account of a limit: once until it goes on. */
  limit(name: LimitName): void
  /** There was no receipt for a bundle, and this is the code that says why. */
  declined(code: number): void
  /** Rows were answered or accepted, or a proof was offered: what costs the other side something, or is its turn now. */
  progressed(): void
}

export interface MachineInit {
  readonly terms: Terms
  /** Default: those of limits.ts. */
  readonly timeouts?: Partial<SessionTimeouts> | undefined
}

/**
 * `receive` takes the bytes of one message, `outgoing` gives those that are to be sent, in order. It knows no stream and no clock.
 */
export abstract class Machine {
  readonly terms: Terms
  /** Who owns the stream, and counts. */
  listener: MachineListener | undefined
  protected readonly outbox: Outbox
  protected readonly condition = new Condition()
  protected readonly timeouts: SessionTimeouts
  protected error: Error | undefined
  private ended = false
  private messages = 0

  constructor(
    readonly role: TailRole,
    { terms, timeouts }: MachineInit
  ) {
    this.terms = terms
    this.timeouts = { ...TIMEOUTS, ...timeouts }
    this.outbox = new Outbox(bytes => this.sent(bytes))
  }

  private get peerRole(): TailRole {
    return this.role === 'user' ? 'contributor' : 'user'
  }

  /** The session identifier. */
  get id(): Uint8Array {
    return this.terms.session
  }

  /** Why the exchange failed. */
  get failure(): Error | undefined {
    return this.error
  }

  /** True when this side has nothing more to say or to hear. */
  get finished(): boolean {
    return this.ended
  }

  /** True while the other side waits for this one's work, whatever it reads. */
  get isWorking(): boolean {
    return false
  }

  /** Messages to send, each made when it is taken. Ends when this side is finished. @throws the error that the exchange failed with */
  outgoing(): AsyncGenerator<Uint8Array> {
    return this.outbox.messages()
  }

  /**
   * Takes the next message of the other side; resolves when the one after it may be read.
   * @throws MalformedMessageError, LimitExceededError, ProtocolViolationError, InvalidProofError, and RefusedError when the other
   *   side says that it failed
   */
  async receive(bytes: Uint8Array): Promise<void> {
    this.messages++
    const message = decodeMessage(bytes)
    if (message.kind === 'failure') throw refusedBy(`the ${this.peerRole}`, message.value.code)
    if (this.ended) throw new ProtocolViolationError(`${message.kind} came after the session had ended`)
    await this.handle(message, bytes)
    this.condition.notify()
  }

  /** The stream has ended on the other side's wish. */
  peerClosed(): void {
    if (!this.ended) this.fail(new ConnectionLostError(`the ${this.peerRole} closed the stream before the session had ended`))
  }

  /** Ends the exchange with an error: every wait is rejected, nothing more is sent. The first error stays. */
  fail(error: unknown): void {
    if (this.error !== undefined || this.ended) return
    this.error = error instanceof Error ? error : new Error(String(error))
    this.outbox.fail(this.error)
    this.condition.fail(this.error)
    this.failed(this.error)
  }

  /** Rejects when the exchange fails; never resolves. */
  broken(): Promise<never> {
    return this.condition.until(() => false) as Promise<never>
  }

  /** What the other side owes now. */
  deadlines(): Deadline[] {
    if (this.ended) return [{ key: 'end', what: 'the end of the stream', milliseconds: this.timeouts.answer, timeout: 'answer' }]
    const next = {
      key: `idle ${this.messages}`,
      what: 'the next message of the session',
      milliseconds: this.timeouts.idle,
      timeout: 'idle'
    } as const
    return [next, ...this.owed()]
  }

  /** Takes a message that is well formed. */
  protected abstract handle(message: Message, bytes: Uint8Array): Promise<void>
  protected abstract owed(): Deadline[]
  /** A message leaves. */
  protected sent(_bytes: Uint8Array): void {}
  protected failed(_error: Error): void {}

  protected end(): void {
    this.ended = true
    this.outbox.end()
    this.condition.notify()
  }

  /** Runs what nobody waits for: its error fails the session. */
  protected background(work: Promise<void>): void {
    work.then(
      () => this.condition.notify(),
      error => this.fail(error)
    )
  }

  protected unexpected(message: Message): never {
    throw new ProtocolViolationError(`the ${this.role} did not expect ${message.kind} now`)
  }
}

/** True for what the other side, and not this one, ended the session with. */
export function endedByPeer(error: unknown): boolean {
  return (error instanceof RefusedError && !(error instanceof RefusalError)) || error instanceof ConnectionLostError
}
