/** From an honest session, one message is changed: who is lied to ends the session with the error that names the lie. */
import test from 'ava'
import { encodeMessage, inlineUserJobs, type Message } from '../../../src/session/index.js'
import { signTail } from '../../../src/proof/index.js'
import { integers, kernel, OWNER_SECRET, seeded } from '../../proof/fixture.js'
import { carryPair, finish, makePair, type Pair, type PairOptions, random, serve, type Tamper } from '../pair.js'

export type Value<K extends Message['kind']> = (Message & { kind: K })['value']
type Failure = Error & { step?: string }

/** Two requests of each group, a batch on the way, and the end. */
export async function converse({ user, contributor, registered }: Pair): Promise<void> {
  const served = serve(contributor)
  // Its error is the session's failure, which is looked at.
  served.catch(() => {})
  const inputs = seeded('attack')
  for (const position of [0, 2]) {
    await Promise.all(registered.manifest.groups.map(({ dIn }, g) => user.request(g, position, integers(inputs, 2 * dIn, 32767))))
  }
  await finish(user, inlineUserJobs({ kernel, manifest: registered.manifest, random }))
  await served
}

export async function failuresOf(
  tamper: (pair: Pair) => Tamper,
  options: PairOptions = {}
): Promise<{ user: Failure | undefined; contributor: Failure | undefined }> {
  const pair = makePair({ ...options, user: { commitRows: 4, ...options.user } })
  await Promise.all([carryPair(pair, tamper(pair)), converse(pair).catch(() => {})])
  return { user: pair.user.failure, contributor: pair.contributor.failure }
}

/** Changes the first message of a kind that a side sends. */
export function first<K extends Message['kind']>(
  from: 'user' | 'contributor',
  kind: K,
  change: (value: Value<K>, bytes: Uint8Array, pair: Pair) => readonly Uint8Array[]
): (pair: Pair) => Tamper {
  return pair => {
    let changed = false
    return (message, sender, bytes) => {
      if (changed || sender !== from || message.kind !== kind) return [bytes]
      changed = true
      return change(message.value as Value<K>, bytes, pair)
    }
  }
}

interface Attack {
  readonly tamper: (pair: Pair) => Tamper
  readonly error: new (...given: never[]) => Error
  readonly step?: string
  readonly message?: RegExp
  readonly options?: PairOptions
}

const caught = (by: 'user' | 'contributor') =>
  test.macro({
    async exec(t, { tamper, error, step, message, options }: Attack) {
      const failures = await failuresOf(tamper, options)
      const failure = failures[by]!
      t.true(failure instanceof error, `${failure?.name}: ${failure?.message}`)
      if (step !== undefined) t.is(failure.step, step)
      if (message !== undefined) t.regex(failure.message, message)
      t.truthy(failures[by === 'user' ? 'contributor' : 'user'], 'the other side learns of it')
    },
    title: (what = '') => `${what} is caught by the ${by}`
  })

export const byUser = caught('user')
export const byContributor = caught('contributor')

export type WireTail = NonNullable<Value<'batch'>['tail']>

interface Resigned {
  readonly batch: Value<'batch'>
  readonly change: Partial<WireTail>
  readonly role?: 'user' | 'contributor'
  readonly key?: Uint8Array
}

/** A batch with something changed, its tail signed again by its sender, or by the given key. */
export function resigned(
  { user, userSeed }: Pair,
  { batch, change, role = 'contributor', key = role === 'user' ? userSeed : OWNER_SECRET }: Resigned
): Uint8Array {
  const tail = { ...batch.tail!, ...change }
  const { signature } = signTail({ secretKey: key, role, session: user.id, tail })
  return encodeMessage({ batch: { ...batch, tail: { ...tail, signature } } })
}

/** Changes the first batch of a side, and leaves its tail as it was signed. */
export const batchOf = (
  from: 'user' | 'contributor',
  change: (batch: Value<'batch'>) => Partial<Value<'batch'>>
): ((pair: Pair) => Tamper) => first(from, 'batch', batch => [encodeMessage({ batch: { ...batch, ...change(batch) } })])

/** Changes the batch by which a side closes. */
export const closing =
  (from: 'user' | 'contributor', change: (batch: Value<'batch'>, bytes: Uint8Array, pair: Pair) => readonly Uint8Array[]) =>
  (pair: Pair): Tamper => {
    return (message, sender, bytes) =>
      message.kind === 'batch' && sender === from && message.value.tail!.closed ? change(message.value, bytes, pair) : [bytes]
  }
