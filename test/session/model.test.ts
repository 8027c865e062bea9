/**
 * Both sides of a session against every order of messages: delivered, lost, repeated, exchanged, changed, forged, closed early, cut off.
 * Only the errors of peers come of it, nothing is outstanding beyond its bound, nothing that is signed contradicts itself, and what
 * both accepted is provable afterwards, whoever restarts.
 */
import test from 'ava'
import fc from 'fast-check'
import { toHex } from '../../src/bytes.js'
import { isPeerError, RefusedError } from '../../src/errors.js'
import { signTail } from '../../src/proof/index.js'
import { codeOf, decodeMessage, encodeMessage, type Machine, type Message, refusedBy } from '../../src/session/index.js'
import { integers, OWNER_SECRET, seeded } from '../proof/fixture.js'
import { type JournaledPair, journaledPair, serveKept, settle } from './settling.js'

type From = 'user' | 'contributor'
const LIMITS = { requests: 3, outstandingRows: 6, outstandingBytes: 1n << 20n }
/** Rows of one request at most. */
const MOST = 3
const CUT = new Error('the line is cut')

/** What has been done to the session. */
interface Model {
  tampered: boolean
}

/** The session, with its messages on the way. */
class Wire {
  readonly queues: Record<From, Uint8Array[]> = { user: [], contributor: [] }
  private readonly inputs = seeded('model')

  constructor(readonly pair: JournaledPair) {
    for (const from of ['user', 'contributor'] as const) void this.collect(from)
    serveKept(pair).catch(() => {})
  }

  private async collect(from: From): Promise<void> {
    try {
      for await (const bytes of this.pair[from].outgoing()) this.queues[from].push(bytes)
    } catch {
      // It is in the side's failure.
    }
  }

  ask(group: number, count: number): void {
    const { user, registered } = this.pair
    user.request(group, 0, integers(this.inputs, count * registered.manifest.groups[group]!.dIn, 32767)).catch(() => {})
  }

  async deliver(from: From, bytes: Uint8Array): Promise<void> {
    const to: Machine = from === 'user' ? this.pair.contributor : this.pair.user
    if (to.failure !== undefined) return
    // What waits for work of the other side must not keep the next command waiting.
    const received = to.receive(bytes).catch(error => {
      to.fail(error)
      this.pair[from].fail(refusedBy(`the ${to.role}`, codeOf(error)))
    })
    await Promise.race([received, quiet()])
  }
}

/** Time for what works in the background. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise(resolve => setTimeout(resolve, 0))
}

class Step implements fc.AsyncCommand<Model, Wire> {
  constructor(
    private readonly name: string,
    private readonly does: (model: Model, wire: Wire) => Promise<void> | void
  ) {}

  check(): boolean {
    return true
  }

  async run(model: Model, wire: Wire): Promise<void> {
    await this.does(model, wire)
    await quiet()
    const { user, contributor } = wire.pair
    for (const { failure } of [user, contributor]) {
      if (failure === undefined) continue
      if (!model.tampered) throw failure
      if (!isPeerError(failure) && !(failure instanceof RefusedError)) throw failure
    }
    const outstanding = contributor.answeredRows - contributor.accepted
    if (outstanding > LIMITS.outstandingRows + MOST) throw new Error(`${outstanding} rows are outstanding`)
  }

  toString(): string {
    return this.name
  }
}

const from = fc.constantFrom<From>('user', 'contributor')

/** Something is done to the next message of a side, if there is one. */
const withNext = (name: string, does: (queue: Uint8Array[], wire: Wire, from: From, choice: number) => Promise<void> | void) =>
  fc.tuple(from, fc.nat(1000)).map(
    ([side, choice]) =>
      new Step(`${name}(${side}, ${choice})`, async (model, wire) => {
        if (wire.queues[side].length === 0) return
        model.tampered = true
        await does(wire.queues[side], wire, side, choice)
      })
  )

/** None: it has been changed before. */
function readable(bytes: Uint8Array): Message | undefined {
  try {
    return decodeMessage(bytes)
  } catch {
    return undefined
  }
}

/** A tail that says something else, signed with the right key. */
function resigned({ pair }: Wire, role: From, message: Message & { kind: 'batch' }, choice: number): Uint8Array {
  const { tail } = message.value
  const wrong = [
    { accepted: tail!.accepted + 1, rows: Math.max(tail!.rows, tail!.accepted + 1) },
    { rows: tail!.rows + 1 },
    { closed: !tail!.closed },
    { publicHash: new Uint8Array(32) },
    { privateHash: new Uint8Array(32) },
    { seen: tail!.seen + 1 }
  ][choice % 6]!
  const changed = { ...tail!, ...wrong }
  const secretKey = role === 'user' ? pair.userSeed : OWNER_SECRET
  const { signature } = signTail({ secretKey, role, session: pair.user.id, tail: changed })
  return encodeMessage({ batch: { ...message.value, tail: { ...changed, signature } } })
}

/** Messages that fit no state: rows never asked for, commitments of other rows. */
function forged(choice: number): Uint8Array {
  const y = new Uint8Array(64)
  return [
    encodeMessage({ deltas: { request: choice % 5, firstRow: choice % 7, count: 1, widths: Uint8Array.of(1), y } }),
    encodeMessage({ rows: { request: choice % 5, group: choice % 4, position: 0, count: 1, x: y } }),
    encodeMessage({ cancel: { request: choice % 5 } }),
    encodeMessage({ proof: { start: 0, end: 1 + (choice % 9), root: y.subarray(32), digest: y.subarray(32), length: 100 } }),
    encodeMessage({ receipt: { signature: y, code: 0 } }),
    encodeMessage({ announced: { announcement: y } }),
    encodeMessage({ begin: { signature: y } }),
    y.subarray(0, choice % 64)
  ][choice % 8]!
}

/** Everything that is on its way arrives. */
async function flow(wire: Wire): Promise<void> {
  for (let idle = 0; idle < 2;) {
    await quiet()
    const side = (['user', 'contributor'] as const).find(each => wire.queues[each].length > 0)
    if (side === undefined) idle++
    else {
      idle = 0
      await wire.deliver(side, wire.queues[side].shift()!)
    }
  }
}

const honest = [
  ...Array.from({ length: 3 }, () =>
    fc
      .tuple(fc.nat(1), fc.integer({ min: 1, max: MOST }))
      .map(([group, count]) => new Step(`ask(${group}, ${count})`, (_model, wire) => wire.ask(group, count)))
  ),
  ...Array.from({ length: 6 }, () =>
    from.map(
      side =>
        new Step(`deliver(${side})`, async (_model, wire) => {
          const bytes = wire.queues[side].shift()
          if (bytes !== undefined) await wire.deliver(side, bytes)
        })
    )
  ),
  ...Array.from({ length: 2 }, () => fc.constant(new Step('flow()', (_model, wire) => flow(wire))))
]

const close = fc.constant(new Step('close()', (_model, wire) => void wire.pair.user.close().catch(() => {})))

const dishonest = [
  withNext('lose', queue => void queue.shift()),
  withNext('repeat', (queue, wire, side) => wire.deliver(side, queue[0]!)),
  withNext('exchange', queue => void queue.push(queue.shift()!)),
  withNext('change', (queue, _wire, _side, choice) => {
    const bytes = Uint8Array.from(queue[0]!)
    bytes[choice % bytes.length]! ^= 1 << (choice % 8)
    queue[0] = bytes
  }),
  withNext('sign otherwise', (queue, wire, side, choice) => {
    const message = readable(queue[0]!)
    if (message?.kind === 'batch') queue[0] = resigned(wire, side, message, choice)
  }),
  fc.tuple(from, fc.nat(1000)).map(
    ([side, choice]) =>
      new Step(`forge(${side}, ${choice})`, async (model, wire) => {
        model.tampered = true
        await wire.deliver(side, forged(choice))
      })
  )
]

/** No two tails of one key have one `accepted` and two hashes, and none goes on after it closed. Returns the last. */
async function signed({ journals }: JournaledPair, side: From): Promise<number> {
  const hashes = new Map<number, string>()
  let [last, closed] = [0, false]
  for (const record of await journals[side].load()) {
    if (record.kind !== `${side} batch`) continue
    const { value } = decodeMessage((record as { own: Uint8Array }).own) as Message & { kind: 'batch' }
    const { accepted, publicHash } = value.tail!
    const before = hashes.get(accepted)
    if (before !== undefined && before !== toHex(publicHash)) throw new Error(`the ${side} signed two hashes for ${accepted} rows`)
    if (closed && accepted > last) throw new Error(`the ${side} went on after it closed`)
    if (accepted < last) throw new Error(`the ${side} accepted ${accepted} after ${last}`)
    hashes.set(accepted, toHex(publicHash))
    last = accepted
    closed ||= value.tail!.closed
  }
  return last
}

/** Some rounds as they should be, then whatever may happen. */
const courses = fc
  .tuple(
    fc.array(fc.oneof(...honest), { minLength: 3, maxLength: 20, size: 'max' }),
    fc.array(fc.oneof(...honest, close, ...dishonest), { maxLength: 12, size: 'max' })
  )
  .map(([first, then]) => [...first, ...then])
const restarts = fc.subarray<From>(['user', 'contributor'])

test('whatever becomes of the messages, nothing but the errors of peers comes of it, and what both accepted is proved', async t => {
  t.timeout(120_000)
  await fc.assert(
    fc.asyncProperty(courses, restarts, async (steps, restarted) => {
      const model = { tampered: false }
      const wire = new Wire(await journaledPair({ limits: LIMITS, groups: [0, 1] }))
      await fc.asyncModelRun(() => ({ model, real: wire }), steps)
      const { user, contributor } = wire.pair
      user.fail(CUT)
      contributor.fail(CUT)
      await quiet()
      const accepted = await signed(wire.pair, 'user')
      await signed(wire.pair, 'contributor')
      if ((await wire.pair.journals.user.load()).length === 0) return
      const settled = await settle(wire.pair, { restarted })
      const failures = [settled.user.failure, settled.contributor.failure].filter(failure => failure !== undefined)
      // Whoever was lied to before may find it out only now.
      const caught =
        model.tampered && failures.some(isPeerError) && failures.every(error => isPeerError(error) || error instanceof RefusedError)
      if (failures.length > 0 && !caught) throw failures[0]
      const proved = settled.proofs.at(-1)?.end ?? 0
      if (!caught && proved < accepted) throw new Error(`both accepted ${accepted} rows, ${proved} are proved`)
      await signed(wire.pair, 'user')
      await signed(wire.pair, 'contributor')
    }),
    { numRuns: 40 }
  )
  t.pass()
})
