/** From an honest settling, one message is changed: who is lied to ends it with the error that names the lie. */
import test from 'ava'
import { ConnectionLostError, InvalidProofError, MalformedMessageError, ProtocolViolationError, RefusedError } from '../../src/errors.js'
import { signTail } from '../../src/proof/index.js'
import { encodeMessage, type Message, type SettlingContributor, type SettlingUser } from '../../src/session/index.js'
import { makeSettle } from '../../src/session/settle/message.js'
import { integers, OWNER_SECRET, seeded } from '../proof/fixture.js'
import { carryPair, PEERS, type Tamper } from './pair.js'
import { type JournaledPair, journaledPair, settle, type Settled } from './settling.js'

type Value<K extends Message['kind']> = (Message & { kind: K })['value']
type Failure = Error & { step?: string }
type Side = 'user' | 'contributor'

const CUT = new Error('the line is cut')
const inputs = seeded('settle attacks')
const soon = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** Ten rows are answered: four are accepted by both, four by the contributor alone, and two are in no batch. */
async function broken(): Promise<JournaledPair> {
  const pair = await journaledPair()
  const { user, contributor } = pair
  let batches = 0
  const carried = carryPair(pair, (message, from, bytes) =>
    message.kind === 'batch' && from === 'contributor' && ++batches > 1 ? [] : [bytes]
  )
  const x = (count: number): Int16Array => integers(inputs, count * 20, 32767)
  await user.request(0, 0, x(4))
  while (user.accepted < 4) await soon()
  await user.request(0, 4, x(4))
  while (batches < 2) await soon()
  await user.request(0, 8, x(2))
  for (const side of [user, contributor]) side.fail(CUT)
  await carried
  return pair
}

async function settledWith(tamper: (pair: JournaledPair) => Tamper): Promise<Settled> {
  const pair = await broken()
  return settle(pair, { restarted: [], tamper: tamper(pair) })
}

/** Changes the n-th message of a kind that a side sends. */
function nth<K extends Message['kind']>(
  from: Side,
  kind: K,
  change: (value: Value<K>, bytes: Uint8Array, pair: JournaledPair) => readonly Uint8Array[],
  n = 1
): (pair: JournaledPair) => Tamper {
  return pair => {
    let seen = 0
    return (message, sender, bytes) =>
      sender === from && message.kind === kind && ++seen === n ? change(message.value as Value<K>, bytes, pair) : [bytes]
  }
}

interface Attack {
  readonly tamper: (pair: JournaledPair) => Tamper
  readonly error: new (...given: never[]) => Error
  readonly step?: string
  readonly message?: RegExp
}

const caught = (by: Side) =>
  test.macro({
    async exec(t, { tamper, error, step, message }: Attack) {
      const settled = await settledWith(tamper)
      const failure: Failure | undefined = settled[by].failure
      t.true(failure instanceof error, `${failure?.name}: ${failure?.message}`)
      if (step !== undefined) t.is(failure!.step, step)
      if (message !== undefined) t.regex(failure!.message, message)
      t.truthy(settled[by === 'user' ? 'contributor' : 'user'].failure, 'the other side learns of it')
    },
    title: (what = '') => `${what} is caught by the ${by} that settles`
  })

const byUser = caught('user')
const byContributor = caught('contributor')

test('the same settling without a change ends well', async t => {
  const { user, contributor, proofs } = await settledWith(() => (_message, _from, bytes) => [bytes])
  t.deepEqual([user.failure, contributor.failure], [undefined, undefined])
  t.deepEqual(
    proofs.map(({ start, end, whole }) => [start, end, whole]),
    [[0, 10, true]]
  )
})

// The contributor's settle

const settleOf = (
  change: (value: Value<'settle'>) => Partial<Value<'settle'>>,
  { key = OWNER_SECRET, peers = PEERS, role = 'contributor' as Side } = {}
) =>
  nth('contributor', 'settle', (value, _bytes, { contributor: { terms } }) => [
    encodeMessage({ settle: makeSettle({ terms, role, peers }, { ...value, ...change(value) }, key) })
  ])

test('a settle of another key', byUser, {
  tamper: settleOf(() => ({}), { key: new Uint8Array(32).fill(9) }),
  error: InvalidProofError,
  step: 'signature'
})
test('a settle for other peers', byUser, {
  tamper: settleOf(() => ({}), { peers: { ...PEERS, user: new Uint8Array(34).fill(9) } }),
  error: InvalidProofError,
  step: 'signature'
})
test('a settle in the name of the user', byUser, {
  tamper: settleOf(() => ({}), { role: 'user' }),
  error: InvalidProofError,
  step: 'signature'
})
test('a settle with fewer rows than the user opened', byUser, {
  tamper: settleOf(() => ({ contributorRows: 3 })),
  error: ProtocolViolationError,
  message: /settles with 3 rows/
})
test('a settle with more batches than the user sent', byUser, {
  tamper: settleOf(() => ({ userRows: 9 })),
  error: ProtocolViolationError,
  message: /9 of them committed to by this side/
})
test('a settle with more of its own rows than of the user’s', byUser, {
  tamper: settleOf(({ userRows }) => ({ contributorRows: userRows + 1 })),
  error: ProtocolViolationError,
  message: /of a session of/
})
test('a settle with more rows than the session has', byUser, {
  tamper: settleOf(() => ({ rows: 1001 })),
  error: ProtocolViolationError,
  message: /of a session of 1000/
})
test('a settle that comes twice', byUser, {
  tamper: nth('contributor', 'settle', (_, bytes) => [bytes, bytes]),
  error: ProtocolViolationError
})
test('another message before the settle', byUser, {
  tamper: nth('contributor', 'settle', (_, bytes) => [encodeMessage({ announced: { announcement: new Uint8Array(0) } }), bytes]),
  error: ProtocolViolationError,
  message: /did not expect announced/
})
test('a refusal', byUser, {
  tamper: nth('contributor', 'settle', () => [encodeMessage({ refuse: { code: 20, retryAfter: 0 } })]),
  error: RefusedError,
  message: /unknown session/
})

// Batches of the contributor: the first is one that was sent before, the second is new, the third closes

type WireTail = NonNullable<Value<'batch'>['tail']>

function resigned(
  { userSeed, user }: JournaledPair,
  batch: Value<'batch'>,
  change: Partial<WireTail>,
  role: Side,
  key?: Uint8Array
): Uint8Array {
  const tail = { ...batch.tail!, ...change }
  const secretKey = key ?? (role === 'user' ? userSeed : OWNER_SECRET)
  const { signature } = signTail({ secretKey, role, session: user.id, tail })
  return encodeMessage({ batch: { ...batch, tail: { ...tail, signature } } })
}

const tail = (from: Side, n: number, change: (tail: WireTail) => Partial<WireTail>, key?: Uint8Array) =>
  nth(from, 'batch', (batch, _, pair) => [resigned(pair, batch, change(batch.tail!), from, key)], n)
const body = (from: Side, n: number, change: (batch: Value<'batch'>) => Partial<Value<'batch'>>) =>
  nth(from, 'batch', batch => [encodeMessage({ batch: { ...batch, ...change(batch) } })], n)
const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 1 ? byte ^ 1 : byte))
const other = (points: Uint8Array): Uint8Array => Uint8Array.from([...points.subarray(32), ...points.subarray(0, 32)])

for (const [n, which] of [
  [1, 'a batch that was sent before'],
  [2, 'a new batch']
] as const) {
  test(`${which} with commitments in another order`, byUser, {
    tamper: body('contributor', n, ({ commitments }) => ({ commitments: other(commitments) })),
    error: InvalidProofError
  })
  test(`${which} with blindings in another order`, byUser, {
    tamper: body('contributor', n, ({ blindings }) => ({ blindings: other(blindings) })),
    error: InvalidProofError
  })
  test(`${which} without blindings`, byUser, {
    tamper: body('contributor', n, () => ({ blindings: new Uint8Array(0) })),
    error: ProtocolViolationError
  })
  test(`${which} about other rows`, byUser, {
    tamper: body('contributor', n, ({ firstRow }) => ({ firstRow: firstRow + 1 })),
    error: ProtocolViolationError
  })
  test(`${which} of fewer rows`, byUser, {
    tamper: body('contributor', n, ({ commitments, blindings }) => ({
      commitments: commitments.subarray(32),
      blindings: blindings.subarray(32)
    })),
    error: ProtocolViolationError
  })
  test(`${which} that another key signed`, byUser, {
    tamper: tail('contributor', n, () => ({}), new Uint8Array(32).fill(9)),
    error: InvalidProofError,
    step: 'signature'
  })
  test(`${which} that signs other rows`, byUser, {
    tamper: tail('contributor', n, ({ publicHash }) => ({ publicHash: flip(publicHash) })),
    error: InvalidProofError,
    step: 'public hash'
  })
  test(`${which} that closes`, byUser, { tamper: tail('contributor', n, () => ({ closed: true })), error: ProtocolViolationError })
  test(`${which} of more rows than the session has`, byUser, {
    tamper: tail('contributor', n, () => ({ rows: 1001 })),
    error: ProtocolViolationError
  })
}
test('fewer rows accepted than before', byUser, {
  tamper: tail('contributor', 2, () => ({ accepted: 3 })),
  error: ProtocolViolationError,
  message: /does not follow/
})
test('an end with fewer rows than the user accepted before', byUser, {
  tamper: nth('contributor', 'batch', (batch, _, pair) => [
    resigned(pair, { ...batch, commitments: new Uint8Array(0), blindings: new Uint8Array(0) }, { accepted: 3, closed: true }, 'contributor')
  ]),
  error: ProtocolViolationError,
  message: /closes at row 3 of 4/
})
test('an end that is not closed', byUser, { tamper: tail('contributor', 3, () => ({ closed: false })), error: ProtocolViolationError })
test('an end that signs other rows', byUser, {
  tamper: tail('contributor', 3, ({ publicHash }) => ({ publicHash: flip(publicHash) })),
  error: InvalidProofError,
  step: 'public hash'
})
test('an end that comes twice', byUser, {
  tamper: nth('contributor', 'batch', (_, bytes) => [bytes, bytes], 3),
  error: ProtocolViolationError
})

test('a contributor that could go on from fewer rows, and then from more, is settled with at those that the user closed at', async t => {
  const pair = await broken()
  const cut: Tamper = (message, from, bytes) => {
    if (from === 'contributor' && message.kind === 'batch' && message.value.tail!.closed) throw CUT
    return [bytes]
  }
  t.truthy((await settle(pair, { restarted: ['contributor'], tamper: cut })).user.failure)
  const { proofs, user, contributor } = await settle(pair, { restarted: [] })
  t.deepEqual([user.failure, contributor.failure], [undefined, undefined])
  t.deepEqual(
    proofs.map(({ start, end, whole }) => [start, end, whole]),
    [[0, 8, false]]
  )
})

// Proof and end

const proof = (change: Partial<Value<'proof'>>) => nth('contributor', 'proof', value => [encodeMessage({ proof: { ...value, ...change } })])
const none = new Uint8Array(32)
test('a proof before the end', byUser, {
  tamper: nth(
    'contributor',
    'batch',
    (_, bytes) => [encodeMessage({ proof: { start: 0, end: 4, root: none, digest: none, length: 1 } }), bytes],
    2
  ),
  error: ProtocolViolationError,
  message: /did not expect proof/
})
test('a proof that leaves the first rows out', byUser, { tamper: proof({ start: 1 }), error: ProtocolViolationError })
test('a proof of more rows than were accepted', byUser, { tamper: proof({ end: 11 }), error: ProtocolViolationError })
test('a proof that comes twice', byUser, {
  tamper: nth('contributor', 'proof', (_, bytes) => [bytes, bytes]),
  error: ProtocolViolationError
})
for (const [what, change] of [
  ['with another root', { root: none }],
  ['with another digest', { digest: none }],
  ['with another length', { length: 7 }],
  ['of fewer rows', { end: 9 }]
] as const) {
  test(`a proof ${what} than its bundle`, byUser, { tamper: proof(change), error: InvalidProofError, step: 'session' })
}
test('a stream that ends after both have closed, and before the proof, has settled nothing: it is settled again', async t => {
  const pair = await broken()
  let ended: readonly [SettlingUser, SettlingContributor]
  const ends: Tamper = (message, from, bytes) => {
    if (from !== 'contributor' || message.kind !== 'proof') return [bytes]
    ended[0].peerClosed()
    throw CUT
  }
  const { user } = await settle(pair, { restarted: [], tamper: ends, onMachines: machines => (ended = machines) })
  t.true(user.failure instanceof ConnectionLostError, `${user.failure?.name}`)
  const again = await settle(pair, { restarted: ['user', 'contributor'] })
  t.deepEqual([again.user.failure, again.contributor.failure], [undefined, undefined])
  t.deepEqual(
    again.proofs.map(({ start, end }) => [start, end]),
    [[0, 10]]
  )
})
test('an announcement before the receipt', byUser, {
  tamper: nth('contributor', 'proof', (_, bytes) => [encodeMessage({ announced: { announcement: none } }), bytes]),
  error: ProtocolViolationError
})
test('a failure', byUser, { tamper: nth('contributor', 'proof', () => [encodeMessage({ failure: { code: 16 } })]), error: RefusedError })

test('an announcement that comes again, with other bytes, is refused', async t => {
  const { user } = await settledWith(
    nth('contributor', 'announced', (_, bytes) => [bytes, encodeMessage({ announced: { announcement: none } })])
  )
  t.regex(user.failure?.message ?? '', /did not expect announced|came after the session had ended/)
})

// The user's batches: the first is new, the second closes

test('commitments in another order', byContributor, {
  tamper: body('user', 1, ({ commitments }) => ({ commitments: other(commitments) })),
  error: InvalidProofError
})
test('blindings of the user', byContributor, {
  tamper: body('user', 1, ({ commitments }) => ({ blindings: commitments })),
  error: ProtocolViolationError
})
test('a batch that leaves rows out', byContributor, {
  tamper: body('user', 1, ({ firstRow }) => ({ firstRow: firstRow + 1 })),
  error: ProtocolViolationError
})
test('a batch of rows that were committed to before', byContributor, {
  tamper: body('user', 1, ({ firstRow }) => ({ firstRow: firstRow - 1 })),
  error: ProtocolViolationError
})
test('a batch of rows that were not answered', byContributor, {
  tamper: body('user', 1, ({ commitments }) => ({ commitments: Uint8Array.from([...commitments, ...commitments]) })),
  error: ProtocolViolationError
})
test('a tail that another key signed', byContributor, {
  tamper: tail('user', 1, () => ({}), new Uint8Array(32).fill(9)),
  error: InvalidProofError,
  step: 'signature'
})
test('a tail about other rows', byContributor, {
  tamper: tail('user', 1, ({ publicHash }) => ({ publicHash: flip(publicHash) })),
  error: InvalidProofError,
  step: 'public hash'
})
test('a tail that has accepted what nobody committed to', byContributor, {
  tamper: tail('user', 1, () => ({ accepted: 9 })),
  error: ProtocolViolationError
})
test('a tail of fewer rows than before', byContributor, {
  tamper: tail('user', 1, () => ({ rows: 7, accepted: 4 })),
  error: ProtocolViolationError
})
test('a tail that has accepted fewer rows than before', byContributor, {
  tamper: tail('user', 2, () => ({ accepted: 3 })),
  error: ProtocolViolationError
})
test('a tail of more rows than the session has', byContributor, {
  tamper: tail('user', 1, () => ({ rows: 1001 })),
  error: ProtocolViolationError,
  message: /of 1001 does not follow/
})
test('a batch with rows that closes', byContributor, { tamper: tail('user', 1, () => ({ closed: true })), error: ProtocolViolationError })
test('a batch without rows that does not close', byContributor, {
  tamper: tail('user', 2, () => ({ closed: false })),
  error: ProtocolViolationError
})
test('an end that comes twice', byContributor, {
  tamper: nth('user', 'batch', (_, bytes) => [bytes, bytes], 2),
  error: ProtocolViolationError,
  message: /after the user had closed/
})
test('a receipt before the proof', byContributor, {
  tamper: nth('user', 'batch', (_, bytes) => [encodeMessage({ receipt: { signature: new Uint8Array(64), code: 0 } }), bytes]),
  error: ProtocolViolationError
})
test('a receipt that is not signed', byContributor, {
  tamper: nth('user', 'receipt', ({ signature }) => [encodeMessage({ receipt: { signature: flip(signature), code: 0 } })]),
  error: InvalidProofError,
  step: 'signature'
})
test('a second settle on the same stream', byContributor, {
  tamper: nth('user', 'batch', (_, bytes, { user }) => [
    encodeMessage({ settle: { session: user.id, userRows: 8, contributorRows: 4, rows: 10, signature: new Uint8Array(64) } }),
    bytes
  ]),
  error: ProtocolViolationError,
  message: /did not expect settle/
})
test('rows while it settles', byContributor, {
  tamper: nth('user', 'batch', (_, bytes) => [
    encodeMessage({ rows: { request: 9, group: 0, position: 0, count: 1, x: new Uint8Array(40) } }),
    bytes
  ]),
  error: ProtocolViolationError
})
test('bytes that are no message', byContributor, { tamper: nth('user', 'batch', () => [new Uint8Array(3)]), error: MalformedMessageError })

// Batches of another session

for (const [from, by] of [
  ['user', byContributor],
  ['contributor', byUser]
] as const) {
  test(`a batch of the ${from} in another session`, by, {
    tamper: nth(from, 'batch', (batch, _bytes, { userSeed }) => {
      const secretKey = from === 'user' ? userSeed : OWNER_SECRET
      const signed = signTail({ secretKey, role: from, session: new Uint8Array(32).fill(1), tail: batch.tail! })
      return [encodeMessage({ batch: { ...batch, tail: { ...batch.tail!, signature: signed.signature } } })]
    }),
    error: InvalidProofError,
    step: 'signature'
  })
}
