/** Places for sessions that are served: so many for one peer and in all; who holds one and says nothing gives it to who waits. */
import type { Counters } from '../../counters.js'
import { NET_LIMITS } from '../../limits.js'
import { CODE, type Machine, RefusalError } from '../../session/index.js'

/** Seconds after which a peer that found no place may ask again. */
const RETRY = 30

export interface SlotLimits {
  /** Sessions of one peer, and of all. */
  readonly perPeer: number
  readonly all: number
  /** Milliseconds without a message after which a session may be broken off when all places are taken. */
  readonly idle: number
}

export const SLOT_LIMITS: SlotLimits = { perPeer: NET_LIMITS.sessionsPerPeer, all: NET_LIMITS.sessions, idle: NET_LIMITS.sessionIdleInNeed }

/** A place that is held. */
export interface Slot {
  /** The session in it. */
  machine: Machine | undefined
  /** When its last message came. */
  heard: number
  readonly peer: string
}

export class Slots {
  private readonly held = new Set<Slot>()

  constructor(
    private readonly limits: SlotLimits,
    private readonly counters?: Counters
  ) {}

  get size(): number {
    return this.held.size
  }

  /** @throws RefusalError when there is no place for this peer */
  enter(peer: string): Slot {
    const ofPeer = [...this.held].filter(slot => slot.peer === peer).length
    if (ofPeer >= this.limits.perPeer) {
      this.counters?.limits.add('sessionsPerPeer')
      throw new RefusalError(CODE.busy, RETRY)
    }
    if (this.held.size >= this.limits.all) {
      this.counters?.limits.add('sessions')
      this.makeRoom()
    }
    const slot = { machine: undefined, heard: performance.now(), peer }
    this.held.add(slot)
    return slot
  }

  leave(slot: Slot): void {
    this.held.delete(slot)
  }

  /** Tells the slot of each message that comes. */
  async *heard(slot: Slot, frames: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const frame of frames) {
      slot.heard = performance.now()
      yield frame
    }
  }

  /**
   * Breaks off the session that has been silent for the longest time; its user settles it later.
   * @throws RefusalError when none has been silent for long enough
   */
  makeRoom(): void {
    const silent = [...this.held].filter(slot => slot.machine !== undefined).sort((a, b) => a.heard - b.heard)[0]
    if (silent === undefined || performance.now() - silent.heard < this.limits.idle) throw new RefusalError(CODE.busy, RETRY)
    this.counters?.limits.add('sessionIdleInNeed')
    this.held.delete(silent)
    silent.machine!.fail(new RefusalError(CODE.busy, RETRY))
  }
}
