/** The bounds of limits.ts on one session, at their real size. */
import test from 'ava'
import { LimitExceededError } from '../../src/errors.js'
import { FORMAT_LIMITS, NET_LIMITS } from '../../src/limits.js'
import { boundOfRows } from '../../src/roles/session-limits.js'
import type { Manifest } from '../../src/proof/index.js'
import { RequestQueue } from '../../src/session/answers.js'
import type { Rows } from '../../src/session/messages/messages.js'
import { packDeltas } from '../../src/session/messages/packing.js'
import { RequestWindow } from '../../src/session/requests.js'
import { ProtocolViolationError } from '../../src/errors.js'
import { integers, seeded } from '../proof/fixture.js'
import { carryPair, finish, makePair, random, serve, smallAdapter } from './pair.js'
import { inlineUserJobs } from '../../src/session/index.js'
import { kernel } from '../proof/fixture.js'

const { manifest } = smallAdapter()
const inputs = seeded('session limits')
/** As wide as a group may be: a row of 64 KiB. */
const WIDE = { ...manifest, groups: [{ ...manifest.groups[1]!, dIn: FORMAT_LIMITS.dIn }] }
const ROW_BYTES = 2 * FORMAT_LIMITS.dIn
/** Rows of a request of 256 KiB. */
const COUNT = 4
const MOST = NET_LIMITS.requestBytesInFlight / (COUNT * ROW_BYTES)

test('a user has 32 requests in flight, also with a contributor that would take more', async t => {
  let answer = (): void => {}
  const allSent = new Promise<void>(resolve => (answer = resolve))
  const pair = makePair({ limits: { requests: 1000 }, contributor: { reserve: () => allSent } })
  let [unanswered, most] = [0, 0]
  const carried = carryPair(pair, (message, _from, bytes) => {
    if (message.kind === 'rows') most = Math.max(most, ++unanswered)
    // Whatever is on its way comes before the next turn of the event loop.
    if (unanswered === 1) setTimeout(answer, 100)
    if (message.kind === 'deltas') unanswered--
    return [bytes]
  })
  const served = serve(pair.contributor)
  const asked = Array.from({ length: 40 }, (_, position) => pair.user.request(0, position, integers(inputs, 20, 32767)))
  t.is((await Promise.all(asked)).length, 40)
  await finish(pair.user, inlineUserJobs({ kernel, manifest, random }))
  await Promise.all([carried, served])
  t.is(most, NET_LIMITS.requestsInFlight)
})

test('a user has 16 MiB of x in flight, and sends the next request when the first is answered', t => {
  const sent: Rows[] = []
  const hit: string[] = []
  const window = new RequestWindow({
    manifest: WIDE,
    requests: 1000,
    send: draft => sent.push(draft().rows!),
    dropped: () => {},
    onLimit: name => hit.push(name)
  })
  const progress = { answered: 0, y: new Float64Array(0) }
  const asked = window.ask({ group: 0, position: 0, x: new Int16Array(FORMAT_LIMITS.dIn * COUNT * (MOST + 10)) }, { progress })
  t.is(sent.length, MOST)
  t.deepEqual(hit, ['requestBytesInFlight'])
  const widths = WIDE.groups[0]!.modules.map(({ dOut }) => dOut)
  const y = packDeltas(widths, new Float64Array(COUNT * WIDE.groups[0]!.outputs), COUNT)
  window.answer({ request: 0, firstRow: 0, count: COUNT, ...y }, 0)
  t.is(sent.length, MOST + 1)
  t.is(hit.length, 1)
  t.is(progress.answered, COUNT)
  window.fail(new ProtocolViolationError('enough'))
  return t.throwsAsync(asked, { instanceOf: ProtocolViolationError })
})

test('a contributor takes 16 MiB of x in flight, and more when some are answered or cancelled', t => {
  const terms = { accept: { rows: 100_000, requests: 1000 }, context: { groups: [0], activationBits: 16 } }
  const queue = new RequestQueue(terms as never, WIDE.groups)
  const x = new Uint8Array(COUNT * ROW_BYTES)
  let request = 0
  const take = (): void => queue.take({ request, group: 0, position: 0, count: COUNT, x })
  for (; request < MOST; request++) take()
  const refused = {
    instanceOf: LimitExceededError,
    message: `bytes of x in flight is ${2 ** 24 + x.length}, at most ${2 ** 24} are accepted here`
  }
  t.like(t.throws(take, refused), { atLimit: 'requestBytesInFlight' })
  queue.shift()
  take()
  request++
  t.throws(take, refused)
  queue.cancel(10, 0)
  t.is(queue.length, 9)
  take()
  t.is(queue.length, 10)
})

test('a batch of commitments has 1,024 rows, and the next the rest', async t => {
  const pair = makePair({ rows: 2000, user: { commitRows: 1100 } })
  const counts: number[] = []
  const carried = carryPair(pair, (message, from, bytes) => {
    if (message.kind === 'batch' && from === 'user') counts.push(message.value.commitments.length / 32)
    return [bytes]
  })
  const served = serve(pair.contributor)
  await pair.user.request(1, 0, integers(inputs, 33 * 1100, 32767))
  await finish(pair.user, inlineUserJobs({ kernel, manifest, random }))
  await Promise.all([carried, served])
  t.is(
    counts.reduce((a, b) => a + b),
    1100
  )
  t.true(Math.max(...counts) <= NET_LIMITS.rowsPerBatch, `${counts}`)
})

const boundOf = (manifest: Manifest) => boundOfRows(manifest, [0], NET_LIMITS.bundleInputBytes)

test('a session has as many rows as one bundle holds: by its rows, its bytes, and 1 GiB of x', t => {
  t.is(boundOf(WIDE).rows, NET_LIMITS.bundleInputBytes / ROW_BYTES)
  t.is(
    boundOfRows(WIDE, [0], 2 * NET_LIMITS.bundleInputBytes).rows,
    (2 * NET_LIMITS.bundleInputBytes) / ROW_BYTES,
    'a contributor may raise it'
  )
  const narrow = { ...WIDE, groups: [{ ...WIDE.groups[0]!, dIn: 4 }] }
  t.is(boundOf(narrow).rows, FORMAT_LIMITS.bundleRows)
  // Who is refused for more is counted by the limit that says so.
  t.is(boundOf(WIDE).limit, 'bundleInputBytes')
  t.is(boundOf(narrow).limit, 'bundleRows')
  const many = { ...WIDE, groups: [{ ...narrow.groups[0]!, rank: 60_000 }] }
  t.is(boundOf(many).limit, 'bundleBytes')
})
