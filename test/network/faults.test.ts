/** Sessions over lines that are slow, break, lie or fall silent, with an honest session on the same contributor meanwhile. */
import test, { type ExecutionContext } from 'ava'
import { toHex } from '../../src/bytes.js'
import { ConnectionLostError, TimeoutError } from '../../src/errors.js'
import { inlineContributorJobs, type ContributorJobs } from '../../src/session/index.js'
import { NET_LIMITS } from '../../src/limits.js'
import type { RemoteAdapter, RemoteAdapterInit } from '../../src/roles/remote-adapter.js'
import { kernel, OWNER_SECRET, register } from '../proof/fixture.js'
import { watchBuffers } from './faults/buffers.js'
import { faultyProxy, type Proxy, type Weather } from './faults/proxy.js'
import {
  activations,
  contributor,
  type ContributorOptions,
  participant,
  type Participant,
  random,
  remote,
  type ServingParticipant
} from './people.js'

const registered = register('faults')
const { adapter, manifest } = registered
const [group] = manifest.groups
const request = (position: number, count = 1) => ({ group: 0, position, rows: activations(count, group!.dIn, position) })

interface Line {
  readonly server: ServingParticipant
  readonly user: Participant
  readonly proxy: Proxy
}

/** A user whose only way to the contributor is the proxy. */
async function line(
  t: ExecutionContext,
  options: ContributorOptions = {},
  weather: { seed?: number; up?: Weather; down?: Weather } = {}
): Promise<Line> {
  const server = await contributor(t, [registered], options)
  const user = await participant(t, ['user'])
  const proxy = await faultyProxy(t, server.net.node.getMultiaddrs()[0]!, weather)
  await user.net.node.dial(proxy.address)
  return { server, user, proxy }
}

/** An honest user with a good line asks for rows all the time; its session must end as it should. */
async function honest(t: ExecutionContext, server: ServingParticipant): Promise<() => Promise<void>> {
  const other = await participant(t, ['user'])
  const session = await remote(other, server, { manifest, rows: 10_000 })
  let going = true
  const asking = (async () => {
    for (let position = 0; going; position++) {
      await session.deltas(request(position))
      await tick()
    }
  })()
  asking.catch(() => {})
  return async () => {
    going = false
    await asking
    t.is((await session.finish()).state, 'announced')
  }
}

/** Both sides know that the session is over, and nothing of it is left. */
async function over(t: ExecutionContext, { server, user }: Line, session: RemoteAdapter): Promise<void> {
  const { state, rows } = session.info()
  t.is(state, rows > 0 ? 'broken' : 'failed')
  for (const { sessions } of [user.store, server.store]) {
    while ((await sessions.list()).some(record => record.peer === peerOf(sessions) && record.state === 'open')) await tick()
  }
  function peerOf(sessions: unknown): string {
    return (sessions === user.store.sessions ? server : user).net.node.peerId.toString()
  }
}

const tick = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 10))

for (const seed of [1, 2, 3]) {
  test(`a session over a slow line that stalls now and then is proved (seed ${seed})`, async t => {
    const up: Weather = { delay: 5, pieces: 700, stalls: { bytes: 4000, milliseconds: 40 } }
    const down: Weather = { delay: 10, rate: 400_000, pieces: 100, stalls: { bytes: 6000, milliseconds: 30 } }
    const at = await line(t, {}, { seed, up, down })
    const session = await remote(at.user, at.server, { manifest, commitRows: 2 })
    for (let position = 0; position < 4; position++) await session.deltas(request(position))
    t.is((await session.finish()).state, 'announced')
    t.is(at.proxy.links.length, 1)
  })
}

/** The jobs of a contributor, with something done before one of them. */
function before(job: keyof ContributorJobs, act: () => void): (given: typeof adapter) => ContributorJobs {
  return given => {
    const jobs = inlineContributorJobs({ kernel, adapter: given, random })
    return {
      ...jobs,
      [job]: async (...args: never[]) => {
        act()
        return (jobs[job] as (...all: never[]) => unknown)(...args)
      }
    }
  }
}

const broken = test.macro({
  async exec(t, at: 'answer' | 'commitOutputs' | 'checkInputs' | 'prove', fault: (proxy: Proxy) => void) {
    let armed = false
    const jobs = before(at, () => armed && fault(it.proxy))
    const it: Line = await line(t, { jobs })
    const goOn = await honest(t, it.server)
    const session = await remote(it.user, it.server, { manifest, commitRows: 2 })
    armed = true
    const run = async (): Promise<void> => {
      for (let position = 0; position < 3; position++) await session.deltas(request(position))
      await session.finish()
    }
    const error = await t.throwsAsync(run(), { instanceOf: ConnectionLostError })
    t.regex(error!.message, /^the connection to peer 12D3Koo\w+ is lost: |closed the stream before the session had ended$/)
    armed = false
    await over(t, it, session)
    await goOn()
  },
  title: (what = '', at) => `${what} before the contributor's ${at} is a lost connection on both sides, and other sessions go on`
})

const cut = (proxy: Proxy): void => proxy.link.cut()
test('a line that is cut', broken, 'answer', cut)
test('a line that is cut', broken, 'commitOutputs', cut)
test('a line that is cut', broken, 'checkInputs', cut)
test('a line that is cut', broken, 'prove', cut)
const corrupt = (proxy: Proxy): void => proxy.link.down.corrupt()
test('a byte that changes on its way', broken, 'answer', corrupt)
test('a byte that changes on its way', broken, 'checkInputs', corrupt)
test('a byte that changes on its way', broken, 'prove', corrupt)
// Behind the length of a frame of noise: a length that is too long is waited for.
const reorder = (proxy: Proxy): void => proxy.link.down.reorder(2, 16)
test('bytes that change places', broken, 'answer', reorder)
test('bytes that change places', broken, 'prove', reorder)
const ended = (proxy: Proxy): void => proxy.link.down.end()
test('the end of a line', broken, 'answer', ended)

test('bytes of rows that change on their way are a lost connection, at whatever place', async t => {
  for (const place of [0, 1, 2, 17, 40]) {
    const at = await line(t)
    const session = await remote(at.user, at.server, { manifest })
    await session.deltas(request(0))
    at.proxy.link.up.corrupt(place)
    await t.throwsAsync(session.deltas(request(1)), { instanceOf: ConnectionLostError })
    await over(t, at, session)
  }
})

const silent = test.macro({
  async exec(t, fault: (proxy: Proxy) => void, change: Partial<RemoteAdapterInit>, message: RegExp) {
    const at = await line(t, { timeouts: { idle: 4000 } })
    const goOn = await honest(t, at.server)
    const session = await remote(at.user, at.server, { manifest, ...change })
    await session.deltas(request(0))
    fault(at.proxy)
    await t.throwsAsync(
      session.deltas(request(1)).then(() => session.finish()),
      { instanceOf: TimeoutError, message }
    )
    await over(t, at, session)
    // The line is still there: nobody has closed it.
    t.is(at.proxy.links.length, 1)
    await goOn()
  },
  title: (what = '') => `${what} costs a timeout on both sides`
})

test(
  'a line that loses what the contributor says',
  silent,
  proxy => proxy.link.down.lose(),
  { timeouts: { answer: 1000 } },
  /answer to request 1/
)
test('a line that loses what the user says', silent, proxy => proxy.link.up.lose(), { timeouts: { answer: 1000 } }, /answer to request 1/)
test(
  'a line that stands still',
  silent,
  proxy => (proxy.link.up.stall(), proxy.link.down.stall()),
  { timeouts: { answer: 1000 } },
  /answer to request 1/
)

test('what a user does not read is not piled up at the contributor, and others are served meanwhile', async t => {
  // 20,000 bytes of y a row: more than the machine's own buffers take.
  const module = { name: 'm', dOut: 5000, rank: 1, a: Int16Array.of(1, 2, 3, 4), b: new Int16Array(5000).fill(127), scale: 1 }
  const wide = register('wide faults', { ...adapter.quantized, groups: [{ dIn: 4, modules: [module] }] })
  const at = await line(t)
  await at.server.store.budget.register({ content: wide.adapter.content, base: manifest.base, quantized: wide.adapter.quantized })
  at.server.contributor.serve({
    adapter: wide.adapter,
    policy: { mode: 'open', allow: [], limitRows: null },
    secretKey: OWNER_SECRET
  })
  const goOn = await honest(t, at.server)
  const session = await remote(at.user, at.server, { manifest: wide.manifest, rows: 5000 })
  await session.deltas({ group: 0, position: 0, rows: activations(1, 4) })
  const many = session.deltas({ group: 0, position: 1, rows: activations(4000, 4) })
  many.catch(() => {})
  at.proxy.link.down.stall()
  const most = watchBuffers(t, at.server.net.node, at.user.net.node.peerId)
  const answered = (): number => at.server.contributor.sessions().find(each => each.adapter === toHex(wide.manifest.id))!.rows
  // Until the contributor has something unsent, and goes on: then nothing more may come to it.
  while (most.stream === 0) await tick()
  for (let before = 0; before < answered();) {
    before = answered()
    await tick()
  }
  t.true(most.stream > 0, 'it did come to that')
  t.true(most.stream <= NET_LIMITS.sendAheadBytes, `${most.stream} bytes wait on a stream`)
  t.true(most.connection <= NET_LIMITS.windowBytes, `${most.connection} bytes wait on the connection`)
  at.proxy.link.down.resume()
  await session.abort(new ConnectionLostError('enough'))
  await t.throwsAsync(many, { message: 'enough' })
  await over(t, at, session)
  await goOn()
})
