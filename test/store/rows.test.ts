/** What opens rows of own sessions: kept as it was, within its bound, for its time. */
import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { Counters } from '../../src/counters.js'
import type { OpenableRow } from '../../src/session/index.js'
import { Store } from '../../src/store/index.js'

const session = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const row = (number: number): OpenableRow => ({
  number,
  group: number % 3,
  position: 7 * number,
  x: Int16Array.of(number, -1, 32767),
  y: Float64Array.of(-number, 2 ** 52),
  upsilon: new Uint8Array(32).fill(number)
})
const batch = (from: number, count: number): OpenableRow[] => Array.from({ length: count }, (_, i) => row(from + i))

test('a row comes back from the batch that it is in, also after a restart, and no other session’s', async t => {
  const datastore = new MemoryDatastore()
  const store = await Store.open({ datastore })
  await store.rows.put(session(1), batch(0, 16))
  await store.rows.put(session(1), batch(16, 300))
  await store.rows.put(
    session(2),
    batch(0, 2).map(each => ({ ...each, position: 99 }))
  )
  for (const open of [store, await Store.open({ datastore })]) {
    for (const number of [0, 15, 16, 255, 256, 315]) t.deepEqual(await open.rows.get(session(1), number), row(number))
    t.is((await open.rows.get(session(2), 1))!.position, 99)
    for (const number of [316, 1e6]) t.is(await open.rows.get(session(1), number), undefined)
    t.is(await open.rows.get(session(2), 2), undefined)
    t.is(await open.rows.get(session(3), 0), undefined)
    t.true(open.sizes()['own rows']! > 0)
  }
})

test('rows kept stay within their bound, the oldest go first, and all go with time', async t => {
  let now = 1_000
  const datastore = new MemoryDatastore()
  const store = await Store.open({ datastore, now: () => now++ })
  await store.rows.put(session(1), batch(0, 10))
  const { bytes } = store.rows
  const counters = new Counters()
  const bounded = await Store.open({ datastore, counters, now: () => now++, limits: { rows: { bytes: 2.5 * bytes, age: 1e9 } } })
  for (const fill of [2, 3, 4]) await bounded.rows.put(session(fill), batch(0, 10))
  t.true(bounded.rows.bytes <= 2.5 * bytes, `${bounded.rows.bytes}`)
  t.is(await bounded.rows.get(session(1), 0), undefined)
  t.deepEqual(await bounded.rows.get(session(4), 9), row(9))
  t.deepEqual(counters.limits.all(), { keptRowBytes: 2 })
  now += 2e9
  t.is(await bounded.evict(), 2)
  t.deepEqual(counters.limits.all(), { keptRowBytes: 2, keptRowAge: 2 })
  t.is(bounded.rows.bytes, 0)
  t.is(await bounded.rows.get(session(4), 9), undefined)
})
