/** What both sides of a session have in common towards the stream that carries it. */
import { ConnectionLostError, ProtocolViolationError, RefusedError } from '../errors.js'
import { TIMEOUTS } from '../limits.js'
import type { TailRole } from '../proof/index.js'
import { CODE, refusedBy, RefusalError } from './messages/codes.js'
import { Condition } from './condition.js'
import { Ledger } from './ledger.js'
import { decodeMessage, type Message } from './messages/messages.js'
import { Outbox } from './messages/outbox.js'
import type { Terms } from './terms/terms.js'

/** Something that the other side owes; the stream's owner watches the clock. A new key is a new wait. */
export interface Deadline {
  readonly key: string
  readonly what: string
  readonly milliseconds: number
}

export type SessionTimeouts = Pick<typeof TIMEOUTS, 'answer' | 'batch' | 'idle' | 'receipt'>

export interface SideInit {
  readonly terms: Terms
  /** Ed25519 seed of this side's key. */
  readonly secretKey: Uint8Array
  /** Default: those of limits.ts. */
  readonly timeouts?: Partial<SessionTimeouts> | undefined
}

/**
 * One side as a state machine over messages: `receive` takes the bytes of one message, `outgoing` gives those that are to be sent, in
 * order. It knows no stream and no clock.
 */
export abstract class Side {
  readonly terms: Terms
  protected readonly ledger: Ledger
  protected readonly outbox: Outbox
  protected readonly condition = new Condition()
  protected readonly timeouts: SessionTimeouts
  protected error: Error | undefined
  private ended = false
  private messages = 0

  constructor(
    readonly role: TailRole,
    { terms, secretKey, timeouts }: SideInit
  ) {
    this.terms = terms
    this.timeouts = { ...TIMEOUTS, ...timeouts }
    this.ledger = new Ledger({ terms, role, secretKey })
    this.outbox = new Outbox(bytes => this.sent(bytes))
  }

  private get peerRole(): TailRole {
    return this.role === 'user' ? 'contributor' : 'user'
  }

  /** The session identifier. */
  get id(): Uint8Array {
    return this.terms.session
  }

  /** Rows accepted by this side. */
  get accepted(): number {
    return this.ledger.publicChain.accepted
  }

  /** Why the session failed. */
  get failure(): Error | undefined {
    return this.error
  }

  /** True when this side has nothing more to say or to hear. */
  get finished(): boolean {
    return this.ended
  }

  /** Messages to send, each made when it is taken. Ends when this side is finished. @throws the error that the session failed with */
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
    if (message.kind === 'settle') throw new RefusalError(CODE.notSupported)
    if (this.ended) throw new ProtocolViolationError(`${message.kind} came after the session had ended`)
    await this.handle(message, bytes)
    this.condition.notify()
  }

  /** The stream has ended on the other side's wish. */
  peerClosed(): void {
    if (!this.ended) this.fail(new ConnectionLostError(`the ${this.peerRole} closed the stream before the session had ended`))
  }

  /** Ends the session with an error: every wait is rejected, nothing more is sent. The first error stays. */
  fail(error: unknown): void {
    if (this.error !== undefined || this.ended) return
    this.error = error instanceof Error ? error : new Error(String(error))
    this.outbox.fail(this.error)
    this.condition.fail(this.error)
    this.failed(this.error)
  }

  /** Rejects when the session fails; never resolves. */
  broken(): Promise<never> {
    return this.condition.until(() => false) as Promise<never>
  }

  /** What the other side owes now. */
  deadlines(): Deadline[] {
    if (this.ended) return [{ key: 'end', what: 'the end of the stream', milliseconds: this.timeouts.answer }]
    return [{ key: `idle ${this.messages}`, what: 'the next message of the session', milliseconds: this.timeouts.idle }, ...this.owed()]
  }

  /** Adds the message to the chain of the other side. */
  protected abstract handle(message: Message, bytes: Uint8Array): Promise<void>
  protected abstract owed(): Deadline[]
  protected abstract failed(error: Error): void

  protected sent(bytes: Uint8Array): void {
    this.ledger.sent(bytes)
  }

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
