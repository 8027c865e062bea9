import test from 'ava'
import { concat } from '../../src/bytes.js'
import { decodeElement, encodeElement, type Element, type Extended } from '../../src/kernel/noble/curve.js'
import { RowTables } from '../../src/kernel/noble/rows.js'
import { BASE, encoded, rowOf, sumOf, times, type NaivePoint } from './naive.js'

/** Four tables at most, for bases with 8 digits behind them; a table may go when the two last calls did not use it. */
const LIMITS = { fromDigits: 8, most: 4, staleAfterCalls: 2 }
const ROWS = Int16Array.from({ length: 4 * 6 }, (_, i) => 5000 * i - 30_000)

function bases(from: number, count: number): { naive: NaivePoint[]; elements: Element[] } {
  const naive = Array.from({ length: count }, (_, i) => times(BASE, BigInt(from + i)))
  return { naive, elements: naive.map(point => decodeElement(point.toBytes())) }
}

function bytes(points: readonly Extended[]): Uint8Array {
  return concat(points.map(encodeElement))
}

test('a base gets its table when it has come often enough', t => {
  const tables = new RowTables(LIMITS)
  const { elements } = bases(1, 2)
  tables.commit(elements, ROWS.subarray(0, 6), 3)
  t.is(tables.size, 0)
  tables.commit(elements.slice(0, 1), ROWS.subarray(0, 1), 1)
  t.is(tables.size, 1)
  t.deepEqual(
    elements.map(({ multiples }) => multiples?.length),
    [128, undefined]
  )
})

test('rows over more bases than there may be tables are right, and their tables stay', t => {
  const tables = new RowTables(LIMITS)
  const { naive, elements } = bases(1, 6)
  const expected = encoded([0, 1, 2, 3].map(row => sumOf(naive, rowOf(ROWS, row, 6))))
  t.deepEqual(bytes(tables.commit(elements, ROWS, 4)), expected)
  const first = elements.map(({ multiples }) => multiples)
  t.deepEqual(
    first.map(multiples => multiples !== undefined),
    [true, true, true, true, false, false]
  )
  for (let call = 0; call < 4; call++) t.deepEqual(bytes(tables.commit(elements, ROWS, 4)), expected)
  elements.forEach(({ multiples }, i) => t.is(multiples, first[i]))
})

test('a table that was not used for a while makes room', t => {
  const tables = new RowTables(LIMITS)
  const old = bases(1, 4)
  const fresh = bases(10, 2)
  const commit = (elements: readonly Element[]) => tables.commit(elements, ROWS.subarray(0, 4 * elements.length), 4)
  commit(old.elements)
  commit(fresh.elements)
  commit(fresh.elements)
  t.deepEqual(
    fresh.elements.map(({ multiples }) => multiples),
    [undefined, undefined]
  )
  const expected = encoded([0, 1, 2, 3].map(row => sumOf(fresh.naive, rowOf(ROWS, row, 2))))
  t.deepEqual(bytes(commit(fresh.elements)), expected)
  t.deepEqual(
    [...old.elements, ...fresh.elements].map(({ multiples }) => multiples !== undefined),
    [false, false, true, true, true, true]
  )
  t.is(tables.size, 4)
})
