/** What a user asked for and does not want any more: it is not answered, and the session goes on. */
import test from 'ava'
import { LimitExceededError, ProtocolViolationError } from '../../src/errors.js'
import { NET_LIMITS } from '../../src/limits.js'
import { type ContributorJobs, encodeMessage, inlineContributorJobs, inlineUserJobs } from '../../src/session/index.js'
import { packDeltas } from '../../src/session/messages/packing.js'
import { RequestWindow } from '../../src/session/requests.js'
import { integers, kernel, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, type Pair, random, serve, smallAdapter, type Tamper } from './pair.js'

const { adapter, manifest } = smallAdapter()
const inputs = seeded('cancel')
const x = (group: number, count: number): Int16Array => integers(inputs, count * manifest.groups[group]!.dIn, 32767)
const jobs = inlineUserJobs({ kernel, manifest, random })

/** A contributor that answers when it is let, and what was carried: requests that were answered. */
function slowPair(): { pair: Pair; go: () => void; answers: number[]; carried: (tamper?: Tamper) => Promise<void> } {
  let go = (): void => {}
  const gate = new Promise<void>(resolve => (go = resolve))
  const inline = inlineContributorJobs({ kernel, adapter, random })
  const slow: ContributorJobs = { ...inline, answer: job => gate.then(() => inline.answer(job)) }
  const pair = makePair({ contributor: { jobs: slow } })
  const answers: number[] = []
  const carried = (tamper: Tamper = (_message, _from, bytes) => [bytes]): Promise<void> =>
    carryPair(pair, (message, from, bytes) => {
      if (message.kind === 'deltas') answers.push(message.value.request)
      return tamper(message, from, bytes)
    })
  return { pair, go, answers, carried }
}

test('what is cancelled and not begun is not answered, others’ requests are asked for again, and the session is proved', async t => {
  const { pair, go, answers, carried } = slowPair()
  const served = serve(pair.contributor)
  const replies: number[] = []
  const stop = new AbortController()
  const wire = carried((message, from, bytes) => {
    // All five have arrived: the first is begun.
    if (from === 'user' && message.kind === 'rows' && message.value.request === 4) setImmediate(() => stop.abort(new Error('no more')))
    if (from === 'contributor' && message.kind === 'cancel') {
      replies.push(message.value.request)
      setImmediate(go)
    }
    return [bytes]
  })
  const cancelled = [0, 1, 2].map(position => pair.user.ask({ group: 0, position, x: x(0, 1) }, { signal: stop.signal }))
  const kept = [3, 4].map(position => pair.user.request(0, position, x(0, 1)))
  for (const asked of cancelled) await t.throwsAsync(asked, { message: 'no more' })
  for (const y of await Promise.all(kept)) t.is(y.length, manifest.groups[0]!.outputs)
  t.deepEqual(replies, [1])
  // The first was begun; those of others have new numbers.
  t.deepEqual(answers, [0, 5, 6])
  t.is(pair.user.rowsLeft, 1000 - 3)
  await t.throwsAsync(pair.user.ask({ group: 0, position: 9, x: x(0, 1) }, { signal: stop.signal }), { message: 'no more' })
  await finish(pair.user, jobs)
  await Promise.all([wire, served])
  t.is(pair.user.answeredRows, 3)
})

test('what is cancelled before it leaves is not sent', async t => {
  const pair = makePair({ limits: { requests: 1 } })
  const stop = new AbortController()
  const first = pair.user.request(0, 0, x(0, 1))
  const second = pair.user.ask({ group: 0, position: 1, x: x(0, 1) }, { signal: stop.signal })
  stop.abort(new Error('no more'))
  await t.throwsAsync(second, { message: 'no more' })
  const served = serve(pair.contributor)
  const carried = carryPair(pair)
  await first
  await finish(pair.user, jobs)
  await Promise.all([carried, served])
  t.is(pair.contributor.answeredRows, 1)
  t.is(pair.user.rowsLeft, 999)
})

for (const [what, lie] of [
  ['cancels what nobody cancelled', undefined],
  ['cancels what was never sent', 9],
  ['cancels what it has answered in part', 0]
] as const) {
  test(`a contributor that ${what} ends the session`, async t => {
    const { pair, go, carried } = slowPair()
    const stop = new AbortController()
    const wire = carried((message, from, bytes) => {
      if (from === 'user' && message.kind === 'rows') setImmediate(() => (lie === undefined ? go() : stop.abort(new Error('no more'))))
      if (lie === undefined && message.kind === 'deltas') return [encodeMessage({ cancel: { request: 0 } }), bytes]
      if (message.kind !== 'cancel' || from !== 'contributor') return [bytes]
      const partly = { request: 0, firstRow: 0, count: 1, ...packDeltas([12, 7], new Float64Array(19), 1) }
      return [...(lie === 0 ? [encodeMessage({ deltas: partly })] : []), encodeMessage({ cancel: { request: lie! } })]
    })
    await t.throwsAsync(pair.user.ask({ group: 0, position: 0, x: x(0, 2) }, { signal: stop.signal }))
    go()
    await wire
    t.true(pair.user.failure instanceof ProtocolViolationError)
    t.regex(pair.user.failure!.message, lie === undefined ? /a cancel came that answers none/ : /contributor cancels from request/)
  })
}

test('answers to cancel that nobody reads are not piled up', async t => {
  const pair = makePair()
  const begin = (await pair.user.outgoing().next()).value as Uint8Array
  await pair.contributor.receive(begin)
  const cancels = Array.from({ length: 4 }, () => pair.contributor.receive(encodeMessage({ cancel: { request: 0 } })))
  let read = false
  const last = cancels.at(-1)!.then(() => (read = true))
  await Promise.all(cancels.slice(0, 3))
  await new Promise(resolve => setImmediate(resolve))
  t.false(read)
  await pair.contributor.outgoing().next()
  await last
  pair.contributor.fail(new Error('enough'))
})

test('a session takes 1,024 cancels, none of which is progress, and its user asks for no more', async t => {
  const { contributor, user } = makePair()
  contributor.listener = { limit: () => {}, declined: () => {}, progressed: () => t.fail('it is none') }
  await contributor.receive((await user.outgoing().next()).value as Uint8Array)
  const answers = contributor.outgoing()
  const cancel = encodeMessage({ cancel: { request: 0 } })
  for (let n = 0; n < NET_LIMITS.cancelsPerSession; n++) {
    await contributor.receive(cancel)
    await answers.next()
  }
  await t.throwsAsync(contributor.receive(cancel), {
    instanceOf: LimitExceededError,
    message: 'cancels is 1025, at most 1024 are accepted in one session'
  })
  let [requests, cancels] = [0, 0]
  const limits: string[] = []
  const window = new RequestWindow({
    manifest,
    requests: 1,
    send: draft => {
      const message = draft()
      if (message.rows !== undefined) requests++
      if (message.cancel !== undefined) cancels++
    },
    dropped: () => {},
    onLimit: name => limits.push(name)
  })
  const give = { group: 0, position: 0, x: x(0, 1) }
  for (let n = 0; n <= NET_LIMITS.cancelsPerSession; n++) {
    const stop = new AbortController()
    const asked = window.ask(give, { progress: { answered: 0, y: new Float64Array(0) }, signal: stop.signal })
    stop.abort(new Error('no more'))
    await t.throwsAsync(asked, { message: 'no more' })
    if (window.isCancelling) window.dropped(n)
  }
  t.is(cancels, NET_LIMITS.cancelsPerSession)
  t.true(limits.includes('cancelsPerSession'))
  // The last is answered, for nobody.
  t.deepEqual([requests, window.pending], [NET_LIMITS.cancelsPerSession + 1, 1])
  const y = packDeltas([12, 7], new Float64Array(19), 1)
  t.is(window.answer({ request: NET_LIMITS.cancelsPerSession, firstRow: 0, count: 1, ...y }, 0).length, 1)
  t.is(window.pending, 0)
})
