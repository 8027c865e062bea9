/**
 * Both sides of a session against every order of messages: delivered, lost, repeated, exchanged, changed, forged, cancelled, of another
 * session, closed early, cut off, with sides that lie in the right form; then settled over streams to which the same is done. Only the
 * errors of peers come of it, nothing is outstanding beyond its bound, nothing leaves before it is written down or contradicts itself,
 * and what both accepted is provable afterwards, whoever restarts.
 */
import test from 'ava'
import fc from 'fast-check'
import { ConnectionLostError, isPeerError, RefusedError } from '../../src/errors.js'
import type { Machine } from '../../src/session/index.js'
import { patched } from '../fuzz/sessions.js'
import type { Tamper } from './pair.js'
import { courses, type From, ofAnotherSession, quiet, signed, SIDES, Wire } from './model.js'
import { type JournaledPair, settle, type Settled } from './settling.js'

const CUT = new Error('the line is cut')
/** Turns without a message after which nothing more comes. */
const QUIET = 4

/** What is done to one message of a settling, counted over both directions. */
interface Edit {
  readonly at: number
  readonly kind: 'lose' | 'twice' | 'change' | 'miscount' | 'other session' | 'cut'
  readonly choice: number
}

interface Attempt {
  readonly restarted: readonly From[]
  readonly edit: Edit
}

const restarts = fc.subarray<From>([...SIDES])
const attempts: fc.Arbitrary<Attempt[]> = fc.array(
  fc.record({
    restarted: restarts,
    edit: fc.record({
      at: fc.nat(9),
      kind: fc.constantFrom('lose', 'twice', 'change', 'miscount', 'other session', 'cut'),
      choice: fc.nat(2 ** 20)
    })
  }),
  { maxLength: 3, size: 'max' }
)

async function tampering({ at, kind, choice }: Edit): Promise<{ readonly tamper: Tamper; readonly count: () => number }> {
  const others = await ofAnotherSession()
  let messages = 0
  const tamper: Tamper = (message, from, bytes) => {
    if (messages++ !== at) return [bytes]
    switch (kind) {
      case 'lose':
        return []
      case 'twice':
        return [bytes, bytes]
      case 'miscount':
        return [patched(message, choice)]
      case 'other session':
        return [others[from][choice % others[from].length]!, bytes]
      case 'cut':
        throw CUT
      case 'change': {
        const changed = bytes.slice()
        changed[choice % bytes.length]! ^= 1 << (choice & 7)
        return [changed]
      }
    }
  }
  return { tamper, count: () => messages }
}

/** What a stream that somebody meddles with may end by. */
const mayEnd = (error: unknown): boolean =>
  error === CUT || isPeerError(error) || error instanceof RefusedError || error instanceof ConnectionLostError

/** One stream over which it is settled, and what became of it. */
async function attempt(pair: JournaledPair, { restarted, edit }: Attempt): Promise<void> {
  const { tamper, count } = await tampering(edit)
  let machines: readonly Machine[] = []
  let over = false
  const early: string[] = []
  const watched: Tamper = (message, from, bytes) => {
    if (!pair.isWritten(from, bytes)) early.push(`${from} ${message.kind}`)
    return tamper(message, from, bytes)
  }
  const settled = settle(pair, { restarted, tamper: watched, onMachines: both => (machines = both) })
    .catch(error => {
      if (!mayEnd(error)) throw error
    })
    .finally(() => (over = true))
  for (let idle = 0, before = -1; idle < QUIET && !over; idle = count() === before ? idle + 1 : 0) {
    before = count()
    await quiet()
  }
  // The stream's owner would say so: the sides know no clock.
  for (const machine of machines) machine.fail(CUT)
  await settled
  for (const { failure } of machines) {
    if (failure !== undefined && !mayEnd(failure)) throw failure
  }
  if (early.length > 0) throw new Error(`${early.join()} left before it was on the disk`)
}

async function checkSigned(pair: JournaledPair): Promise<number> {
  const [user] = [await signed(pair, 'user'), await signed(pair, 'contributor')]
  return user
}

function failuresOf({ user, contributor }: Settled): Error[] {
  return [user.failure, contributor.failure].filter(failure => failure !== undefined)
}

test('whatever becomes of the messages, nothing but the errors of peers comes of it, and what both accepted is proved', async t => {
  t.timeout(120_000)
  await fc.assert(
    fc.asyncProperty(courses, attempts, restarts, async (steps, tries, restarted) => {
      const model = { tampered: false, cut: false }
      const wire = await Wire.open()
      const { pair } = wire
      await fc.asyncModelRun(() => ({ model, real: wire }), steps)
      for (const side of SIDES) pair[side].fail(CUT)
      await quiet()
      const accepted = await checkSigned(pair)
      if ((await pair.journals.user.load()).length === 0) return
      // What a process knew does not come back with the next.
      const gone = new Set<From>()
      for (const { edit, restarted: now } of tries) {
        for (const side of now) gone.add(side)
        await attempt(pair, { edit, restarted: [...gone] })
        await checkSigned(pair)
      }
      const settled = await settle(pair, { restarted: [...gone, ...restarted] })
      const failures = failuresOf(settled)
      // Whoever was lied to before may find it out only now.
      const caught =
        model.tampered && failures.some(isPeerError) && failures.every(error => isPeerError(error) || error instanceof RefusedError)
      if (failures.length > 0 && !caught) throw failures[0]
      const proved = settled.proofs.at(-1)?.end ?? 0
      if (!caught && proved < accepted) throw new Error(`both accepted ${accepted} rows, ${proved} are proved`)
      await checkSigned(pair)
    }),
    { numRuns: 40, includeErrorInReport: true, timeout: 30_000 }
  )
  t.pass()
})

test('the courses of that test have everything in them that can be done to a session', t => {
  const names = new Set(fc.sample(courses, { numRuns: 300, seed: 1 }).flatMap(steps => steps.map(step => `${step}`.split('(')[0])))
  const all = [
    'ask',
    'askAndMayCancel',
    'cancel',
    'deliver',
    'flow',
    'close',
    'lose',
    'repeat',
    'exchange',
    'change',
    'miscount',
    'sign otherwise',
    'forge',
    'bring from another session',
    'lie',
    'end the stream'
  ]
  t.deepEqual([...names].sort(), all.sort())
})
