/** Scalars mod ℓ in their flat layout. */
import type { TestFn } from 'ava'
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import { MalformedMessageError } from '../../src/errors.js'
import type { Kernel } from '../../src/kernel/types.js'
import { bytesOf, mod, ORDER, scalar } from './naive.js'

const RUNS = { numRuns: 100 }
const pairs = fc.array(fc.tuple(scalar, scalar), { maxLength: 6 })

export function scalarContract(test: TestFn, kernel: Kernel): void {
  /** A claim about two vectors of one length, and one scalar. */
  function holds(check: (a: bigint[], b: bigint[], c: bigint) => void): void {
    fc.assert(
      fc.property(pairs, scalar, (drawn, c) => {
        check(
          drawn.map(([x]) => x),
          drawn.map(([, y]) => y),
          c
        )
      }),
      RUNS
    )
  }

  test('scalars from 0 to ℓ − 1 pass, ℓ and above are refused by index', t => {
    t.notThrows(() => kernel.checkScalars(bytesOf(0n, 1n, ORDER - 1n)))
    t.notThrows(() => kernel.checkScalars(new Uint8Array(0)))
    for (const bad of [ORDER, ORDER + 1n, 2n ** 253n, 2n ** 256n - 1n]) {
      const error = t.throws(() => kernel.checkScalars(bytesOf(0n, ORDER - 1n, bad, bad)), { instanceOf: MalformedMessageError })
      t.regex(error.message, /scalar 2\b/)
    }
    t.throws(() => kernel.checkScalars(new Uint8Array(31)), { instanceOf: RangeError })
  })

  test('64 bytes are reduced mod ℓ', t => {
    const half = 2n ** 256n
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, half * half - 1n), { maxLength: 4 }), values => {
        const wide = concat(values.map(value => bytesOf(value % half, value / half)))
        t.deepEqual(kernel.reduceWide(wide), bytesOf(...values.map(mod)))
      }),
      RUNS
    )
    t.deepEqual(kernel.reduceWide(new Uint8Array(64).fill(255)), bytesOf(mod(half * half - 1n)))
    t.deepEqual(kernel.reduceWide(bytesOf(ORDER, 0n)), bytesOf(0n))
    t.throws(() => kernel.reduceWide(new Uint8Array(32)), { instanceOf: RangeError })
  })

  test('addScalars, mulScalars and negateScalars work entry by entry', t => {
    holds((a, b, c) => {
      t.deepEqual(kernel.addScalars(bytesOf(...a), bytesOf(...b)), bytesOf(...a.map((x, i) => mod(x + b[i]!))))
      t.deepEqual(kernel.mulScalars(bytesOf(...a), bytesOf(...b)), bytesOf(...a.map((x, i) => mod(x * b[a.length === 1 ? 0 : i]!))))
      t.deepEqual(kernel.mulScalars(bytesOf(...a), bytesOf(c)), bytesOf(...a.map(x => mod(x * c))))
      t.deepEqual(kernel.negateScalars(bytesOf(...a)), bytesOf(...a.map(x => mod(-x))))
    })
  })

  test('foldScalars is low + c · high, innerProduct is the sum of products', t => {
    holds((a, b, c) => {
      t.deepEqual(kernel.foldScalars(bytesOf(...a), bytesOf(...b), bytesOf(c)), bytesOf(...a.map((x, i) => mod(x + c * b[i]!))))
      t.deepEqual(kernel.innerProduct(bytesOf(...a), bytesOf(...b)), bytesOf(mod(a.reduce((sum, x, i) => sum + x * b[i]!, 0n))))
    })
  })

  test('powers start at one', t => {
    fc.assert(
      fc.property(scalar, fc.integer({ min: 0, max: 20 }), (x, count) => {
        const expected: bigint[] = []
        for (let value = 1n; expected.length < count; value = mod(value * x)) expected.push(value)
        t.deepEqual(kernel.powers(bytesOf(x), count), bytesOf(...expected))
      }),
      RUNS
    )
  })

  test('a scalar times its inverse is one, and zero has none', t => {
    fc.assert(
      fc.property(
        fc.array(
          scalar.filter(x => x !== 0n),
          { maxLength: 6 }
        ),
        values => {
          const bytes = bytesOf(...values)
          t.deepEqual(kernel.mulScalars(kernel.invertScalars(bytes), bytes), bytesOf(...values.map(() => 1n)))
        }
      ),
      RUNS
    )
    t.throws(() => kernel.invertScalars(bytesOf(3n, 0n)), { instanceOf: RangeError })
  })

  test('wrong lengths of scalars are errors of the caller', t => {
    const [two, one] = [bytesOf(1n, 2n), bytesOf(1n)]
    for (const wrong of [
      () => kernel.addScalars(two, one),
      () => kernel.mulScalars(one, two),
      () => kernel.negateScalars(new Uint8Array(5)),
      () => kernel.invertScalars(new Uint8Array(5)),
      () => kernel.foldScalars(two, one, one),
      () => kernel.foldScalars(two, two, two),
      () => kernel.powers(two, 2),
      () => kernel.innerProduct(two, one)
    ]) {
      t.throws(wrong, { instanceOf: RangeError })
    }
  })
}
