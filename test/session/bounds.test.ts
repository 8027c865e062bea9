import test from 'ava'
import { ConnectionLostError, LimitExceededError, ProtocolViolationError, RefusedError, TimeoutError } from '../../src/errors.js'
import { codeOf, encodeMessage, inlineUserJobs, type Machine, type Message, RefusalError } from '../../src/session/index.js'
import { NET_LIMITS } from '../../src/limits.js'
import { integers, kernel, register, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, type Pair, random, serve, smallAdapter } from './pair.js'

const { adapter, manifest } = smallAdapter()
const inputs = seeded('bounds')
const x = (group: number, count: number): Int16Array => integers(inputs, count * manifest.groups[group]!.dIn, 32767)
const jobs = inlineUserJobs({ kernel, manifest, random })

/** The limits that make a side wait, as its stream's owner is told. */
function limitsOf(side: Machine): string[] {
  const hit: string[] = []
  side.listener = { limit: name => hit.push(name), declined: () => {}, progressed: () => {} }
  return hit
}

/** Watches what is sent. */
function listening(pair: Pair, hear: (message: Message, from: 'user' | 'contributor') => void): Promise<void> {
  return carryPair(pair, (message, from, bytes) => {
    hear(message, from)
    return [bytes]
  })
}

test('no more requests are in flight than the contributor accepts, and all are answered in order', async t => {
  const pair = makePair({ limits: { requests: 2 } })
  let unanswered = 0
  let most = 0
  const order: number[] = []
  const carried = listening(pair, message => {
    if (message.kind === 'rows') most = Math.max(most, ++unanswered)
    if (message.kind === 'deltas') {
      unanswered--
      order.push(message.value.request)
    }
  })
  const served = serve(pair.contributor)
  await Promise.all([0, 1, 2, 3, 4].map(position => pair.user.request(position % 2, position, x(position % 2, 1))))
  await finish(pair.user, jobs)
  await Promise.all([carried, served])
  t.is(most, 2)
  t.deepEqual(order, [0, 1, 2, 3, 4])
})

test('a request in flight too many is refused', async t => {
  const pair = makePair({ limits: { requests: 1 }, contributor: { reserve: () => new Promise(() => {}) } })
  const asked = pair.user.request(0, 0, x(0, 1))
  asked.catch(() => {})
  const carried = carryPair(pair, (message, from, bytes) =>
    message.kind === 'rows' ? [bytes, encodeMessage({ rows: { ...message.value, request: 1 } })] : [bytes]
  )
  await carried
  t.like(pair.contributor.failure, { name: 'LimitExceededError', atLimit: 'requestsInFlight' })
  await t.throwsAsync(asked, { instanceOf: RefusedError, message: /limit exceeded/ })
})

test('the contributor answers no further rows while too many are not accepted, and goes on when they are', async t => {
  // The user's batches are held back.
  const held: Uint8Array[] = []
  let holding = true
  const pair = makePair({ limits: { outstandingRows: 4 } })
  const answered: number[] = []
  const hit = limitsOf(pair.contributor)
  const carried = carryPair(pair, (message, from, bytes) => {
    if (message.kind === 'deltas') answered.push(message.value.request)
    if (message.kind !== 'batch' || from !== 'user' || !holding) return [bytes]
    held.push(bytes)
    return []
  })
  const served = serve(pair.contributor)
  // Three requests of two rows pass the bound of four; the fourth waits.
  const asked = [0, 2, 4, 6].map(position => pair.user.request(0, position, x(0, 2)))
  await Promise.all(asked.slice(0, 3))
  // Whatever was on its way has come.
  await new Promise(resolve => setTimeout(resolve, 0))
  t.deepEqual(answered, [0, 1, 2])
  t.is(pair.contributor.outstandingRows, 6)
  t.is(pair.user.outstandingRows, 6)
  // Once for the wait, however often it is looked whether it is over.
  t.deepEqual(hit, ['outstandingRows'])
  holding = false
  for (const batch of held) await pair.contributor.receive(batch)
  await asked[3]
  await finish(pair.user, jobs)
  await Promise.all([carried, served])
  t.deepEqual(answered, [0, 1, 2, 3])
  t.is(pair.user.accepted, 8)
})

test('bytes that are outstanding make the contributor wait as well, under their own name', async t => {
  const rowBytes = 2 * 20 + 8 * 19
  const pair = makePair({ limits: { outstandingBytes: BigInt(2 * rowBytes) } })
  const hit = limitsOf(pair.contributor)
  const carried = carryPair(pair, (message, from, bytes) => (message.kind === 'batch' && from === 'user' ? [] : [bytes]))
  const asked = [0, 2, 4].map(position => pair.user.request(0, position, x(0, 2)))
  await Promise.all(asked.slice(0, 2))
  await new Promise(resolve => setTimeout(resolve, 0))
  t.deepEqual(hit, ['outstandingBytes'])
  pair.contributor.fail(new RefusalError(9))
  await t.throwsAsync(asked[2]!, { instanceOf: RefusedError })
  await carried
})

test('the user commits at the latest when half of what may be outstanding is', async t => {
  const firstRows: number[] = []
  const rowBytes = 2 * 20 + 8 * 19
  for (const limits of [{ outstandingRows: 4 }, { outstandingBytes: BigInt(4 * rowBytes) }]) {
    const pair = makePair({ limits })
    const carried = listening(pair, (message, from) => {
      if (message.kind === 'batch' && from === 'user' && !message.value.tail!.closed) firstRows.push(message.value.commitments.length / 32)
    })
    const served = serve(pair.contributor)
    for (let position = 0; position < 4; position++) await pair.user.request(0, position, x(0, 1))
    await finish(pair.user, jobs)
    await Promise.all([carried, served])
  }
  t.deepEqual(firstRows, [2, 2, 2, 2])
})

test('a long request goes in several messages, and a wide answer comes in several', async t => {
  const wide = register('wide', {
    ...adapter.quantized,
    weightBits: 12,
    groups: [
      { dIn: 4, modules: [{ name: 'm', dOut: 5000, rank: 1, a: Int16Array.of(1, 2, 3, 4), b: integers(inputs, 5000, 2047), scale: 1 }] }
    ]
  })
  const pair = makePair({ registered: wide })
  const counts: Record<string, number[]> = { rows: [], deltas: [] }
  const carried = listening(pair, message => {
    if (message.kind === 'rows' || message.kind === 'deltas') counts[message.kind]!.push(message.value.count)
  })
  const y = await pair.user.request(0, 0, integers(inputs, 4 * 260, 32767))
  t.is(y.length, 260 * 5000)
  // Frames of 256 KiB at the widest: 8 bytes an output.
  t.deepEqual(counts, { rows: [256, 4], deltas: [...Array.from({ length: 42 }, () => 6), 4, 4] })
  pair.user.fail(new ProtocolViolationError('enough'))
  await carried
})

test('rows beyond those of the session, of other groups, or none at all are not sent', async t => {
  const pair = makePair({ rows: 2, groups: [0] })
  const carried = carryPair(pair)
  await pair.user.request(0, 0, x(0, 1))
  t.is(pair.user.rowsLeft, 1)
  await t.throwsAsync(pair.user.request(0, 1, x(0, 2)), {
    instanceOf: LimitExceededError,
    message: 'rows is 3, at most 2 are accepted in this session'
  })
  await t.throwsAsync(pair.user.request(1, 1, x(1, 1)), { instanceOf: RangeError })
  await t.throwsAsync(pair.user.request(0, 1, x(0, 1).subarray(1)), { instanceOf: RangeError })
  await t.throwsAsync(pair.user.request(0, 1, new Int16Array(0)), { instanceOf: RangeError })
  const served = serve(pair.contributor)
  const closing = finish(pair.user, jobs)
  await t.throwsAsync(pair.user.request(0, 1, x(0, 1)), { instanceOf: ProtocolViolationError, message: /closing/ })
  await Promise.all([closing, carried, served])
})

test('a session without rows ends without a proof', async t => {
  const pair = makePair()
  const carried = carryPair(pair)
  const served = serve(pair.contributor)
  t.is(await pair.user.close(), undefined)
  t.is(await served, undefined)
  await carried
  t.true(pair.user.finished && pair.contributor.finished)
})

test('a user keeps no more rows uncommitted than its own bound, whatever the contributor would take', async t => {
  const firstCommit = new Promise<number>(resolve => {
    const commitInputs: typeof jobs.commitInputs = async () => {
      resolve(pair.user.answeredRows)
      throw new ProtocolViolationError('enough')
    }
    const limits = { outstandingRows: 2 ** 32 - 1, outstandingBytes: 2n ** 64n - 1n }
    const pair = makePair({ rows: 10_000, limits, user: { commitRows: 10_000, jobs: { ...jobs, commitInputs } } })
    void carryPair(pair)
    const asked = pair.user.request(1, 0, x(1, NET_LIMITS.outstandingRows))
    asked.then(
      () => resolve(Infinity),
      () => {}
    )
  })
  const uncommitted = await firstCommit
  t.true(uncommitted >= NET_LIMITS.outstandingRows / 2 && uncommitted <= NET_LIMITS.outstandingRows / 2 + NET_LIMITS.rowsPerRequest)
})

test('a contributor whose budget is spent says so', async t => {
  const pair = makePair({
    contributor: {
      reserve: async () => {
        throw new RefusalError(5)
      }
    }
  })
  const carried = carryPair(pair)
  await t.throwsAsync(pair.user.request(0, 0, x(0, 1)), { instanceOf: RefusedError, message: /extraction budget spent/ })
  await carried
  await t.throwsAsync(pair.user.request(0, 0, x(0, 1)), { instanceOf: RefusedError })
})

test('a user without the bundle says why, and both end', async t => {
  const pair = makePair()
  const carried = carryPair(pair)
  const { contributor, user } = pair
  const served = (async () => {
    const proved = (await contributor.prove())!
    const answer = await contributor.offer(contributor.statementOf(proved))
    contributor.announced(new Uint8Array(0))
    return answer
  })()
  await user.request(0, 0, x(0, 1))
  await user.close()
  user.decline(17)
  t.is((await user.announcement()).length, 0)
  t.deepEqual(await served, { code: 17, reason: 'bundle could not be fetched' })
  await carried
})

test('a stream that the other side closes early is a lost connection', async t => {
  for (const role of ['user', 'contributor'] as const) {
    const pair = makePair()
    const side = pair[role]
    side.peerClosed()
    t.true(side.failure instanceof ConnectionLostError)
    await t.throwsAsync(side.broken(), { instanceOf: ConnectionLostError })
    await t.throwsAsync(role === 'user' ? pair.user.close() : pair.contributor.prove(), { instanceOf: ConnectionLostError })
  }
})

test('each side says what it waits for', async t => {
  const timeouts = { answer: 1000, batch: 2000, idle: 3000, receipt: 4000 }
  const pair = makePair({ user: { timeouts }, contributor: { timeouts } })
  const { user, contributor } = pair
  const counted = new Set<string>()
  const keys = (side: typeof user | typeof contributor): string[] =>
    side.deadlines().map(({ key, timeout, milliseconds }) => {
      // By the name of limits.ts whose time it is; an answer has the time of its bytes beside.
      counted.add(timeout)
      t.true(timeout === 'answer' ? milliseconds >= timeouts.answer : milliseconds === timeouts[timeout], key)
      return key
    })
  t.deepEqual(keys(user), ['idle 0'])
  const seen: Record<string, string[]> = {}
  const carried = listening(pair, (message, from) => {
    seen[`${from} ${message.kind}`] ??= keys(pair[from])
    if (message.kind === 'rows') {
      const { milliseconds } = user.deadlines()[1]!
      t.is(milliseconds, 1000 + (1000 * (40 + 19 * 8)) / 32768)
    }
  })
  const served = serve(contributor)
  await user.request(0, 0, x(0, 1))
  await finish(user, jobs)
  await Promise.all([carried, served])
  t.deepEqual(seen['user rows'], ['idle 0', 'answer 0'])
  t.deepEqual(seen['user batch'], ['idle 1', 'batch 0'])
  t.deepEqual(seen['contributor proof'], ['idle 4', 'receipt'])
  t.deepEqual(seen['user receipt'], ['idle 4', 'announced'])
  t.deepEqual(keys(user), ['end'])
  t.deepEqual([...counted].sort(), ['answer', 'batch', 'idle', 'receipt'])
})

test('a message after the end is refused', async t => {
  const pair = makePair()
  const carried = carryPair(pair)
  const served = serve(pair.contributor)
  await pair.user.close()
  await Promise.all([carried, served])
  await t.throwsAsync(pair.contributor.receive(encodeMessage({ cancel: { request: 0 } })), {
    instanceOf: ProtocolViolationError,
    message: /ended/
  })
  pair.contributor.fail(new Error('too late'))
  t.is(pair.contributor.failure, undefined)
})

test('a job that fails for a reason of this machine is an internal error for the peer', async t => {
  const pair = makePair({
    contributor: {
      reserve: async () => {
        throw 'the disk is full'
      }
    }
  })
  const carried = carryPair(pair)
  await t.throwsAsync(pair.user.request(0, 0, x(0, 1)), { message: /internal error/ })
  await carried
  t.is(pair.contributor.failure!.message, 'the disk is full')
  t.is(codeOf(pair.contributor.failure), 16)
  t.is(codeOf(new TimeoutError('x', 1)), 15)
})

test('rows answered and rows accepted are progress, and so is the proof; while they are worked on the user is not waited for', async t => {
  const pair = makePair()
  const { contributor, user } = pair
  const progress: string[] = []
  let last = ''
  contributor.listener = { limit: () => {}, declined: () => {}, progressed: () => progress.push(`${last} ${contributor.isWorking}`) }
  const carried = carryPair(pair, ({ kind }, from, bytes) => {
    if (from === 'user') last = kind
    return [bytes]
  })
  t.false(contributor.isWorking)
  await user.request(0, 0, x(0, 2))
  const asked = user.request(0, 2, x(0, 1))
  t.false(contributor.isWorking)
  await asked
  const served = serve(contributor)
  await finish(user, jobs)
  await served
  await carried
  t.deepEqual(progress, ['rows true', 'rows true', 'batch false', 'batch false', 'batch false'])
  t.true(contributor.finished)
  t.false(contributor.isWorking)
})
