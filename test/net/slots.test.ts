/** Places of sessions: who gets one when all are taken, and who gives way. */
import test from 'ava'
import { Counters } from '../../src/counters.js'
import { NET_LIMITS } from '../../src/limits.js'
import { type Need, type Slot, SLOT_LIMITS, type SlotLimits, Slots } from '../../src/net/session/slots.js'
import { type Machine, RefusalError } from '../../src/session/index.js'

const MINUTE = 60_000
const BUSY = { instanceOf: RefusalError, message: /busy/ }

/** Places, and sessions in them that only can be broken off. */
function places(limits: Partial<SlotLimits> = {}) {
  const counters = new Counters()
  const slots = new Slots({ ...SLOT_LIMITS, ...limits }, counters)
  const failed: string[] = []
  return {
    slots,
    failed,
    hits: () => counters.limits.all(),
    /** @param still milliseconds since the last row */
    enter(peer: string, host: string, { still = 0, isWorking = false, bytes = 0, needs = [] as Need[] } = {}): Slot {
      const slot = slots.arrive(peer, host)
      try {
        slots.enter(slot, needs)
      } catch (error) {
        slots.leave(slot)
        throw error
      }
      slot.progressed = performance.now() - still
      slot.machine = { isWorking, bytes, fail: () => failed.push(peer) } as unknown as Machine
      return slot
    }
  }
}

/** Bytes that a session needs beside its place. */
const memory = (wanted: number, free: number): Need => ({
  limit: 'outstandingBytesAll',
  wanted,
  free,
  of: machine => (machine as unknown as { bytes: number }).bytes
})

test('of 64 sessions one without progress for a minute gives its place away, and none before', t => {
  const { slots, failed, hits, enter } = places()
  const held = Array.from({ length: NET_LIMITS.sessions }, (_, n) => enter(`peer ${n}`, `host ${n}`, { still: MINUTE - 1000 }))
  t.throws(() => enter('waiting', 'elsewhere'), BUSY)
  held[7]!.progressed = performance.now() - NET_LIMITS.sessionIdleInNeed
  enter('waiting', 'elsewhere')
  t.deepEqual(failed, ['peer 7'])
  t.throws(() => enter('late', 'still elsewhere'), BUSY)
  t.is(slots.size, NET_LIMITS.sessions)
  t.deepEqual(hits(), { sessions: 3, sessionIdleInNeed: 1 })
})

test('a peer has so many streams, with a place or without', t => {
  const { slots, hits, enter } = places()
  enter('peer', 'host')
  const waiting = [1, 2, 3].map(() => slots.arrive('peer', 'host'))
  t.throws(() => slots.arrive('peer', 'another host'), BUSY)
  t.is(slots.size, 1)
  slots.leave(waiting[0]!)
  t.notThrows(() => slots.arrive('peer', 'host'))
  t.deepEqual(hits(), { sessionsPerPeer: 1 })
})

test('a host with many identities gives way to one that has fewer places, whatever it says, until both have as many', t => {
  const { failed, hits, enter } = places({ all: 4 })
  for (let n = 0; n < 4; n++) enter(`bad ${n}`, 'bad', { still: 4 - n })
  enter('first', 'good')
  enter('second', 'good')
  t.deepEqual(failed, ['bad 0', 'bad 1'])
  t.throws(() => enter('third', 'good'), BUSY)
  t.throws(() => enter('bad 5', 'bad'), BUSY)
  t.deepEqual(hits(), { sessions: 4 })
})

test('a host does not push out who has fewer places, however long that has been silent', t => {
  const { failed, enter } = places({ all: 4 })
  enter('reader', 'good', { still: 10 * MINUTE })
  for (const n of [0, 1, 2]) enter(`bad ${n}`, 'bad')
  t.throws(() => enter('bad 3', 'bad'), BUSY)
  t.deepEqual(failed, [])
})

test('of several that may give way it is who has been still for longest, and the more places its host has the sooner', t => {
  const some = (): ReturnType<typeof places> => {
    const all = places({ all: 4 })
    for (const n of [0, 1, 2]) all.enter(`many ${n}`, 'many', { still: 30_000 + n })
    return all
  }
  const readers = some()
  readers.enter('reader', 'one', { still: 85_000 })
  readers.enter('new', 'elsewhere')
  t.deepEqual(readers.failed, ['many 2'])
  const sleepers = some()
  sleepers.enter('sleeper', 'one', { still: 95_000 })
  sleepers.enter('new', 'elsewhere')
  t.deepEqual(sleepers.failed, ['sleeper'])
})

test('who waits for this side’s work is not idle, and gives way after all others', t => {
  const { failed, enter } = places({ all: 3 })
  enter('proving', 'other', { still: 10 * MINUTE, isWorking: true })
  enter('waits', 'host', { still: 10 * MINUTE, isWorking: true })
  enter('pauses', 'host', { still: 10 })
  enter('new', 'elsewhere')
  t.deepEqual(failed, ['pauses'])
  t.throws(() => enter('late', 'late'), BUSY)
})

test('behind one host the peers share its places alike', t => {
  const { failed, enter } = places({ all: 4 })
  for (const n of [1, 2, 3, 4]) enter('bad', 'lan', { still: 5 - n })
  enter('good', 'lan')
  enter('better', 'lan')
  t.deepEqual(failed, ['bad', 'bad'])
  t.throws(() => enter('good', 'lan'), BUSY)
})

test('one host pushes out so many sessions in a minute, and others still may', t => {
  const { slots, failed, hits, enter } = places({ all: 40 })
  for (let n = 0; n < 40; n++) enter(`many ${n}`, 'many')
  for (let n = 0; n < NET_LIMITS.sessionTakeovers; n++) {
    const slot = enter('restless', 'restless')
    slots.leave(slot)
    enter(`again ${n}`, 'many')
  }
  t.throws(() => enter('restless', 'restless'), BUSY)
  t.is(failed.length, NET_LIMITS.sessionTakeovers)
  t.is(hits().sessionTakeovers, 1)
  t.notThrows(() => enter('new', 'elsewhere'))
})

test('memory is shared as places are, and nobody ends for less than is needed', t => {
  const { slots, failed, hits, enter } = places()
  const own = enter('reader', 'good', { still: MINUTE, bytes: 10 })
  for (const n of [0, 1, 2]) enter(`bad ${n}`, 'bad', { still: 3 - n, bytes: 30 })
  // Two of them are enough: their host keeps 30 bytes then, and who comes has 60.
  t.throws(() => enter('new', 'elsewhere', { needs: [memory(200, 0)] }), BUSY)
  t.deepEqual(failed, [])
  enter('new', 'elsewhere', { needs: [memory(20, 0)], bytes: 20 })
  t.deepEqual(failed, ['reader', 'bad 0'])
  t.is(slots.size, 3)
  slots.leave(own)
  // A peer's own session ends for its next.
  enter('self', 'self', { bytes: 50, still: MINUTE })
  enter('self', 'self', { needs: [memory(50, 0)], bytes: 50 })
  t.deepEqual(failed.slice(2), ['self'])
  t.deepEqual(hits(), { outstandingBytesAll: 3, sessionIdleInNeed: 2 })
})

test('who gives way for memory gives its place away as well, and a session without any is of no use', t => {
  const { slots, failed, enter } = places({ all: 2 })
  enter('closed', 'a', { still: 2 * MINUTE })
  enter('still', 'b', { still: MINUTE, bytes: 10 })
  enter('new', 'c', { needs: [memory(10, 0)], bytes: 10 })
  t.deepEqual(failed, ['still'])
  t.is(slots.size, 2)
})
