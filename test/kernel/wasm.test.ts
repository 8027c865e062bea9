import test from 'ava'
import fc from 'fast-check'
import { concat, fromHex, toHex } from '../../src/bytes.js'
import { nobleKernel, wasmKernel, type Kernel, type Points } from '../../src/kernel/index.js'
import { KernelMemory, kernelMemory } from '../../src/kernel/wasm/memory.js'
import { commitRows } from '../../src/kernel/wasm/rows.js'
import { Tables } from '../../src/kernel/wasm/tables.js'
import { fromPairs, roomForPairs } from '../../src/kernel/wasm/vector.js'
import { contract } from './contract.js'
import { bytesOf, ORDER, rowsOf, scalar } from './naive.js'
import { ONE_WAY_MAP } from './rfc9496.js'

const wasm = wasmKernel()
const noble = nobleKernel()

contract(test, wasm)

test('the one-way map is that of RFC 9496, A.3', t => {
  const wide = concat(ONE_WAY_MAP.map(([input]) => fromHex(input)))
  const mapped = fromPairs(ONE_WAY_MAP.length, memory => {
    const pairs = roomForPairs(memory, ONE_WAY_MAP.length)
    memory.exports.mapAll(memory.place(wide), pairs, ONE_WAY_MAP.length)
    return pairs
  })
  t.is(toHex(wasm.encode(mapped)), ONE_WAY_MAP.map(([, encoding]) => encoding).join(''))
})

/** What both kernels make of the same points. */
function same(make: (kernel: Kernel, points: Points) => Points, encodings: Uint8Array): boolean {
  const [ours, theirs] = [wasm, noble].map(kernel => toHex(kernel.encode(make(kernel, kernel.decode(encodings)))))
  return ours === theirs
}

/** Encodings of random points. */
const encodings = fc
  .array(fc.uint8Array({ minLength: 64, maxLength: 64 }), { minLength: 1, maxLength: 9 })
  .map(wide => noble.encode(noble.concat(wide.map(bytes => noble.scale(noble.reduceWide(bytes), noble.generators('H', 0, 1))))))

test('random points: decoding, sums, multiples, folds and rows are what noble makes', t => {
  fc.assert(
    fc.property(
      encodings.chain(bytes => {
        const count = bytes.length / 32
        const scalars = fc.array(scalar, { minLength: count, maxLength: count }).map(values => bytesOf(...values))
        return fc.tuple(fc.constant(bytes), scalars, scalar, rowsOf(3, count))
      }),
      ([bytes, scalars, c, rows]) => {
        t.true(same((_, points) => points, bytes))
        t.true(same((kernel, points) => kernel.add(points, kernel.scale(scalars, points)), bytes))
        t.true(same((kernel, points) => kernel.foldPoints(points, kernel.scale(scalars, points), bytesOf(c)), bytes))
        t.true(same((kernel, points) => kernel.msm(scalars, points), bytes))
        t.true(same((kernel, points) => kernel.commitRows(points, rows, 3), bytes))
      }
    ),
    { numRuns: 30 }
  )
})

test('random bytes decode or do not, as with noble', t => {
  const accepts = (kernel: Kernel, bytes: Uint8Array) => {
    try {
      return toHex(kernel.encode(kernel.decode(bytes)))
    } catch {
      return 'refused'
    }
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), bytes => {
      bytes[0]! &= 254
      bytes[31]! &= 127
      t.is(accepts(wasm, bytes), accepts(noble, bytes))
    }),
    { numRuns: 300 }
  )
})

test('random scalars and rows: folds, products, powers and inverses are what noble makes', t => {
  const numbers = fc.array(scalar, { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(
      numbers.chain(values => fc.tuple(fc.constant(values), rowsOf(5, values.length), rowsOf(values.length, 3))),
      ([values, along, down]) => {
        const scalars = bytesOf(...values)
        t.deepEqual(wasm.rowProducts(along, scalars), noble.rowProducts(along, scalars))
        t.deepEqual(wasm.foldRows(scalars, down, 3), noble.foldRows(scalars, down, 3))
        t.deepEqual(wasm.innerProduct(scalars, scalars), noble.innerProduct(scalars, scalars))
        t.deepEqual(wasm.powers(scalars.subarray(0, 32), 9), noble.powers(scalars.subarray(0, 32), 9))
        const units = bytesOf(...values.filter(value => value !== 0n))
        t.deepEqual(wasm.invertScalars(units), noble.invertScalars(units))
      }
    ),
    { numRuns: 100 }
  )
})

test('what is longer than one call takes is cut and joined right', t => {
  const count = 65_537
  const x = bytesOf(ORDER - 3n)
  const powers = wasm.powers(x, count)
  t.deepEqual(powers.subarray(-32), wasm.mulScalars(powers.subarray(-64, -32), x))
  const rows = Int8Array.from({ length: 3 * count }, (_, i) => (i % 255) - 127)
  t.deepEqual(wasm.innerProduct(wasm.scalarsOf(rows.subarray(0, count)), powers), wasm.rowProducts(rows.subarray(0, count), powers))
  const transposed = rows.map((_, i) => rows[(i % count) * 3 + Math.floor(i / count)]!)
  t.deepEqual(wasm.foldRows(powers, rows, 3), wasm.rowProducts(transposed, powers))

  // Twice the same 32,800 points: multiples of a few, so that their sum is one multiplication.
  const some = wasm.scale(wasm.powers(bytesOf(2n), 8), wasm.concat(Array.from({ length: 8 }, () => wasm.generators('U', 0, 1))))
  const many = wasm.concat(Array.from({ length: 4100 }, () => some))
  const ones = wasm.scalarsOf(new Int8Array(many.length).fill(1))
  const expected = wasm.encode(wasm.scale(bytesOf(4100n * 255n), wasm.generators('U', 0, 1)))
  t.deepEqual(wasm.encode(wasm.msm(ones, many)), expected)
  t.deepEqual(wasm.encode(wasm.commitRows(many, new Int16Array(many.length).fill(1), 1)), expected)
  const opposite = wasm.scale(bytesOf(...new Array<bigint>(8).fill(ORDER - 1n)), some)
  t.is(wasm.indexOfIdentity(wasm.concat([many, wasm.add(some, opposite)])), many.length)
})

test('more than 128 rows over tables go through several passes', t => {
  const bases = wasm.generators('G', 0, 3)
  const rows = Int16Array.from({ length: 3 * 301 }, (_, i) => 97 * i - 32_768)
  const all = wasm.encode(wasm.commitRows(bases, rows, 301))
  for (const row of [0, 127, 128, 255, 256, 300]) {
    const scalars = wasm.scalarsOf(rows.subarray(3 * row, 3 * row + 3))
    t.deepEqual(all.subarray(32 * row, 32 * row + 32), wasm.encode(wasm.msm(scalars, bases)))
  }
})

/** Four tables at most, for bases with 8 digits behind them; they may go when the two last calls did not use them. */
const LIMITS = { fromDigits: 8, most: 4, staleAfterCalls: 2 }
const ROWS = Int16Array.from({ length: 4 * 6 }, (_, i) => 5000 * i - 30_000)

test('tables are made when bases have come often enough, within the limit, and go when they are stale', t => {
  const tables = new Tables(kernelMemory(), LIMITS)
  const commit = (bases: Points, count: number) => {
    const rows = ROWS.subarray(0, count * bases.length)
    t.deepEqual(
      wasm.encode(commitRows(bases, rows, count, tables)),
      wasm.encode(commitRows(wasm.slice(bases, 0, bases.length), rows, count))
    )
    return tables.size
  }
  const [three, one, six] = [wasm.generators('Q', 0, 3), wasm.generators('Q', 3, 1), wasm.generators('Q', 0, 6)]
  t.is(commit(three, 2), 0)
  t.is(commit(three, 2), 3)
  t.is(commit(one, 4), 4)
  t.is(commit(six, 4), 4)
  // No longer used since: both go for others.
  t.is(commit(six, 4), 4)
  const others = wasm.generators('Q', 1, 2)
  t.is(commit(others, 4), 3)
  t.is(commit(others, 1), 3)
})

test('points outlive the growth of the memory', t => {
  const points = wasm.generators('G', 0, 4)
  const before = wasm.encode(points)
  const length = kernelMemory().exports.memory.buffer.byteLength
  kernelMemory().append(2 ** 20)
  t.true(kernelMemory().exports.memory.buffer.byteLength > length)
  t.deepEqual(wasm.encode(points), before)
})

test('more scratch than there is, is refused', t => {
  const memory = new KernelMemory()
  t.throws(() => memory.room(2 ** 26), { instanceOf: RangeError })
})

test('vectors of generators are kept for the last 256 arguments only', t => {
  const first = wasm.generators('Q', 0, 1)
  for (let from = 0; from < 255; from++) wasm.generators('Q', from, 0)
  t.is(wasm.generators('Q', 0, 1), first)
  for (let from = 0; from < 256; from++) wasm.generators('Q', from, 0)
  t.not(wasm.generators('Q', 0, 1), first)
})
