import test from 'ava'
import { toHex } from '../../../src/bytes.js'
import { Counters } from '../../../src/counters.js'
import { hash } from '../../../src/kernel/index.js'
import { Backlog, BACKLOG_LIMITS, type BacklogLimits, type Candidate, verificationPoints } from '../../../src/roles/verifying/backlog.js'

const KEY_A = new Uint8Array(32).fill(1)
const KEY_B = new Uint8Array(32).fill(2)
const contributorKey = new Uint8Array(32).fill(3)
const digestOf = (label: string): Uint8Array => hash('test', new TextEncoder().encode(label))
const candidate = (label: string, change: Partial<Candidate> = {}): Candidate => ({
  owner: 'owner',
  digest: digestOf(label),
  contributorKey,
  points: 1000,
  ...change
})

interface Load {
  readonly verified: string[]
  readonly skipped: string[]
}

/** A node that is busy while all of this comes, and verifies afterwards what still waits. */
async function load(
  key: Uint8Array,
  limits: Partial<BacklogLimits>,
  candidates: readonly Candidate[]
): Promise<Load & { backlog: Backlog; counters: Counters }> {
  const counters = new Counters()
  const backlog = new Backlog({
    key,
    limits: { bundles: 1024, points: Infinity, atOnce: 1, ...limits },
    signal: new AbortController().signal,
    counters
  })
  let free!: () => void
  const freed = new Promise<void>(resolve => (free = resolve))
  const busy = backlog.run(candidate('the one that is verified now'), () => freed)
  const verified: string[] = []
  const skipped: string[] = []
  const runs = candidates.map(async one => {
    const name = toHex(one.digest)
    const ran = await backlog.run(one, async () => void verified.push(name))
    if (!ran) skipped.push(name)
  })
  free()
  await Promise.all([busy, ...runs])
  return { verified, skipped, backlog, counters }
}

const hundreds = Array.from({ length: 500 }, (_, n) => candidate(`bundle ${n}`))

test('what there is room for is verified, and the rest is counted', async t => {
  const few = await load(KEY_A, { bundles: 500 }, hundreds)
  t.deepEqual(
    few.verified,
    hundreds.map(({ digest }) => toHex(digest))
  )
  t.deepEqual(few.backlog.counts, { bundles: 0, points: 0, skipped: 0 })
  const many = await load(KEY_A, { bundles: 50 }, hundreds)
  t.is(many.verified.length, 50)
  t.is(many.skipped.length, 450)
  t.is(many.backlog.counts.skipped, 450)
  t.deepEqual(many.counters.limits.all(), { backlogBundles: 450 })
})

test('one key always samples the same, also in another order; another key samples others', async t => {
  const first = await load(KEY_A, { bundles: 50 }, hundreds)
  const again = await load(KEY_A, { bundles: 50 }, [...hundreds].reverse())
  t.deepEqual([...first.verified].sort(), [...again.verified].sort())
  const other = await load(KEY_B, { bundles: 50 }, hundreds)
  const both = other.verified.filter(name => first.verified.includes(name))
  // One in ten by chance.
  t.true(both.length < 20, `${both.length} of 50 in both samples`)
})

test('who grinds until one node would skip everything is sampled by another as anybody else', async t => {
  const honest = hundreds.slice(0, 250)
  // With key A in hand: of many proofs of the same lie those that it would skip first.
  const tried = Array.from({ length: 3000 }, (_, n) => candidate(`lie ${n}`))
  const { skipped } = await load(KEY_A, { bundles: 2750 }, tried)
  const lies = tried.filter(({ digest }) => skipped.includes(toHex(digest)))
  const isLie = new Set(lies.map(({ digest }) => toHex(digest)))
  const caught = async (key: Uint8Array): Promise<number> =>
    (await load(key, { bundles: 50 }, [...honest, ...lies])).verified.filter(name => isLie.has(name)).length
  t.is(await caught(KEY_A), 0)
  const byOther = await caught(KEY_B)
  t.true(byOther >= 15 && byOther <= 35, `${byOther} of 50 verified are lies, half of what was announced`)
})

test('cost is counted in points: a few bundles of a huge adapter take no room from those of others', async t => {
  const huge = Array.from({ length: 20 }, (_, n) => candidate(`huge ${n}`, { owner: 'huge', points: 100_000 }))
  const small = Array.from({ length: 100 }, (_, n) => candidate(`small ${n}`, { owner: 'small' }))
  const { verified, backlog, counters } = await load(KEY_A, { points: 400_000 }, [...huge, ...small])
  t.true(small.every(({ digest }) => verified.includes(toHex(digest))))
  t.is(huge.filter(({ digest }) => verified.includes(toHex(digest))).length, 3)
  t.is(backlog.counts.skipped, 17)
  t.deepEqual(counters.limits.all(), { backlogPoints: 17 })
})

test('one bundle alone may be larger than the room', async t => {
  const { verified } = await load(KEY_A, { points: 10 }, [candidate('huge', { points: 1_000_000 })])
  t.is(verified.length, 1)
})

test('of owners with one bundle each nobody knows beforehand which is skipped, whatever it costs', async t => {
  const owners = Array.from({ length: 100 }, (_, n) => candidate(`of ${n}`, { owner: `${n}`, points: n === 50 ? 50_000 : 1000 }))
  const [a, b] = await Promise.all([load(KEY_A, { bundles: 60 }, owners), load(KEY_B, { bundles: 60 }, owners)])
  t.is(a.verified.length, 60)
  t.notDeepEqual([...a.verified].sort(), [...b.verified].sort())
})

test('owners take turns, each in the order of arrival', async t => {
  const of = (owner: string, n: number): Candidate => candidate(`${owner} ${n}`, { owner })
  const { verified } = await load(KEY_A, {}, [of('a', 1), of('a', 2), of('a', 3), of('b', 1), of('c', 1), of('b', 2)])
  const order = [of('a', 1), of('b', 1), of('c', 1), of('a', 2), of('b', 2), of('a', 3)]
  t.deepEqual(
    verified,
    order.map(({ digest }) => toHex(digest))
  )
})

test('so many at a time, and one that fails gives its place to the next', async t => {
  const backlog = new Backlog({ key: KEY_A, limits: { ...BACKLOG_LIMITS, atOnce: 2 }, signal: new AbortController().signal })
  let inside = 0
  let most = 0
  const runs = hundreds.slice(0, 6).map((one, n) =>
    backlog.run(one, async () => {
      most = Math.max(most, ++inside)
      await Promise.resolve()
      inside--
      if (n === 1) throw new Error('one fails')
    })
  )
  t.is(backlog.counts.bundles, 4)
  const results = await Promise.allSettled(runs)
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled', 'fulfilled']
  )
  t.is(most, 2)
})

test('what waits when the node stops is not verified, and not counted as skipped', async t => {
  const controller = new AbortController()
  const backlog = new Backlog({ key: KEY_A, limits: { ...BACKLOG_LIMITS, atOnce: 1 }, signal: controller.signal })
  let free!: () => void
  const freed = new Promise<void>(resolve => (free = resolve))
  const busy = backlog.run(candidate('now'), () => freed)
  const waiting = backlog.run(candidate('later'), async () => t.fail())
  controller.abort()
  free()
  t.deepEqual(await Promise.all([busy, waiting]), [true, false])
  t.deepEqual(backlog.counts, { bundles: 0, points: 0, skipped: 0 })
})

test('points are those of the rows, of the widest group’s generators, and of all ranks', t => {
  const group = (dIn: number, ...ranks: number[]) => ({ dIn, modules: ranks.map(rank => ({ name: 'm', dOut: 1, rank })) })
  const manifest = { groups: [group(128, 8, 8), group(320, 4)] } as unknown as Parameters<typeof verificationPoints>[0]
  t.is(verificationPoints(manifest, 1), 1 + 320 + 3 * 20)
  t.is(verificationPoints(manifest, 400), 400 + 320 + 3 * 20)
})
