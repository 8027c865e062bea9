/** Live sessions whose messages are lost, repeated, delayed, changed or made up on their way: both sides must end, by a named error or well. */
import fc from 'fast-check'
import { equal } from '../../src/bytes.js'
import { ConnectionLostError, isPeerError, RefusedError, TimeoutError } from '../../src/errors.js'
import { encodeMessage, inlineUserJobs, type Message, type Side } from '../../src/session/index.js'
import { integers, kernel, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, random, serve, smallAdapter, type Pair } from '../session/pair.js'
import { filled, messageArbitrary } from './protobuf.js'
import { readSchema } from './schema.js'

const KINDS = ['drop', 'twice', 'later', 'patch', 'flip', 'insert'] as const

/** What is done to one message of the session, counted over both directions. */
export interface Edit {
  readonly at: number
  readonly kind: (typeof KINDS)[number]
  readonly seed: number
  /** For `insert`. */
  readonly bytes: Uint8Array
}

/** Messages of the small session, both ways. */
const MESSAGES = 20
const schema = readSchema('protocols/session/session.proto')

export const EDITS: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    at: fc.nat({ max: MESSAGES }),
    kind: fc.constantFrom(...KINDS),
    seed: fc.nat({ max: 2 ** 24 }),
    bytes: messageArbitrary(schema, schema.get('SessionMessage')!)
  }),
  { minLength: 1, maxLength: 4 }
)

const EDGES = [0, 1, 2, 255, 256, 257, 1024, 65_536, 2 ** 31, 2 ** 32 - 1]

/** One field of a message with another value; the encoding stays canonical. */
export function patched({ kind, value }: Message, seed: number): Uint8Array {
  const patch = (given: Readonly<Record<string, unknown>>): Record<string, unknown> => {
    const names = Object.keys(given)
    const name = names[seed % names.length]
    if (name === undefined) return given
    const old = given[name]
    const draw = seed >>> 4
    if (typeof old === 'number')
      return { ...given, [name]: draw % 3 === 0 ? EDGES[draw % EDGES.length] : old + (draw % 2 === 0 || old === 0 ? 1 : -1) }
    if (typeof old === 'bigint') return { ...given, [name]: BigInt(draw) }
    if (typeof old === 'boolean') return { ...given, [name]: !old }
    if (old instanceof Uint8Array) {
      const bytes = old.slice()
      if (bytes.length > 0) bytes[draw % bytes.length]! ^= 1 << (draw & 7)
      const lengths = [bytes, bytes, bytes, bytes.subarray(1), filled(bytes.length + 32, seed)]
      return { ...given, [name]: lengths[draw % lengths.length] }
    }
    return { ...given, [name]: patch(old as Record<string, unknown>) }
  }
  return encodeMessage({ [kind]: patch(value as never) })
}

function apply(edit: Edit, message: Message, bytes: Uint8Array, hold: (bytes: Uint8Array) => void): Uint8Array[] {
  switch (edit.kind) {
    case 'drop':
      return []
    case 'twice':
      return [bytes, bytes]
    case 'later':
      hold(bytes)
      return []
    case 'patch':
      return [patched(message, edit.seed)]
    case 'flip': {
      const flipped = bytes.slice()
      flipped[edit.seed % bytes.length]! ^= 1 << (edit.seed & 7)
      return [flipped]
    }
    case 'insert':
      return [edit.bytes, bytes]
  }
}

const inputs = seeded('fuzzed sessions')
const { manifest } = smallAdapter()
const jobs = inlineUserJobs({ kernel, manifest, random })
const X = manifest.groups.map(({ dIn }) => integers(inputs, 2 * dIn, 32_767))
/** Jobs give the event loop a turn by a timer: turns without a message after which nothing more will come. */
const QUIET = 12
const turn = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 0))
/** Turns after which a session that has been failed must have ended. */
const PATIENCE = 50
/** Rows that the user asks for. */
const ROWS = 6

export type Outcome = 'proved' | 'ended'

/** @throws when a side ends by an error that no peer may cause, does not end, or both end well with different proofs */
export async function runSession(edits: readonly Edit[]): Promise<Outcome> {
  const pair = makePair({ limits: { outstandingRows: 4 } })
  let messages = 0
  const held = new Map<string, Uint8Array[]>()
  const carried = carryPair(pair, (message, from, bytes) => {
    const at = messages++
    let arriving = [bytes]
    for (const edit of edits) {
      if (edit.at !== at) continue
      arriving = arriving.flatMap(each => {
        // Only what decodes can be patched: an edit before this one may have broken it.
        const kind = each === bytes ? edit.kind : 'twice'
        return apply({ ...edit, kind }, message, each, late => held.set(from, [...(held.get(from) ?? []), late]))
      })
    }
    if (edits.some(edit => edit.at === at && edit.kind === 'later')) return arriving
    arriving.push(...(held.get(from) ?? []))
    held.delete(from)
    return arriving
  })
  const served = serve(pair.contributor)
  const used = use(pair)
  let over = false
  const all = Promise.allSettled([carried, served, used]).then(results => {
    over = true
    return results
  })
  for (let quiet = 0, before = -1; quiet < QUIET && !over; quiet = messages === before ? quiet + 1 : 0) {
    before = messages
    await turn()
  }
  // The stream's owner would say so: the sides know no clock.
  for (const side of [pair.user, pair.contributor]) if (!over) side.fail(new TimeoutError('the session', 1))
  for (let n = 0; n < PATIENCE && !over; n++) await turn()
  if (!over) throw new Error('a side that failed still waits for something')
  const [, proved, verified] = await all
  for (const side of [pair.user, pair.contributor]) checkSide(side)
  if (proved!.status !== 'fulfilled' || verified!.status !== 'fulfilled') return 'ended'
  if (!equal(proved.value!.digest, verified.value.digest)) {
    throw new Error('the sides ended with different proofs')
  }
  return 'proved'
}

async function use(pair: Pair): Promise<{ digest: Uint8Array }> {
  const asked = X.map((x, group) => pair.user.request(group, 0, x))
  await Promise.all(asked)
  await pair.user.request(0, 2, X[0]!)
  return finish(pair.user, jobs)
}

function checkSide(side: Side & { readonly answeredRows: number }): void {
  const { failure } = side
  const allowed =
    failure === undefined ||
    isPeerError(failure) ||
    failure instanceof RefusedError ||
    failure instanceof ConnectionLostError ||
    failure instanceof TimeoutError
  if (!allowed) throw new Error(`the ${side.role} failed with ${failure.name}: ${failure.message}`, { cause: failure })
  if (failure === undefined && !side.finished) throw new Error(`the ${side.role} neither failed nor finished`)
  if (side.accepted > side.answeredRows) throw new Error(`the ${side.role} accepted ${side.accepted} of ${side.answeredRows} rows`)
  if (side.answeredRows > 2 * ROWS) throw new Error(`the ${side.role} counts ${side.answeredRows} rows`)
}
