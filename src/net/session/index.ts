/**
 * Sessions over libp2p: `/zklora/session/1.0.0` (protocols/session). It carries the state machines of `src/session` over streams; who
 * is served, and on which terms, the host decides.
 *
 *     const node = await createNetNode(init, { session: sessionService({ host: contributor }) })
 *     const { session, done } = await node.services.session.open(peer, { opening, agree })
 */
import type { ComponentLogger, Connection, Logger, PeerId, Startable, Stream } from '@libp2p/interface'
import { atLimit, type Counters } from '../../counters.js'
import { ProtocolViolationError, RefusedError, TimeoutError } from '../../errors.js'
import { NET_LIMITS, TIMEOUTS } from '../../limits.js'
import { withSignals } from '../../signals.js'
import {
  CODE,
  codeOf,
  type ContributorSession,
  decodeMessage,
  encodeMessage,
  type Machine,
  type Open,
  type Peers,
  RefusalError,
  type Settle,
  Side,
  takeAnswer,
  type Terms,
  type UserSession,
  withCredential
} from '../../session/index.js'
import type { Manifest, TailRole } from '../../proof/index.js'
import type { Registrar, StreamOpener } from '../components.js'
import { hostOf } from '../guard/connections.js'
import { closeStream, FrameStream, openError, type Wait } from '../streams.js'
import { carry } from './carry.js'
import { CodeCounts } from './codes.js'
import { MAX_INBOUND_STREAMS, MAX_OUTBOUND_STREAMS, SESSION_PROTOCOL } from './constants.js'
import { type Need, type Slot, SLOT_LIMITS, type SlotLimits, Slots } from './slots.js'
import { timeLimit } from '../time-limit.js'
import { OTHER_VERSION, unsupported, type VersionComponents } from '../versions.js'

export { RECEIVED_CODES, SENT_CODES } from './codes.js'
export { SESSION_PROTOCOL } from './constants.js'
export type { Need } from './slots.js'

/** Who serves the sessions that peers open. */
export interface SessionHost {
  /**
   * Decides about a session, and is asked to take care of it when it is served.
   * @throws RefusalError: the peer is told the code
   */
  accept(open: Open, from: SessionUser): Promise<ContributorSession>
  /**
   * Is asked to settle a session that broke, and takes care of it.
   * @throws RefusalError: the peer is told the code; what its message breaks
   */
  settle(settle: Settle, peers: Peers): Promise<Machine>
}

/** Who opens a session, and what can be done for it. */
export interface SessionUser {
  readonly peers: Peers
  readonly user: PeerId
  /**
   * Takes a place, and what the session needs beside it, when it is clear that it would be served; other sessions may be broken off for it.
   * @throws RefusalError when there is no place or not enough of the rest
   */
  readonly enter: (needs: readonly Need[]) => void
}

export interface SessionInit {
  /** Absent: this node serves nobody. */
  readonly host?: SessionHost | undefined
  readonly limits?: Partial<SlotLimits> | undefined
  readonly counters?: Counters | undefined
  /** Milliseconds from open to accept; default 10 s. */
  readonly openTimeout?: number | undefined
}

export interface SessionComponents extends VersionComponents {
  peerId: PeerId
  registrar: Registrar
  connectionManager: StreamOpener
  logger: ComponentLogger
}

export interface OpenParams {
  readonly open: Open
  readonly manifest: Manifest
  /** Ed25519 seed of the key that the contributor has listed, when that is not this peer's. */
  readonly listedSeed?: Uint8Array | undefined
  /** Checks the terms and makes this side. @throws to end the session before a row is sent */
  readonly agree: (terms: Terms) => UserSession
  readonly signal?: AbortSignal | undefined
}

export interface OpenedSession {
  readonly session: UserSession
  /** Settles when the session's stream has ended. @throws what the session failed with */
  readonly done: Promise<void>
}

export class SessionService implements Startable {
  private readonly openTimeout: number
  private readonly log: Logger
  /** Sessions served now. */
  private readonly slots: Slots
  private readonly counts: CodeCounts
  private readonly running = new Map<Machine, Promise<void>>()
  private started = false

  constructor(
    private readonly components: SessionComponents,
    private readonly init: SessionInit
  ) {
    this.slots = new Slots({ ...SLOT_LIMITS, ...init.limits }, init.counters)
    this.counts = new CodeCounts(init.counters)
    this.openTimeout = init.openTimeout ?? TIMEOUTS.open
    this.log = components.logger.forComponent('zklora:session')
  }

  readonly [Symbol.toStringTag] = 'zklora/session'

  /** Rows of the sessions that run, answered and not yet accepted by this side: as who answers, and as who asked. */
  get outstandingRows(): Record<TailRole, number> {
    const rows = { contributor: 0, user: 0 }
    for (const side of this.running.keys()) if (side instanceof Side) rows[side.role] += side.outstandingRows
    return rows
  }

  isStarted(): boolean {
    return this.started
  }

  async start(): Promise<void> {
    if (this.init.host !== undefined) {
      await this.components.registrar.handle(SESSION_PROTOCOL, (stream, connection) => this.handle(stream, connection), {
        maxInboundStreams: MAX_INBOUND_STREAMS,
        maxOutboundStreams: MAX_OUTBOUND_STREAMS
      })
    }
    this.started = true
  }

  /** Ends all sessions: the peers are told that this node shuts down. */
  async stop(): Promise<void> {
    if (this.init.host !== undefined) await this.components.registrar.unhandle(SESSION_PROTOCOL)
    this.started = false
    for (const side of this.running.keys()) side.fail(new RefusalError(CODE.shuttingDown))
    await Promise.allSettled(this.running.values())
  }

  /**
   * Opens a session with a contributor.
   * @throws RefusedError, UnsupportedError, TimeoutError, ConnectionLostError, and what `agree` throws
   */
  async open(peer: PeerId, { open: asked, manifest, agree, listedSeed, signal }: OpenParams): Promise<OpenedSession> {
    const name = peer.toString()
    const open = listedSeed === undefined ? asked : withCredential(asked, bytesOf(peer), listedSeed)
    const wait = { what: `opening a session with peer ${name}`, milliseconds: this.openTimeout, signal, timeout: 'open' } as const
    let frames: FrameStream | undefined
    try {
      const stream = await this.openStream(peer, wait)
      frames = new FrameStream(stream, { peer: name })
      await frames.write(encodeMessage({ open }), wait)
      const answer = await frames.read(wait)
      if (answer === undefined) throw new ProtocolViolationError(`peer ${name} closed the stream instead of answering`)
      const peers = { user: bytesOf(this.components.peerId), contributor: bytesOf(peer) }
      const session = agree(takeAnswer(answer, { open, manifest, peers, peer: name }))
      return { session, done: this.run(session, { stream, frames: frames.frames, peer: name }) }
    } catch (error) {
      // The contributor is not told why: its stream is reset.
      if (error instanceof RefusedError) this.counts.code('user', error)
      this.init.counters?.hit(error)
      frames?.abort(error)
      throw error
    }
  }

  /**
   * Opens a stream to settle a broken session over.
   * @param make this side, for the stream's peers
   * @throws UnsupportedError, TimeoutError, ConnectionLostError
   */
  async settle<M extends Machine>(
    peer: PeerId,
    { make, signal }: { readonly make: (peers: Peers) => M; readonly signal?: AbortSignal | undefined }
  ): Promise<{ readonly machine: M; readonly done: Promise<void> }> {
    const name = peer.toString()
    const stream = await this.openStream(peer, { what: `opening a stream to peer ${name}`, milliseconds: this.openTimeout, signal }).catch(
      error => {
        this.init.counters?.hit(error)
        throw error
      }
    )
    const machine = make({ user: bytesOf(this.components.peerId), contributor: bytesOf(peer) })
    const { frames } = new FrameStream(stream, { peer: name })
    return { machine, done: this.run(machine, { stream, frames, peer: name }) }
  }

  private async openStream(peer: PeerId, { what, milliseconds, signal }: Wait): Promise<Stream> {
    const timeout = timeLimit(milliseconds)
    try {
      return await withSignals([signal, timeout], either =>
        this.components.connectionManager.openStream(peer, SESSION_PROTOCOL, { signal: either })
      )
    } catch (error) {
      signal?.throwIfAborted()
      if ((error as Error).name === 'UnsupportedProtocolError') {
        const { error: why, isOtherVersion } = await unsupported(this.components, peer, { protocol: SESSION_PROTOCOL, cause: error })
        if (isOtherVersion) this.init.counters?.refusedBy.add(OTHER_VERSION)
        throw why
      }
      throw timeout.aborted ? atLimit('open', new TimeoutError(what, milliseconds)) : openError(error, peer.toString())
    }
  }

  /** Answers one stream; it never throws. */
  private async handle(stream: Stream, connection: Connection): Promise<void> {
    const user = connection.remotePeer
    const name = user.toString()
    const frames = new FrameStream(stream, { peer: name, firstBytes: NET_LIMITS.openBytes })
    let slot: Slot | undefined
    try {
      slot = this.slots.arrive(name, hostOf(connection))
      const machine = await this.accept(frames, user, slot)
      await this.run(machine, { stream, frames: frames.frames, peer: name }, slot)
    } catch (error) {
      this.log('session of %p ended: %s', user, (error as Error).message)
      this.counts.code('contributor', error)
      this.init.counters?.hit(error)
      await this.refuse(frames, error)
    } finally {
      if (slot !== undefined) this.slots.leave(slot)
    }
  }

  private async accept(frames: FrameStream, user: PeerId, slot: Slot): Promise<Machine> {
    const wait = { what: 'open', milliseconds: this.openTimeout, timeout: 'open' } as const
    const bytes = await frames.read(wait)
    const message = decodeMessage(bytes ?? new Uint8Array(0))
    const peers = { user: bytesOf(user), contributor: bytesOf(this.components.peerId) }
    if (message.kind === 'settle') {
      const machine = await this.init.host!.settle(message.value, peers)
      return this.orFail(machine, () => this.enter(slot, machine))
    }
    if (message.kind !== 'open') throw new ProtocolViolationError(`${message.kind} came instead of open or settle`)
    const session = await this.init.host!.accept(message.value, { peers, user, enter: needs => this.slots.enter(slot, needs) })
    return this.orFail(session, () => {
      this.enter(slot, session)
      return frames.write(encodeMessage({ accept: session.terms.accept }), wait)
    })
  }

  /** The session has a place, if it had none yet. @throws RefusalError */
  private enter(slot: Slot, machine: Machine): void {
    this.slots.enter(slot)
    slot.machine = machine
  }

  /** A session that cannot begin fails: who takes care of it is told so. */
  private async orFail<M extends Machine>(machine: M, begin: () => Promise<void> | void): Promise<M> {
    try {
      await begin()
    } catch (error) {
      machine.fail(error)
      throw error
    }
    return machine
  }

  /** Refuses, when the session has not begun; the stream is closed or reset afterwards. */
  private async refuse(frames: FrameStream, error: unknown): Promise<void> {
    const { stream } = frames
    // A session that failed has told its code itself.
    if (stream.status !== 'open' || stream.writeStatus !== 'writable') return
    try {
      const refusal = error instanceof RefusalError
      const retryAfter = refusal ? error.retryAfter : 0
      const code = codeOf(error)
      await frames.write(encodeMessage(refusal ? { refuse: { code, retryAfter } } : { failure: { code } }), {
        what: 'refusing a session',
        milliseconds: this.openTimeout,
        timeout: 'open'
      })
      await closeStream(stream, this.openTimeout)
    } catch (cause) {
      frames.abort(cause)
    }
  }

  private async run(
    side: Machine,
    { stream, frames, peer }: { readonly stream: Stream; readonly frames: AsyncGenerator<Uint8Array>; readonly peer: string },
    slot?: Slot
  ): Promise<void> {
    side.listener = {
      limit: name => this.init.counters?.limits.add(name),
      declined: code => this.counts.declined(side.role, code),
      progressed: () => {
        if (slot !== undefined) slot.progressed = performance.now()
      }
    }
    const ended = carry(stream, frames, side, peer)
    this.running.set(side, ended)
    try {
      await ended
    } catch (error) {
      this.counts.code(side.role, error)
      this.init.counters?.hit(error)
      throw error
    } finally {
      this.running.delete(side)
    }
  }
}

function bytesOf(peer: PeerId): Uint8Array {
  return peer.toMultihash().bytes
}

export function sessionService(init: SessionInit = {}): (components: SessionComponents) => SessionService {
  return components => new SessionService(components, init)
}
