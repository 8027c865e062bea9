import test from 'ava'
import { MemoryDatastore } from 'datastore-core'
import { BUDGET_BLOCK_ROWS } from '../../src/limits.js'
import type { QuantizedAdapter, QuantizedModule } from '../../src/lora/types.js'
import { contentDigest } from '../../src/proof/index.js'
import { type BudgetAdapter, Store } from '../../src/store/index.js'
import { SAME_LINEAGE, similarity, sketchOf } from '../../src/store/sketch.js'
import { BASE, integers, makeAdapter, seeded } from '../proof/fixture.js'

const open = (datastore = new MemoryDatastore()): Promise<Store> => Store.open({ datastore })

function budgetAdapter(quantized: QuantizedAdapter, base = BASE): BudgetAdapter {
  return { content: contentDigest(base, quantized), base, quantized }
}

/** The same adapter with each weight moved at random by at most so much. */
function tuned(
  adapter: QuantizedAdapter,
  most: number,
  change: (module: QuantizedModule) => Partial<QuantizedModule> = () => ({})
): QuantizedAdapter {
  const random = seeded('tuned')
  const moved = (weights: Int16Array): Int16Array => {
    const by = integers(random, weights.length, most)
    return weights.map((weight, i) => weight + by[i]!)
  }
  const groups = adapter.groups.map(group => ({
    ...group,
    modules: group.modules.map(module => ({ ...module, a: moved(module.a), b: moved(module.b), ...change(module) }))
  }))
  return { ...adapter, groups }
}

/** Wide enough that two adapters have little in common. */
const SHAPES = [
  { dIn: 256, modules: [{ dOut: 128, rank: 8 }] },
  { dIn: 128, modules: [{ dOut: 256, rank: 8 }] }
]
const ADAPTER = makeAdapter('budget', SHAPES, 12)
const FIRST = budgetAdapter(ADAPTER)

async function registered(datastore = new MemoryDatastore()): Promise<Store> {
  const store = await open(datastore)
  await store.budget.register(FIRST)
  return store
}

test('rows are taken until the limit, per group, and not one more', async t => {
  const { budget } = await registered()
  const { content } = FIRST
  const take = (group: number, rows: number, limit: number | null = 1000): Promise<boolean> => budget.take({ content, group, rows, limit })
  t.true(await take(0, 999))
  t.false(await take(0, 2))
  t.true(await take(0, 1))
  t.false(await take(0, 1))
  t.true(await take(1, 1000))
  t.is(await budget.answered(content, 0), 1000)
  t.true(await take(0, 1, null))
  t.is(await budget.answered(content, 0), 1001)
  t.is(await budget.rowsLeft(content, 2, 1000), 0)
  t.is(await budget.rowsLeft(content, 2, 1500), 499)
  t.is(await budget.rowsLeft(content, 2, null), null)
})

test('many takers at once never take more than the limit', async t => {
  const { budget } = await registered()
  const takes = Array.from({ length: 40 }, () => budget.take({ content: FIRST.content, group: 0, rows: 30, limit: 1000 }))
  t.is((await Promise.all(takes)).filter(taken => taken).length, 33)
  t.is(await budget.answered(FIRST.content, 0), 990)
})

test('a limit that is lowered holds for what is reserved already', async t => {
  const { budget } = await registered()
  const take = (rows: number, limit: number): Promise<boolean> => budget.take({ content: FIRST.content, group: 0, rows, limit })
  t.true(await take(10, 1000))
  t.false(await take(11, 20))
  t.true(await take(10, 20))
  t.is(await budget.answered(FIRST.content, 0), 20)
})

test('after a crash what was reserved and not spent counts as spent', async t => {
  const datastore = new MemoryDatastore()
  const store = await registered(datastore)
  t.true(await store.budget.take({ content: FIRST.content, group: 0, rows: 3, limit: null }))
  t.is(await store.budget.answered(FIRST.content, 0), 3)
  // No close: the process is gone.
  const again = await open(datastore)
  t.is(await again.budget.answered(FIRST.content, 0), BUDGET_BLOCK_ROWS)
})

test('after an orderly end only what was spent counts', async t => {
  const datastore = new MemoryDatastore()
  const store = await registered(datastore)
  t.true(await store.budget.take({ content: FIRST.content, group: 0, rows: 300, limit: null }))
  await store.close()
  const again = await open(datastore)
  t.is(await again.budget.answered(FIRST.content, 0), 300)
  t.true(await again.budget.take({ content: FIRST.content, group: 0, rows: 1, limit: 301 }))
  t.false(await again.budget.take({ content: FIRST.content, group: 0, rows: 1, limit: 301 }))
})

test('rows are on the disk before they are granted', async t => {
  const datastore = new MemoryDatastore()
  const { budget } = await registered(datastore)
  await budget.take({ content: FIRST.content, group: 0, rows: 256, limit: null })
  await budget.take({ content: FIRST.content, group: 0, rows: 1, limit: null })
  t.is(await (await open(datastore)).budget.answered(FIRST.content, 0), 512)
})

test('rows are counted by peer, for information, also after a restart', async t => {
  const datastore = new MemoryDatastore()
  const store = await registered(datastore)
  const take = (of: Store, peer: string, rows: number): Promise<boolean> =>
    of.budget.take({ content: FIRST.content, group: 0, rows, limit: null, peer })
  await take(store, 'a', 3)
  await take(store, 'b', 4)
  await take(store, 'a', 5)
  t.deepEqual(await store.budget.ofPeers(FIRST.content), { a: 8, b: 4 })
  await store.close()
  const again = await open(datastore)
  await take(again, 'b', 300)
  t.deepEqual(await again.budget.ofPeers(FIRST.content), { a: 8, b: 304 })
})

test('the same adapter registered again goes on with its count', async t => {
  const datastore = new MemoryDatastore()
  const { budget } = await registered(datastore)
  await budget.take({ content: FIRST.content, group: 0, rows: 256, limit: null })
  const again = await open(datastore)
  t.deepEqual(await again.budget.register(budgetAdapter(makeAdapter('budget', SHAPES, 12))), { known: 'same', similarity: 1 })
  t.is(await again.budget.answered(FIRST.content, 0), 256)
})

test('a fine-tuned version goes on with the count of the one before, and so does its own version', async t => {
  const { budget } = await registered()
  await budget.take({ content: FIRST.content, group: 1, rows: 256, limit: null })
  // Weights are up to 2047; each moves by up to 1000.
  const second = budgetAdapter(tuned(ADAPTER, 1000))
  const found = await budget.register(second)
  t.is(found.known, 'version')
  t.true(found.similarity! > SAME_LINEAGE)
  t.is(await budget.answered(second.content, 1), 256)
  await budget.take({ content: second.content, group: 1, rows: 256, limit: null })
  t.is(await budget.answered(FIRST.content, 1), 512)
  const third = budgetAdapter(tuned(tuned(ADAPTER, 1000), 1000))
  t.is((await budget.register(third)).known, 'version')
  t.is(await budget.answered(third.content, 1), 512)
})

test('a version of which only B was trained on goes on with the count', async t => {
  const { budget } = await registered()
  const other = makeAdapter('other', SHAPES, 12)
  const onlyB = tuned(ADAPTER, 0, ({ name }) => ({
    a: other.groups.flatMap(({ modules }) => modules).find(module => module.name === name)!.a
  }))
  t.is((await budget.register(budgetAdapter(onlyB))).known, 'version')
})

test('another adapter, another base model and other shapes begin a count of their own', async t => {
  const { budget } = await registered()
  await budget.take({ content: FIRST.content, group: 0, rows: 256, limit: null })
  const zero = tuned(ADAPTER, 0, ({ a, b }) => ({ a: new Int16Array(a.length), b: new Int16Array(b.length) }))
  const others = [
    budgetAdapter(makeAdapter('other', SHAPES, 12)),
    budgetAdapter(tuned(ADAPTER, 10), new Uint8Array(32).fill(99)),
    budgetAdapter(makeAdapter('budget', [SHAPES[0]!], 12)),
    budgetAdapter(zero)
  ]
  for (const other of others) {
    t.deepEqual(await budget.register(other), { known: 'new', similarity: null })
    t.is(await budget.answered(other.content, 0), 0)
  }
  t.true(similarity(sketchOf(ADAPTER), sketchOf(others[0]!.quantized)) < 0.2)
})

test('an adapter that is not registered has no budget to take from', async t => {
  const { budget } = await open()
  await t.throwsAsync(budget.take({ content: FIRST.content, group: 0, rows: 1, limit: null }), { name: 'RangeError' })
})

test('of very many peers those with the most rows are remembered', async t => {
  const { budget } = await registered()
  for (let peer = 0; peer < 1100; peer++)
    await budget.take({ content: FIRST.content, group: 0, rows: peer < 10 ? 9 : 1, limit: null, peer: `${peer}` })
  await budget.close()
  const peers = await budget.ofPeers(FIRST.content)
  t.is(Object.keys(peers).length, 1024)
  t.is(peers['9'], 9)
})
