/** One peer, or many that bring nothing, must not use up what a node has for all. */
import test from 'ava'
import { NotFoundError, RefusedError } from '../../src/errors.js'
import { Finder } from '../../src/roles/finder.js'
import { outstandingBytesOf } from '../../src/roles/session-limits.js'
import { Sessions, type SessionRecord } from '../../src/store/sessions.js'
import { Table } from '../../src/store/table.js'
import { MemoryDatastore } from 'datastore-core'
import { register } from '../proof/fixture.js'
import { activations, contributor, participant, remote } from './people.js'

const registered = register('floods')
const { manifest } = registered
const [group] = manifest.groups
const ROW_BYTES = 2 * group!.dIn + 8 * group!.outputs

test('four sessions that ask for all there is leave room for others', async t => {
  const server = await contributor(t, [registered], { limits: { outstandingBytesAll: 16 * 256 * ROW_BYTES } })
  const [greedy, modest] = [await participant(t, ['user']), await participant(t, ['user'])]
  for (let n = 0; n < 4; n++) await remote(greedy, server, { manifest, groups: [0], rows: 60_000 })
  const served = await remote(modest, server, { manifest, groups: [0], rows: 10 })
  t.is((await served.deltas({ group: 0, position: 0, rows: activations(1, group!.dIn) })).length, group!.outputs)
})

test('what may be outstanding is at least one request, at most what is wanted, and a share of what is left', t => {
  const of = (rows: number, left: number): number => outstandingBytesOf(manifest, [0], { rows, left })
  t.is(of(1, 2 ** 30), 256 * ROW_BYTES)
  t.is(of(1000, 2 ** 30), 1000 * ROW_BYTES)
  t.is(of(60_000, 8000 * ROW_BYTES), 1000 * ROW_BYTES)
  t.is(of(60_000, 0), 256 * ROW_BYTES)
})

test('rows kept for the proofs of all sessions are bounded, and those refused cost no budget', async t => {
  const server = await contributor(t, [registered], { limits: { heldInputBytesAll: 5 * 2 * group!.dIn } })
  const [first, second] = [await participant(t, ['user']), await participant(t, ['user'])]
  const [one, two] = [await remote(first, server, { manifest }), await remote(second, server, { manifest })]
  await one.deltas({ group: 0, position: 0, rows: activations(3, group!.dIn) })
  await t.throwsAsync(two.deltas({ group: 0, position: 0, rows: activations(3, group!.dIn) }), {
    instanceOf: RefusedError,
    message: /busy/
  })
  t.is(await server.store.budget.answered(registered.adapter.content, 0), 3)
  t.deepEqual(server.counters.limits.all(), { heldInputBytesAll: 1 })
  t.is((await one.finish()).state, 'announced')
})

test('sessions that came to nothing do not fill the store; those with a proof, and own ones, stay', async t => {
  const sessions = new Sessions(new Table(new MemoryDatastore()), 3)
  const record = (session: string, change: Partial<SessionRecord> = {}): SessionRecord => ({
    session,
    role: 'contributor',
    adapter: 'a0',
    adapterName: 'name',
    base: 'b0',
    peer: 'peer',
    state: 'failed',
    rows: 0,
    root: null,
    digest: null,
    bundleBytes: null,
    times: { commit: null, prove: null, verify: null },
    started: Number.parseInt(session, 16),
    error: 'gone',
    bundles: [],
    announcement: null,
    ...change
  })
  const bundle = { digest: 'd0', root: 'f0', start: 0, end: 2, bytes: 7 }
  await sessions.put(record('01', { bundles: [bundle] }))
  await sessions.put(record('02', { role: 'user' }))
  await sessions.put(record('03', { state: 'open' }))
  for (const started of ['09', '05', '07', '06', '08']) await sessions.put(record(started))
  await sessions.put(record('08'))
  const kept = (await sessions.list()).map(({ session }) => session)
  t.deepEqual(kept, ['09', '08', '07', '03', '02', '01'])
  t.like(sessions.counts, { contributor: { failed: 4, open: 1 }, user: { failed: 1, open: 0 } })
})

test('a contributor that names hundreds of adapters has its first ones looked at, a few at a time', async t => {
  const { net, store } = await participant(t, ['user'])
  const liar = await participant(t, ['contributor'])
  await net.node.dial(liar.net.node.getMultiaddrs())
  const adapter = new Uint8Array(32)
  const catalogue = Array.from({ length: 256 }, () => ({ adapter, base: adapter, rowsLeft: 1, listedOnly: false, maxRows: 1 }))
  let [asked, running, most] = [0, 0, 0]
  const finder = new Finder({
    net: { ...net, fetch: { adapters: async () => catalogue } as never },
    store,
    hasBootstrap: true,
    witness: { against: () => undefined },
    verifier: {
      manifest: async () => {
        asked++
        most = Math.max(most, ++running)
        await new Promise(resolve => setImmediate(resolve))
        running--
        throw new NotFoundError('nobody has it')
      }
    }
  })
  const base = { id: adapter, name: 'base' } as never
  await t.throwsAsync(finder.resolve(`name@${liar.net.node.peerId.toString()}`, { base, rows: () => 1 }), {
    instanceOf: NotFoundError,
    message: /names 256 adapters, the first 32 are looked at/
  })
  t.is(asked, 32)
  t.true(most <= 8, `${most} at once`)
})
