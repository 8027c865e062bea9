/** The contract of sizes in src/kernel/assembly/field.ts: bounds that random points reach once in 10^29 tries. */
import test from 'ava'
import fc from 'fast-check'
import { kernelMemory } from '../../src/kernel/wasm/memory.js'

const P = 2n ** 255n - 19n
const ELEMENT = 80
/** Where limb k of lane 0 stands, in words. */
const PLACES = [0, 2, 12, 4, 6, 14, 8, 10, 16]
/** The largest limbs of one unit. */
const UNIT = Array.from({ length: 9 }, (_, k) => (k < 8 ? 2 ** 29 + 2 ** 18 : 2 ** 23 + 2 ** 4) - 1)
/** 4p, which a difference adds. */
const BIAS = Array.from({ length: 9 }, (_, k) => (k === 0 ? 2 ** 30 - 76 : k < 8 ? 2 ** 30 - 2 : 2 ** 25 - 2))

const memory = kernelMemory()
memory.start()
const [a, b, out] = [memory.room(ELEMENT), memory.room(ELEMENT), memory.room(ELEMENT)] as const

function words(): Uint32Array {
  return new Uint32Array(memory.exports.memory.buffer)
}

function put(address: number, lane: number, limbs: readonly number[]): void {
  limbs.forEach((limb, k) => (words()[address / 4 + PLACES[k]! + lane] = limb))
}

function get(lane: number): number[] {
  return PLACES.map(place => words()[out / 4 + place + lane]!)
}

function valueOf(limbs: readonly number[]): bigint {
  return limbs.reduce((sum, limb, k) => sum + (BigInt(limb) << BigInt(29 * k)), 0n) % P
}

const times = (limbs: readonly number[], factor: number) => limbs.map(limb => limb * factor)
const plus = (x: readonly number[], y: readonly number[]) => x.map((limb, k) => limb + y[k]!)
/** A sum of two units, a difference of a unit and nothing. */
const TWO = times(UNIT, 2)
const THREE = plus(UNIT, BIAS)
const FOUR = plus(TWO, BIAS)

/** Limbs up to the given ones: all, none, each of them or nothing, or anything between. */
function upTo(most: readonly number[]): fc.Arbitrary<readonly number[]> {
  return fc.oneof(
    fc.constant(Array.from(most)),
    fc.tuple(...most.map(limb => fc.constantFrom(0, limb, limb - 1))),
    fc.tuple(...most.map(limb => fc.integer({ min: 0, max: limb })))
  )
}

function isUnit(limbs: readonly number[]): boolean {
  return limbs.every((limb, k) => limb <= UNIT[k]!)
}

for (const [name, x, y] of [
  ['3 units by 2', THREE, TWO],
  ['2 units by 3', TWO, THREE],
  ['3 units by 1', THREE, UNIT],
  ['2 units by 2', TWO, TWO]
] as const) {
  test(`a product of the largest limbs, ${name}, is right and one unit`, t => {
    fc.assert(
      fc.property(upTo(x), upTo(y), upTo(x), upTo(y), (x0, y0, x1, y1) => {
        put(a, 0, x0)
        put(b, 0, y0)
        put(a, 1, x1)
        put(b, 1, y1)
        memory.exports.mul(out, a, b)
        t.is(valueOf(get(0)), (valueOf(x0) * valueOf(y0)) % P)
        t.is(valueOf(get(1)), (valueOf(x1) * valueOf(y1)) % P)
        t.true(isUnit(get(0)) && isUnit(get(1)))
      }),
      { numRuns: 300, examples: [[[...x], [...y], [...x], [...y]]] }
    )
  })
}

test('a square of the largest limbs, 2 units, is right and one unit', t => {
  fc.assert(
    fc.property(upTo(TWO), upTo(TWO), (x0, x1) => {
      put(a, 0, x0)
      put(a, 1, x1)
      memory.exports.sqr(out, a)
      t.is(valueOf(get(0)), valueOf(x0) ** 2n % P)
      t.is(valueOf(get(1)), valueOf(x1) ** 2n % P)
      t.true(isUnit(get(0)) && isUnit(get(1)))
    }),
    { numRuns: 300, examples: [[[...TWO], [...TWO]]] }
  )
})

test('a carry of the largest limbs, 4 units, leaves the residue and one unit', t => {
  fc.assert(
    fc.property(upTo(FOUR), upTo(FOUR), (x0, x1) => {
      put(a, 0, x0)
      put(a, 1, x1)
      memory.exports.carry(out, a)
      t.is(valueOf(get(0)), valueOf(x0))
      t.is(valueOf(get(1)), valueOf(x1))
      t.true(isUnit(get(0)) && isUnit(get(1)))
    }),
    { numRuns: 300, examples: [[[...FOUR], [...FOUR]]] }
  )
})

test('a bound is one: 3 units by 3 do not fit any more', t => {
  put(a, 0, times(UNIT, 3))
  put(b, 0, times(UNIT, 3))
  memory.exports.mul(out, a, b)
  t.not(valueOf(get(0)), valueOf(times(UNIT, 3)) ** 2n % P)
})
