/** Points: encodings, generators, sums and multiples. */
import type { TestFn } from 'ava'
import fc from 'fast-check'
import { concat, fromHex, toHex, u32, utf8 } from '../../src/bytes.js'
import { MalformedMessageError } from '../../src/errors.js'
import { hashWide } from '../../src/kernel/hash.js'
import type { GeneratorFamily, Kernel } from '../../src/kernel/types.js'
import { BASE, bytesOf, encoded, mapped, ORDER, point, scalar, sumOf, times, ZERO, type NaivePoint } from './naive.js'
import { BAD_ENCODINGS, MULTIPLES } from './rfc9496.js'

const RUNS = { numRuns: 25 }
/** Vectors of points and scalars of one length. */
const terms = fc.array(fc.tuple(point, scalar), { maxLength: 9 })

export function pointContract(test: TestFn, kernel: Kernel): void {
  const points = (...naive: readonly NaivePoint[]) => kernel.decode(encoded(naive))

  test('the multiples of the generator are encoded as in RFC 9496, A.1', t => {
    const base = kernel.decode(fromHex(MULTIPLES[1]!))
    let sum = kernel.slice(base, 0, 0)
    let last = kernel.msm(new Uint8Array(0), sum)
    for (let i = 0; i < MULTIPLES.length; i++) {
      sum = kernel.concat([sum, last])
      last = kernel.add(last, base)
    }
    t.is(toHex(kernel.encode(sum)), MULTIPLES.join(''))
    t.is(toHex(kernel.encode(kernel.decode(fromHex(MULTIPLES.join(''))))), MULTIPLES.join(''))
  })

  for (const [reason, encodings] of Object.entries(BAD_ENCODINGS)) {
    test(`an encoding is refused, and its index named, for ${reason} (RFC 9496, A.2)`, t => {
      for (const bad of encodings) {
        const error = t.throws(() => kernel.decode(concat([fromHex(MULTIPLES[5]!), fromHex(bad), fromHex(bad)])), {
          instanceOf: MalformedMessageError
        })
        t.regex(error.message, /point 1\b/)
      }
    })
  }

  test('no points decode to none, and half a point is an error of the caller', t => {
    t.is(kernel.decode(new Uint8Array(0)).length, 0)
    t.is(kernel.encode(kernel.decode(new Uint8Array(0))).length, 0)
    t.throws(() => kernel.decode(new Uint8Array(33)), { instanceOf: RangeError })
  })

  test('generators are the one-way map of the labelled hash, the same object for the same arguments', t => {
    for (const family of ['G', 'K', 'Q', 'H', 'U'] as GeneratorFamily[]) {
      const expected = Array.from({ length: 5 }, (_, i) => mapped(hashWide('zklora/v1/generator', utf8(family), u32(3 + i))))
      const made = kernel.generators(family, 3, 5)
      t.deepEqual(kernel.encode(made), encoded(expected))
      t.is(kernel.generators(family, 3, 5), made)
      t.deepEqual(kernel.encode(kernel.generators(family, 5, 2)), encoded(expected.slice(2, 4)))
    }
    const last = 2 ** 32 - 1
    t.deepEqual(kernel.encode(kernel.generators('G', last, 1)), encoded([mapped(hashWide('zklora/v1/generator', utf8('G'), u32(last)))]))
    t.is(kernel.generators('Q', 7, 0).length, 0)
  })

  test('generators beyond the index of 32 bits do not exist', t => {
    for (const [from, count] of [
      [2 ** 32 - 1, 2],
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, 1.5]
    ] as const) {
      t.throws(() => kernel.generators('G', from, count), { instanceOf: RangeError })
    }
  })

  test('concat, slice and add are those of vectors', t => {
    const all = [BASE, ZERO, times(BASE, 7n), times(BASE, -7n)]
    const vector = points(...all)
    t.is(vector.length, 4)
    t.deepEqual(kernel.encode(kernel.concat([vector, kernel.slice(vector, 1, 1), vector])), encoded([...all, ...all]))
    t.is(kernel.concat([]).length, 0)
    t.deepEqual(kernel.encode(kernel.slice(vector, 1, 3)), encoded(all.slice(1, 3)))
    for (const [from, to] of [
      [-1, 2],
      [3, 2],
      [0, 5]
    ] as const) {
      t.throws(() => kernel.slice(vector, from, to), { instanceOf: RangeError })
    }
    const other = [BASE, BASE, ZERO, times(BASE, 7n)]
    t.deepEqual(kernel.encode(kernel.add(vector, points(...other))), encoded(all.map((a, i) => a.add(other[i]!))))
    t.throws(() => kernel.add(vector, kernel.slice(vector, 0, 3)), { instanceOf: RangeError })
  })

  test('the identity is found in whatever form it comes', t => {
    const seven = points(times(BASE, 7n))
    const minus = points(times(BASE, -7n))
    const sum = kernel.add(seven, minus)
    t.is(kernel.indexOfIdentity(sum), 0)
    t.is(kernel.indexOfIdentity(kernel.concat([seven, minus, kernel.add(sum, sum)])), 2)
    t.is(kernel.indexOfIdentity(kernel.concat([seven, kernel.scale(bytesOf(0n), seven), sum])), 1)
    t.is(kernel.indexOfIdentity(points(BASE, ZERO)), 1)
    t.is(kernel.indexOfIdentity(kernel.concat([seven, minus])), -1)
    t.is(kernel.indexOfIdentity(kernel.slice(seven, 0, 0)), -1)
  })

  test('msm is the sum of the multiples', t => {
    fc.assert(
      fc.property(terms, drawn => {
        const naive = drawn.map(([p]) => p)
        const factors = drawn.map(([, factor]) => factor)
        t.deepEqual(kernel.encode(kernel.msm(bytesOf(...factors), points(...naive))), encoded([sumOf(naive, factors)]))
      }),
      RUNS
    )
  })

  test('msm of many points: every width of window, equal points, opposite points, scalars 0 and ℓ − 1', t => {
    for (const count of [64, 500]) {
      const factors = Array.from({ length: count }, (_, i) =>
        i % 7 === 0 ? 0n : i % 5 === 0 ? ORDER - 1n : (BigInt(i) ** 40n * 12345n) % ORDER
      )
      // Multiples of one point, so that the sum is one multiplication.
      const indices = factors.map((_, i) => [1n, 1n, -1n, 3n, 0n][i % 5]!)
      const few = new Map([-1n, 0n, 1n, 3n].map(index => [index, times(BASE, index).toBytes()]))
      const vector = kernel.decode(concat(indices.map(index => few.get(index)!)))
      const expected = factors.reduce((sum, factor, i) => sum + factor * indices[i]!, 0n) % ORDER
      t.deepEqual(kernel.encode(kernel.msm(bytesOf(...factors), vector)), encoded([times(BASE, expected)]))
      const small = factors.map(factor => factor & 0xffffn)
      const smallExpected = small.reduce((sum, factor, i) => sum + factor * indices[i]!, 0n)
      t.deepEqual(kernel.encode(kernel.msm(bytesOf(...small), vector)), encoded([times(BASE, smallExpected)]))
    }
  })

  test('scale multiplies each point by its scalar, foldPoints adds c times the upper half to the lower', t => {
    fc.assert(
      fc.property(terms, scalar, (drawn, c) => {
        const naive = drawn.map(([p]) => p)
        const factors = drawn.map(([, factor]) => factor)
        const vector = points(...naive)
        t.deepEqual(kernel.encode(kernel.scale(bytesOf(...factors), vector)), encoded(naive.map((p, i) => times(p, factors[i]!))))
        const reversed = [...naive].reverse()
        const folded = kernel.foldPoints(vector, points(...reversed), bytesOf(c))
        t.deepEqual(kernel.encode(folded), encoded(naive.map((p, i) => p.add(times(reversed[i]!, c)))))
        const high = points(...reversed, ...naive, ...reversed)
        const together = kernel.foldPoints(vector, high, bytesOf(c, ORDER - 1n, 0n))
        t.deepEqual(kernel.encode(together), encoded(reversed.map(p => times(p, c))))
      }),
      RUNS
    )
  })

  test('a wrong number of scalars is an error of the caller', t => {
    const two = points(BASE, BASE)
    t.throws(() => kernel.msm(bytesOf(1n), two), { instanceOf: RangeError })
    t.throws(() => kernel.scale(bytesOf(1n), two), { instanceOf: RangeError })
    t.throws(() => kernel.foldPoints(two, two, bytesOf(1n, 1n)), { instanceOf: RangeError })
    t.throws(() => kernel.foldPoints(two, two, new Uint8Array(33)), { instanceOf: RangeError })
    t.throws(() => kernel.foldPoints(two, points(BASE), bytesOf(1n)), { instanceOf: RangeError })
  })

  test('points of another kernel are refused', t => {
    t.throws(() => kernel.encode({ length: 1 }), { instanceOf: RangeError })
  })
}
