/** Certificates of honest adapters: all shapes, all kernels, and nothing of the weights but what commitments hide. */
import test from 'ava'
import { nobleKernel } from '../../src/kernel/index.js'
import type { QuantizedAdapter } from '../../src/lora/types.js'
import {
  commitAdapter,
  decodeManifest,
  registerAdapter,
  verifyManifest,
  type CommittedAdapter,
  type CommitAdapterInit
} from '../../src/proof/index.js'
import { certificateItems, type ModuleShape } from '../../src/proof/certificate/layout.js'
import { lookUp, multiplicities, partners } from '../../src/proof/certificate/table.js'
import { inlineRegistration } from '../../src/session/index.js'
import { BASE, honestBundle, kernel, makeAdapter, seeded, SHAPES } from './fixture.js'

function initOf(adapter: QuantizedAdapter, seed: string): CommitAdapterInit {
  const random = seeded(seed)
  return { kernel, adapter, base: BASE, name: 'x', ownerKey: BASE, secret: random(32), salt: random(32), random }
}

const commit = (adapter: QuantizedAdapter, seed: string): CommittedAdapter => commitAdapter(initOf(adapter, seed))

test('a certificate has the bytes of the design or fewer', t => {
  const bytes = (shape: ModuleShape): number => 32 * certificateItems(shape)
  t.is(bytes({ dIn: 768, dOut: 2304, rank: 16, weightBits: 12 }), 7488)
  t.is(bytes({ dIn: 4096, dOut: 4096, rank: 16, weightBits: 12 }), 8192)
})

test('adapters of all shapes and bits are certified and accepted', t => {
  const draw = seeded('shapes')
  const below = (most: number): number => draw(1)[0]! % most
  for (let run = 0; run < 24; run++) {
    const bits = 2 + (run % 8)
    const shapes = Array.from({ length: 1 + below(2) }, () => ({
      dIn: 1 + below(40),
      modules: Array.from({ length: 1 + below(2) }, () => ({ dOut: 1 + below(20), rank: 1 + below(5) }))
    }))
    const adapter = commit(makeAdapter(`shape ${run}`, shapes, bits), `run ${run}`)
    t.notThrows(() => verifyManifest({ kernel, manifest: adapter.manifest, random: draw }), JSON.stringify(shapes))
  }
})

test('both kernels make the same certificates, and accept each other’s', t => {
  const adapter = makeAdapter('kernels', [{ dIn: 17, modules: [{ dOut: 9, rank: 3 }] }], 4)
  const noble = nobleKernel()
  const other = commitAdapter({ ...initOf(adapter, 'kernels'), kernel: noble })
  const own = commit(adapter, 'kernels')
  t.deepEqual(own.manifest.bytes, other.manifest.bytes)
  t.notThrows(() => verifyManifest({ kernel: noble, manifest: own.manifest, random: seeded('noble') }))
})

test('modules that are registered one by one give the same manifest, and its progress', async t => {
  const adapter = makeAdapter('one by one', SHAPES, 4)
  const seen: number[] = []
  const registered = await registerAdapter({
    ...initOf(adapter, 'one by one'),
    jobs: { ...inlineRegistration(kernel), atOnce: 2 },
    onProgress: done => seen.push(done)
  })
  t.deepEqual(registered.manifest.bytes, commit(adapter, 'one by one').manifest.bytes)
  t.deepEqual(seen, [1, 2, 3, 4, 5, 6])
})

test('a table has the partner of each value, and 0 behind them', t => {
  const chi = kernel.scalarsOf(Float64Array.of(1000))
  const table = partners(kernel, chi, 3)
  const expected = kernel.invertScalars(kernel.scalarsOf(Float64Array.of(997, 998, 999, 1000, 1001, 1002, 1003)))
  t.deepEqual(table.subarray(0, 7 * 32), expected)
  t.deepEqual(table.subarray(7 * 32), new Uint8Array(32))
  t.deepEqual(
    lookUp(table, Int16Array.of(-3, 3, 0), 3),
    new Uint8Array([...expected.subarray(0, 32), ...expected.subarray(192), ...expected.subarray(96, 128)])
  )
  t.deepEqual([...multiplicities([Int16Array.of(-3, 3, 3), Int16Array.of(0)], 3)], [1, 0, 0, 1, 0, 0, 2, 0])
})

// What others see of an adapter, and of a session with it.

const BITS = 6
const MOST = 2 ** (BITS - 1) - 1

/** The same shape with weights of a kind. */
function filled(weight: (drawn: number) => number): QuantizedAdapter {
  const drawn = makeAdapter('filled', SHAPES, BITS)
  return {
    ...drawn,
    groups: drawn.groups.map(({ dIn, modules }) => ({
      dIn,
      modules: modules.map(module => ({ ...module, a: module.a.map(weight), b: module.b.map(weight) }))
    }))
  }
}

const KINDS: Readonly<Record<string, QuantizedAdapter>> = {
  'all zero': filled(() => 0),
  'all greatest': filled(() => MOST),
  'all least': filled(() => -MOST),
  random: filled(drawn => drawn)
}
const RUNS = 3
const made = Object.entries(KINDS).flatMap(([kind, adapter]) =>
  Array.from({ length: RUNS }, (_, run) => {
    const committed = commit(adapter, `${kind} ${run}`)
    return { kind, committed, bundle: honestBundle(committed, `${kind} ${run}`).bundle }
  })
)

/** All points and scalars of a manifest: the commitments, then the certificates. */
function itemsOf({ manifest }: CommittedAdapter): Uint8Array[] {
  const packed = manifest.groups.flatMap(({ modules }) => modules.flatMap(({ ca, cb }) => [ca, cb]))
  return [...packed, manifest.certificates].flatMap(part =>
    Array.from({ length: part.length / 32 }, (_, i) => part.subarray(32 * i, 32 * (i + 1)))
  )
}

test('manifests and bundles of one shape have one size and one number of parts, whatever the weights', t => {
  t.is(new Set(made.map(({ committed }) => committed.manifest.bytes.length)).size, 1)
  t.is(new Set(made.map(({ committed }) => itemsOf(committed).length)).size, 1)
  t.is(new Set(made.map(({ bundle }) => bundle.length)).size, 1)
})

test('no point or scalar comes twice, neither in one manifest nor in those of the same weights', t => {
  const seen = new Set<string>()
  let count = 0
  for (const { committed } of made) {
    for (const item of itemsOf(committed)) {
      seen.add(item.join())
      count++
    }
  }
  t.is(seen.size, count)
})

/** Bits that an encoding leaves free: points have an even lowest bit and a topmost one of 0, scalars are below 2^252 nearly always. */
const FREE_FROM = 1
const FREE_TO = 252
/** A normal deviate is beyond that with chance 10^-9. */
const SIGMAS = 6

test('bits of points and scalars are balanced for every kind of weights, each bit and all together', t => {
  for (const kind of Object.keys(KINDS)) {
    const items = made.filter(it => it.kind === kind).flatMap(({ committed }) => itemsOf(committed))
    const ones = new Array<number>(256).fill(0)
    for (const item of items) for (let bit = 0; bit < 256; bit++) ones[bit]! += (item[bit >> 3]! >> (bit & 7)) & 1
    const spread = Math.sqrt(items.length) / 2
    for (let bit = FREE_FROM; bit < FREE_TO; bit++) {
      t.true(Math.abs(ones[bit]! - items.length / 2) < SIGMAS * spread, `${kind}: bit ${bit} is 1 in ${ones[bit]} of ${items.length}`)
    }
  }
})

test('a manifest with its weights changed and nothing else has other points everywhere: blindings are never reused', t => {
  const changed = filled((drawn: number) => drawn)
  changed.groups[1]!.modules[0]!.b[0] = changed.groups[1]!.modules[0]!.b[0] === 0 ? 1 : 0
  const [one, other] = [commit(KINDS['random']!, 'one secret'), commit(changed, 'one secret')].map(itemsOf) as [Uint8Array[], Uint8Array[]]
  const of = new Set(one.map(item => item.join()))
  t.deepEqual(
    other.filter(item => of.has(item.join())),
    []
  )
})

test('every kind is accepted', t => {
  for (const { committed } of made) {
    t.notThrows(() => verifyManifest({ kernel, manifest: decodeManifest(committed.manifest.bytes), random: seeded('all') }))
  }
})
