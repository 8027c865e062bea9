/** A session whose messages are carried by hand, and everything that may be done to it on the way: the commands of the model test. */
import fc from 'fast-check'
import { toHex } from '../../src/bytes.js'
import { ConnectionLostError, isPeerError, RefusedError } from '../../src/errors.js'
import { signTail } from '../../src/proof/index.js'
import {
  codeOf,
  type ContributorJobs,
  decodeMessage,
  encodeMessage,
  inlineContributorJobs,
  inlineUserJobs,
  type Machine,
  type Message,
  refusedBy,
  type UserJobs
} from '../../src/session/index.js'
import { patched } from '../fuzz/sessions.js'
import { integers, kernel, OWNER_SECRET, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, random, serve, smallAdapter } from './pair.js'
import { type JournaledPair, journaledPair, serveKept } from './settling.js'

export type From = 'user' | 'contributor'
export const SIDES = ['user', 'contributor'] as const
const LIMITS = { requests: 3, outstandingRows: 6, outstandingBytes: 1n << 20n }
/** Rows of one request at most. */
const MOST = 3

/** What has been done to the session. */
export interface Model {
  tampered: boolean
  /** The stream was closed early. */
  cut: boolean
}

/** What a side says next is a lie, in the right form and signed by its key. */
interface Lies {
  commitment: boolean
  answer: boolean
  blinding: boolean
}

/** Time for what works in the background. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise(resolve => setTimeout(resolve, 0))
}

const changed = <A extends Int16Array | Float64Array>(values: A): A => {
  const copy = values.slice() as A
  copy[0] = copy[0]! > 0 ? copy[0]! - 1 : copy[0]! + 1
  return copy
}

function lyingJobs(lies: Lies): { readonly user: UserJobs; readonly contributor: ContributorJobs } {
  const { adapter, manifest } = smallAdapter()
  const user = inlineUserJobs({ kernel, manifest, random })
  const contributor = inlineContributorJobs({ kernel, adapter, random })
  const once = (lie: keyof Lies): boolean => {
    const is = lies[lie]
    lies[lie] = false
    return is
  }
  return {
    user: { ...user, commitInputs: ({ group, x }) => user.commitInputs({ group, x: once('commitment') ? changed(x) : x }) },
    contributor: {
      ...contributor,
      answer: async job => {
        const { h, y } = await contributor.answer(job)
        return { h, y: once('answer') ? changed(y) : y }
      },
      commitOutputs: ({ group, h }) => contributor.commitOutputs({ group, h: once('blinding') ? changed(h) : h })
    }
  }
}

/** The session, with its messages on the way. */
export class Wire {
  readonly queues: Record<From, Uint8Array[]> = { user: [], contributor: [] }
  /** Requests that can be cancelled. */
  readonly stops: AbortController[] = []
  /** What left before it was on the disk. */
  readonly early: string[] = []
  private readonly inputs = seeded('model')

  private constructor(
    readonly pair: JournaledPair,
    readonly lies: Lies
  ) {
    for (const from of SIDES) void this.collect(from)
    serveKept(pair).catch(() => {})
  }

  static async open(): Promise<Wire> {
    const lies = { commitment: false, answer: false, blinding: false }
    const jobs = lyingJobs(lies)
    const sides = { user: { jobs: jobs.user }, contributor: { jobs: jobs.contributor } }
    return new Wire(await journaledPair({ limits: LIMITS, groups: [0, 1], ...sides }), lies)
  }

  private async collect(from: From): Promise<void> {
    try {
      for await (const bytes of this.pair[from].outgoing()) {
        if (!this.pair.isWritten(from, bytes)) this.early.push(`${from} ${decodeMessage(bytes).kind}`)
        this.queues[from].push(bytes)
      }
    } catch {
      // It is in the side's failure.
    }
  }

  ask(group: number, count: number, signal?: AbortSignal): void {
    const { user, registered } = this.pair
    const x = integers(this.inputs, count * registered.manifest.groups[group]!.dIn, 32767)
    user.ask({ group, position: 0, x }, { signal }).catch(() => {})
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
      const allowed =
        failure === undefined ||
        (model.cut && failure instanceof ConnectionLostError) ||
        (model.tampered && (isPeerError(failure) || failure instanceof RefusedError))
      if (!allowed) throw failure
    }
    const outstanding = contributor.answeredRows - contributor.accepted
    if (outstanding > LIMITS.outstandingRows + MOST) throw new Error(`${outstanding} rows are outstanding`)
    if (wire.early.length > 0) throw new Error(`${wire.early.join()} left before it was on the disk`)
  }

  toString(): string {
    return this.name
  }
}

const from = fc.constantFrom<From>(...SIDES)

/** Something is done to the next message of a side, if there is one. */
const withNext = (name: string, does: (queue: Uint8Array[], wire: Wire, from: From, choice: number) => Promise<void> | void) =>
  fc.tuple(from, fc.nat(2 ** 20)).map(
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

/** A tail that says something else, signed with the right key, or says the same with another. */
function resigned({ pair }: Wire, role: From, message: Message & { kind: 'batch' }, choice: number): Uint8Array {
  const { tail } = message.value
  const wrong = [
    { accepted: tail!.accepted + 1, rows: Math.max(tail!.rows, tail!.accepted + 1) },
    { rows: tail!.rows + 1 },
    { closed: !tail!.closed },
    { publicHash: new Uint8Array(32) },
    { privateHash: new Uint8Array(32) },
    { seen: tail!.seen + 1 },
    {}
  ][choice % 7]!
  const change = { ...tail!, ...wrong }
  const own = role === 'user' ? pair.userSeed : OWNER_SECRET
  const secretKey = choice % 7 === 6 ? new Uint8Array(32).fill(9) : own
  const { signature } = signTail({ secretKey, role, session: pair.user.id, tail: change })
  return encodeMessage({ batch: { ...message.value, tail: { ...change, signature } } })
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
    encodeMessage({ receipt: { signature: new Uint8Array(0), code: 17 } }),
    encodeMessage({ announced: { announcement: y.subarray(choice % 64) } }),
    encodeMessage({ begin: { signature: y } }),
    encodeMessage({ settle: { session: y.subarray(32), userRows: 0, contributorRows: 0, rows: choice % 3, signature: y } }),
    encodeMessage({ refuse: { code: choice % 21, retryAfter: 0 } }),
    y.subarray(0, choice % 64)
  ][choice % 11]!
}

let others: Promise<Record<From, Uint8Array[]>> | undefined
/** All messages of another session with the same adapter, which ended well. */
export function ofAnotherSession(): Promise<Record<From, Uint8Array[]>> {
  others ??= (async () => {
    const { manifest } = smallAdapter()
    const pair = makePair({ groups: [0, 1], user: { commitRows: 2 } })
    const sent: Record<From, Uint8Array[]> = { user: [], contributor: [] }
    const carried = carryPair(pair, (_message, side, bytes) => {
      sent[side].push(bytes)
      return [bytes]
    })
    const served = serve(pair.contributor)
    for (const group of [0, 1]) await pair.user.request(group, 0, integers(seeded('others'), 2 * manifest.groups[group]!.dIn, 32767))
    await finish(pair.user, inlineUserJobs({ kernel, manifest, random }))
    await Promise.all([carried, served])
    return sent
  })()
  return others
}

/** Everything that is on its way arrives. */
async function flow(wire: Wire): Promise<void> {
  for (let idle = 0; idle < 2;) {
    await quiet()
    const side = SIDES.find(each => wire.queues[each].length > 0)
    if (side === undefined) idle++
    else {
      idle = 0
      await wire.deliver(side, wire.queues[side].shift()!)
    }
  }
}

const asks = (cancellable: boolean) =>
  fc.tuple(fc.nat(1), fc.integer({ min: 1, max: MOST })).map(
    ([group, count]) =>
      new Step(`${cancellable ? 'askAndMayCancel' : 'ask'}(${group}, ${count})`, (_model, wire) => {
        const stop = cancellable ? new AbortController() : undefined
        if (stop !== undefined) wire.stops.push(stop)
        wire.ask(group, count, stop?.signal)
      })
  )

const delivers = from.map(
  side =>
    new Step(`deliver(${side})`, async (_model, wire) => {
      const bytes = wire.queues[side].shift()
      if (bytes !== undefined) await wire.deliver(side, bytes)
    })
)

const honest = [
  { weight: 3, arbitrary: asks(false) },
  { weight: 2, arbitrary: asks(true) },
  { weight: 6, arbitrary: delivers },
  { weight: 2, arbitrary: fc.constant(new Step('flow()', (_model, wire) => flow(wire))) },
  { weight: 1, arbitrary: fc.constant(new Step('cancel()', (_model, wire) => wire.stops.shift()?.abort(new Error('no more')))) }
]

const lie = (what: keyof Lies) =>
  new Step(`lie(${what})`, (model, wire) => {
    model.tampered = true
    wire.lies[what] = true
  })

const dishonest = [
  fc.constant(new Step('close()', (_model, wire) => void wire.pair.user.close().catch(() => {}))),
  withNext('lose', queue => void queue.shift()),
  withNext('repeat', (queue, wire, side) => wire.deliver(side, queue[0]!)),
  withNext('exchange', queue => void queue.push(queue.shift()!)),
  withNext('change', (queue, _wire, _side, choice) => {
    const bytes = Uint8Array.from(queue[0]!)
    bytes[choice % bytes.length]! ^= 1 << (choice % 8)
    queue[0] = bytes
  }),
  withNext('miscount', (queue, _wire, _side, choice) => {
    const message = readable(queue[0]!)
    if (message !== undefined) queue[0] = patched(message, choice)
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
  ),
  fc.tuple(from, fc.nat(1000)).map(
    ([side, choice]) =>
      new Step(`bring from another session(${side}, ${choice})`, async (model, wire) => {
        model.tampered = true
        const all = (await ofAnotherSession())[side]
        await wire.deliver(side, all[choice % all.length]!)
      })
  ),
  fc.constantFrom<keyof Lies>('commitment', 'answer', 'blinding').map(lie),
  fc.constant(
    new Step('end the stream()', (model, { pair }) => {
      model.cut = true
      for (const side of SIDES) pair[side].peerClosed()
    })
  )
]

/** Some rounds as they should be, then whatever may happen. */
export const courses = fc
  .tuple(
    fc.array(fc.oneof(...honest), { minLength: 3, maxLength: 20, size: 'max' }),
    fc.array(fc.oneof(...honest, ...dishonest), { maxLength: 12, size: 'max' })
  )
  .map(([first, then]) => [...first, ...then])

/** No two tails of one key have one `accepted` and two hashes, and none goes on after it closed. Returns the last. */
export async function signed({ journals }: JournaledPair, side: From): Promise<number> {
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
