/** Accepted bytes with a few places changed: flips, edge values in the place of integers, cuts, pieces taken out, put in twice or taken from another. */
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import { filled } from './protobuf.js'

interface Mutation {
  readonly kind: number
  readonly at: number
  readonly seed: number
}

type Change = (bytes: Uint8Array, at: number, seed: number, other: Uint8Array) => Uint8Array

/** Written over whatever is there, 1 to 8 bytes of it. */
const EDGES = [0n, 1n, 127n, 128n, 255n, 256n, 65_535n, 65_536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 63n, 2n ** 64n - 1n]

function overwritten(bytes: Uint8Array, at: number, values: Uint8Array): Uint8Array {
  const out = bytes.slice()
  out.set(values.subarray(0, Math.min(values.length, out.length - at)), at)
  return out
}

const CHANGES: readonly Change[] = [
  (bytes, at, seed) => overwritten(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << (seed & 7)))),
  (bytes, at, seed) => overwritten(bytes, at, Uint8Array.of(seed & 255)),
  (bytes, at, seed) => {
    const value = new Uint8Array(8)
    new DataView(value.buffer).setBigUint64(0, EDGES[seed % EDGES.length]!, true)
    return overwritten(bytes, at, value.subarray(0, [1, 2, 4, 8][(seed >> 8) & 3]))
  },
  (bytes, at) => bytes.slice(0, at),
  (bytes, at, seed) => concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + (seed % 40)))]),
  (bytes, at, seed) => concat([bytes.subarray(0, at), filled(1 + (seed % 40), seed), bytes.subarray(at)]),
  (bytes, at, seed) => concat([bytes.subarray(0, at), bytes.subarray(at, at + 1 + (seed % 40)), bytes.subarray(at)]),
  (bytes, at, seed, other) => concat([bytes.subarray(0, at), other.subarray(seed % (other.length + 1))]),
  (bytes, at, seed, other) => overwritten(bytes, at, other.subarray(at % (other.length + 1), (at % (other.length + 1)) + 32 + (seed % 33))),
  (bytes, _at, seed) => concat([bytes, filled(1 + (seed % 9), seed)])
]

/** @param accepted bytes that are taken as they are */
export function mutated(accepted: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const mutation: fc.Arbitrary<Mutation> = fc.record({
    kind: fc.nat({ max: CHANGES.length - 1 }),
    at: fc.nat({ max: 2 ** 24 }),
    seed: fc.nat({ max: 2 ** 24 })
  })
  return fc
    .tuple(fc.constantFrom(...accepted), fc.constantFrom(...accepted), fc.array(mutation, { minLength: 1, maxLength: 3 }))
    .map(([bytes, other, mutations]) =>
      mutations.reduce(
        (changed, { kind, at, seed }) => CHANGES[kind]!(changed, changed.length === 0 ? 0 : at % changed.length, seed, other),
        bytes
      )
    )
}
