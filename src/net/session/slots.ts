/**
 * Places for sessions that are served: so many for one peer and in all. When there is none, or not the memory for it, who comes takes the
 * place of a session that does nothing, or whose host has more (protocols/session, Places). An identity costs nothing, so what counts is
 * the host, and rows that are answered and committed to, not messages.
 */
import type { Counters, LimitName } from '../../counters.js'
import { NET_LIMITS } from '../../limits.js'
import { CODE, type Machine, RefusalError } from '../../session/index.js'
import { Window } from '../rates.js'

/** Seconds after which a peer that found no place may ask again. */
const RETRY = 30
const MINUTE = 60_000

export interface SlotLimits {
  /** Sessions of one peer, and of all. */
  readonly perPeer: number
  readonly all: number
  /** Milliseconds without progress after which a session may be broken off when there is no place. */
  readonly idle: number
  /** Sessions that one host may push out in a minute. */
  readonly takeovers: number
}

export const SLOT_LIMITS: SlotLimits = {
  perPeer: NET_LIMITS.sessionsPerPeer,
  all: NET_LIMITS.sessions,
  idle: NET_LIMITS.sessionIdleInNeed,
  takeovers: NET_LIMITS.sessionTakeovers
}

/** Something that sessions have of a node, and that there is not enough of. */
export interface Need {
  /** By which name it is counted when it is short. */
  readonly limit: LimitName
  readonly wanted: number
  readonly free: number
  /** What a session would give back. */
  readonly of: (machine: Machine) => number
}

/** A stream of a session, and from `enter` on its place. */
export interface Slot {
  readonly peer: string
  readonly host: string
  /** The session in the place. */
  machine: Machine | undefined
  /** When a row of it was last answered or accepted, or it came to its place; performance.now(). */
  progressed: number
}

/** A session that would give way. */
interface Candidate {
  readonly slot: Slot
  readonly gives: number
  readonly isIdle: boolean
  /** Milliseconds without progress, times what its host has. */
  readonly weight: number
}

export class Slots {
  private readonly streams = new Set<Slot>()
  private readonly held = new Set<Slot>()
  private readonly takeovers: Window

  constructor(
    private readonly limits: SlotLimits,
    private readonly counters?: Counters
  ) {
    this.takeovers = new Window(limits.takeovers, MINUTE)
  }

  /** Places that are taken. */
  get size(): number {
    return this.held.size
  }

  /**
   * A stream has come; what it asks for is not known yet.
   * @param host what `hostOf` says of its connection
   * @throws RefusalError when the peer has all its streams
   */
  arrive(peer: string, host: string): Slot {
    const ofPeer = [...this.streams].filter(slot => slot.peer === peer).length
    if (ofPeer >= this.limits.perPeer) {
      this.counters?.limits.add('sessionsPerPeer')
      throw new RefusalError(CODE.busy, RETRY)
    }
    const slot = { peer, host, machine: undefined, progressed: performance.now() }
    this.streams.add(slot)
    return slot
  }

  /**
   * Takes a place, once it is clear that the session would be served. Sessions that give way for it are broken off: their users settle
   * them later. Either there is enough of everything afterwards, or nobody has given way.
   * @param needs what the session needs beside the place
   * @throws RefusalError when not enough sessions may be broken off
   */
  enter(slot: Slot, needs: readonly Need[] = []): void {
    if (this.held.has(slot)) return
    const place: Need = { limit: 'sessions', wanted: 1, free: this.limits.all - this.held.size, of: () => 1 }
    const leaving = new Map<Slot, Candidate>()
    for (const need of [...needs, place]) this.find(slot, need, leaving)
    this.takeOver(slot, leaving)
    slot.progressed = performance.now()
    this.held.add(slot)
  }

  leave(slot: Slot): void {
    this.streams.delete(slot)
    this.held.delete(slot)
  }

  /** Finds who gives way for one need. @throws RefusalError */
  private find(slot: Slot, need: Need, leaving: Map<Slot, Candidate>): void {
    let lacking = need.wanted - need.free
    if (lacking > 0) this.counters?.limits.add(need.limit)
    for (const { machine } of leaving.keys()) lacking -= need.of(machine!)
    while (lacking > 0) {
      const next = this.candidates(slot, need, leaving).reduce<Candidate | undefined>(
        (best, other) => (best === undefined || other.weight > best.weight ? other : best),
        undefined
      )
      if (next === undefined) throw new RefusalError(CODE.busy, RETRY)
      leaving.set(next.slot, next)
      lacking -= next.gives
    }
  }

  /** Sessions that may be broken off for who comes, the one that came first before the others. */
  private candidates(slot: Slot, { wanted, of }: Need, leaving: ReadonlyMap<Slot, Candidate>): Candidate[] {
    const staying = [...this.held].filter(other => !leaving.has(other))
    const sum = (belongs: (other: Slot) => boolean): number =>
      staying.reduce((total, other) => total + (other.machine !== undefined && belongs(other) ? of(other.machine) : 0), 0)
    const now = performance.now()
    return staying.flatMap(other => {
      const gives = other.machine === undefined ? 0 : of(other.machine)
      if (gives <= 0) return []
      // Between those of one host only the peer is left to tell them apart by.
      const by = other.host === slot.host ? 'peer' : 'host'
      const theirs = sum(one => one.host === other.host && one[by] === other[by])
      const ours = sum(one => one.host === slot.host && one[by] === slot[by])
      const still = other.machine!.isWorking ? 0 : now - other.progressed
      const isIdle = !other.machine!.isWorking && still >= this.limits.idle
      const isOwn = other.peer === slot.peer
      const givesWay = isOwn ? isIdle : theirs - gives >= ours + wanted || (isIdle && theirs > ours)
      return givesWay ? [{ slot: other, gives, isIdle, weight: still * theirs }] : []
    })
  }

  /** @throws RefusalError when this host has pushed out enough */
  private takeOver({ host, peer }: Slot, leaving: ReadonlyMap<Slot, Candidate>): void {
    const others = [...leaving.keys()].filter(slot => slot.peer !== peer).length
    const now = performance.now()
    if (others > 0 && !this.takeovers.isOpen(host, now, others)) {
      this.counters?.limits.add('sessionTakeovers')
      throw new RefusalError(CODE.busy, RETRY)
    }
    for (let n = 0; n < others; n++) this.takeovers.add(host, now)
    for (const { slot, isIdle } of leaving.values()) {
      if (isIdle) this.counters?.limits.add('sessionIdleInNeed')
      this.held.delete(slot)
      slot.machine!.fail(new RefusalError(CODE.busy, RETRY))
    }
  }
}
