/** Rows of small integers over points and over scalars. */
import type { TestFn } from 'ava'
import fc from 'fast-check'
import type { Kernel, SmallRows } from '../../src/kernel/types.js'
import { BASE, bytesOf, encoded, mod, ORDER, point, rowOf, rowsOf, scalar, sumOf, times, ZERO } from './naive.js'

const RUNS = { numRuns: 25 }
const shape = fc.record({ count: fc.integer({ min: 0, max: 4 }), width: fc.integer({ min: 1, max: 5 }) })
/** Enough rows for a kernel to build whatever tables it keeps for bases that come again. */
const MANY = 96

function vector(length: number): fc.Arbitrary<bigint[]> {
  return fc.array(scalar, { minLength: length, maxLength: length })
}

/** Rows that are the ends of the range, zeros, and each alone. */
const EXTREMES: readonly SmallRows[] = [
  Int8Array.of(-128, 127, 0, -128, 0, 0, 127, 127, 127, -128, -128, -128),
  Int16Array.of(-(2 ** 15), 2 ** 15 - 1, 0, 0, 0, 0, -(2 ** 15), -(2 ** 15), -(2 ** 15), 128, -128, 32640),
  Float64Array.of(2 ** 53 - 1, 1 - 2 ** 53, 0, 0, -0, 0, 2 ** 53, -(2 ** 53), 2 ** 52, 2 ** 47 + 2 ** 7, -(2 ** 55 / 255), 0).map(
    Math.trunc
  )
]

export function rowContract(test: TestFn, kernel: Kernel): void {
  /** By one multiplication for each entry. */
  function expectedCommitments(naive: Parameters<typeof sumOf>[0], rows: SmallRows, count: number): Uint8Array {
    return encoded(Array.from({ length: count }, (_, t) => sumOf(naive, rowOf(rows, t, naive.length))))
  }

  test('a row commitment is the sum of entry times base', t => {
    fc.assert(
      fc.property(
        shape.chain(({ count, width }) =>
          fc.tuple(fc.constant(count), fc.array(point, { minLength: width, maxLength: width }), rowsOf(count, width))
        ),
        ([count, naive, rows]) => {
          const bases = kernel.decode(encoded(naive))
          t.deepEqual(kernel.encode(kernel.commitRows(bases, rows, count)), expectedCommitments(naive, rows, count))
        }
      ),
      RUNS
    )
  })

  for (const rows of EXTREMES) {
    test(`entries at the ends of ${rows.constructor.name}, zero rows and single entries commit right, with tables and without`, t => {
      const naive = [BASE, times(BASE, 5n), times(BASE, -5n)]
      const bases = kernel.decode(encoded(naive))
      const expected = expectedCommitments(naive, rows, 4)
      t.deepEqual(kernel.encode(kernel.commitRows(bases, rows, 4)), expected)
      kernel.commitRows(bases, new Int16Array(3 * MANY).fill(1), MANY)
      t.deepEqual(kernel.encode(kernel.commitRows(bases, rows, 4)), expected)
    })
  }

  test('bases that come again, alone or in other slices, give what msm gives', t => {
    fc.assert(
      fc.property(rowsOf(MANY, 7), fc.integer({ min: 0, max: 3 }), (rows, from) => {
        const bases = kernel.generators('G', from, 7)
        const made = kernel.encode(kernel.commitRows(bases, rows, MANY))
        for (const row of [0, 1, MANY - 1]) {
          const factors = kernel.scalarsOf(rows.slice(row * 7, row * 7 + 7))
          t.deepEqual(made.subarray(32 * row, 32 * row + 32), kernel.encode(kernel.msm(factors, bases)))
        }
      }),
      { numRuns: 6 }
    )
  })

  test('one row over wide bases gives what msm gives', t => {
    const width = 301
    const bases = kernel.generators('Q', 0, width)
    for (const rows of [
      Int16Array.from({ length: width }, (_, i) => ((i * 7919) % 65_536) - 32_768),
      Float64Array.from({ length: width }, (_, i) => (i % 2 === 0 ? 1 : -1) * i ** 6)
    ]) {
      t.deepEqual(kernel.encode(kernel.commitRows(bases, rows, 1)), kernel.encode(kernel.msm(kernel.scalarsOf(rows), bases)))
    }
  })

  test('an equal base twice counts twice, the identity not at all', t => {
    const bases = kernel.decode(encoded([BASE, BASE, ZERO]))
    for (let again = 0; again < 2; again++) {
      const rows = Int16Array.from({ length: 3 * MANY }, (_, i) => i % 100)
      const expected = Array.from({ length: MANY }, (_, r) => times(BASE, BigInt(rows[3 * r]! + rows[3 * r + 1]!)))
      t.deepEqual(kernel.encode(kernel.commitRows(bases, rows, MANY)), encoded(expected))
    }
  })

  test('rows over no bases are identities, and no rows give no points', t => {
    const none = kernel.generators('G', 0, 0)
    t.deepEqual(kernel.encode(kernel.commitRows(none, new Int16Array(0), 2)), new Uint8Array(64))
    t.is(kernel.commitRows(kernel.generators('G', 0, 3), new Int8Array(0), 0).length, 0)
  })

  test('foldRows is Σ_t weight_t · row_t', t => {
    fc.assert(
      fc.property(
        shape.chain(({ count, width }) => fc.tuple(fc.constant(width), vector(count), rowsOf(count, width))),
        ([width, weights, rows]) => {
          const expected = Array.from({ length: width }, (_, i) =>
            mod(weights.reduce((sum, weight, row) => sum + weight * BigInt(rows[row * width + i]!), 0n))
          )
          t.deepEqual(kernel.foldRows(bytesOf(...weights), rows, width), bytesOf(...expected))
        }
      ),
      { numRuns: 100 }
    )
  })

  test('rowProducts is ⟨row_t, vector⟩ for each row', t => {
    fc.assert(
      fc.property(
        shape.chain(({ count, width }) => fc.tuple(fc.constant(count), vector(width), rowsOf(count, width))),
        ([count, factors, rows]) => {
          const expected = Array.from({ length: count }, (_, row) =>
            mod(rowOf(rows, row, factors.length).reduce((sum, entry, i) => sum + entry * factors[i]!, 0n))
          )
          t.deepEqual(kernel.rowProducts(rows, bytesOf(...factors)), bytesOf(...expected))
        }
      ),
      { numRuns: 100 }
    )
  })

  // As large as entries and scalars get, so that a sum that were not exact, or a carry too late, would show.
  for (const [name, make] of [
    ['8-bit', (length: number) => new Int8Array(length).fill(-128)],
    ['16-bit', (length: number) => new Int16Array(length).fill(-(2 ** 15))],
    ['53-bit', (length: number) => new Float64Array(length).fill(2 ** 53 - 1)],
    ['negative 53-bit', (length: number) => new Float64Array(length).fill(1 - 2 ** 53)]
  ] as const) {
    test(`70,001 times the largest ${name} entry and the largest scalar add up exactly`, t => {
      const length = 70_001
      const rows = make(length)
      const most = bytesOf(ORDER - 1n)
      const scalars = new Uint8Array(32 * length)
      for (let i = 0; i < length; i++) scalars.set(most, 32 * i)
      const expected = bytesOf(mod(BigInt(length) * BigInt(rows[0]!) * (ORDER - 1n)))
      t.deepEqual(kernel.foldRows(scalars, rows, 1), expected)
      t.deepEqual(kernel.rowProducts(rows, scalars), expected)
      // The limbs of a scalar with all bits set are the largest.
      const full = new Uint8Array(32 * length).fill(255)
      for (let i = 31; i < full.length; i += 32) full[i] = 15
      const sum = bytesOf(mod(BigInt(length) * BigInt(rows[0]!) * (2n ** 252n - 1n)))
      t.deepEqual(kernel.foldRows(full, rows, 1), sum)
      t.deepEqual(kernel.rowProducts(rows, full), sum)
    })
  }

  test('small integers are their residues as scalars', t => {
    fc.assert(
      fc.property(rowsOf(1, 6), values => {
        t.deepEqual(kernel.scalarsOf(values), bytesOf(...Array.from(values, value => mod(BigInt(value)))))
      }),
      { numRuns: 100 }
    )
  })

  test('rows of no width fold to nothing', t => {
    t.is(kernel.foldRows(bytesOf(1n, 2n), new Int16Array(0), 0).length, 0)
  })

  test('wrong shapes are errors of the caller', t => {
    const bases = kernel.generators('G', 0, 3)
    t.throws(() => kernel.commitRows(bases, new Int16Array(5), 2), { instanceOf: RangeError })
    t.throws(() => kernel.foldRows(bytesOf(1n), new Int16Array(6), 3), { instanceOf: RangeError })
    t.throws(() => kernel.foldRows(bytesOf(1n, 1n), new Int16Array(5), 3), { instanceOf: RangeError })
    t.throws(() => kernel.rowProducts(new Int16Array(5), bytesOf(1n, 1n)), { instanceOf: RangeError })
  })

  for (const entry of [0.5, NaN, Infinity, 2 ** 53 + 2, -(2 ** 53) - 2]) {
    test(`${entry} among 53-bit entries is an error of the caller`, t => {
      const rows = Float64Array.of(1, entry)
      t.throws(() => kernel.commitRows(kernel.generators('G', 0, 2), rows, 1), { instanceOf: RangeError, message: /entry 1/ })
      t.throws(() => kernel.foldRows(bytesOf(1n), rows, 2), { instanceOf: RangeError, message: /entry 1/ })
      t.throws(() => kernel.rowProducts(rows, bytesOf(1n, 1n)), { instanceOf: RangeError, message: /entry 1/ })
      t.throws(() => kernel.scalarsOf(rows), { instanceOf: RangeError, message: /entry 1/ })
    })
  }
}
