/** Random messages of a schema as bytes: well formed, and malformed in the ways in which protobuf can be. */
import fc from 'fast-check'
import { concat } from '../../src/bytes.js'
import type { Field, MessageType, Schema } from './schema.js'

const VARINT = 0
const BYTES = 2

/** One field on the wire. */
interface Entry {
  readonly number: number
  readonly wire: number
  /** With the length in front, for wire type 2. */
  readonly value: Uint8Array
}

/** @param padding bytes by which it is longer than it must be */
export function varint(value: bigint, padding = 0): Uint8Array {
  const out: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    const more = rest > 127n
    out.push(Number(rest & 127n) | (more ? 128 : 0))
    if (!more) break
  }
  for (; padding > 0; padding--) {
    out[out.length - 1]! |= 128
    out.push(0)
  }
  return Uint8Array.from(out)
}

const encodeEntries = (entries: readonly Entry[]): Uint8Array =>
  concat(entries.flatMap(({ number, wire, value }) => [varint(BigInt(number * 8 + wire)), value]))

const delimited = (bytes: Uint8Array): Uint8Array => concat([varint(BigInt(bytes.length)), bytes])

/** Bytes of this length that are the same for the same numbers: long random arrays would take fast-check too long. */
export function filled(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let i = 0, state = seed | 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    out[i] = seed === 0 ? 0 : state >>> 24
  }
  return out
}

/** Lengths at which formats have their edges, beside those that the field's comment names. */
const LENGTHS = [0, 1, 31, 32, 33, 64, 80]
/** Longest field that is really made; larger ones are only claimed. */
const LONGEST = 70_000

/** As the comment says: `32`, `empty, or 80`, `n × 32`, `at most 256`, or any few bytes where it names no length. */
function carefulBytes({ hints, comment }: Field): fc.Arbitrary<Uint8Array> {
  const times = /n × (\d+)/.exec(comment)
  const lengths =
    times !== null
      ? [1, 2, 3].map(n => n * Number(times[1]))
      : /\bempty\b/.test(comment)
        ? [0, ...hints]
        : hints.length > 0
          ? hints
          : [8, 16]
  return fc.tuple(fc.constantFrom(...lengths), fc.nat({ max: 2 ** 31 - 1 })).map(([bytes, seed]) => filled(bytes, seed))
}

const carefulInteger: fc.Arbitrary<Uint8Array> = fc.integer({ min: 1, max: 9 }).map(value => varint(BigInt(value)))

function bytesArbitrary({ hints }: Field): fc.Arbitrary<Uint8Array> {
  const named = hints.flatMap(hint => [hint, hint, hint, hint - 1, hint + 1]).filter(length => length >= 0 && length <= LONGEST)
  const length = fc.oneof(
    { arbitrary: fc.constantFrom(...(named.length === 0 ? LENGTHS : named)), weight: 9 },
    { arbitrary: fc.constantFrom(...LENGTHS), weight: 1 },
    { arbitrary: fc.nat({ max: 2000 }), weight: 1 }
  )
  return fc.tuple(length, fc.nat({ max: 2 ** 31 - 1 })).map(([bytes, seed]) => filled(bytes, seed))
}

const EDGES = [
  0n,
  1n,
  2n,
  255n,
  256n,
  257n,
  1024n,
  65_535n,
  65_536n,
  65_537n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n
]

function integerArbitrary({ hints }: Field): fc.Arbitrary<Uint8Array> {
  const named = hints.flatMap(hint => [BigInt(hint), BigInt(hint), BigInt(hint) + 1n])
  return fc
    .oneof(
      { arbitrary: fc.nat({ max: 20 }).map(BigInt), weight: 6 },
      { arbitrary: fc.constantFrom(...EDGES, ...named), weight: 2 },
      { arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), weight: 1 }
    )
    .map(value => varint(value))
}

function valueArbitrary(schema: Schema, field: Field, careful: boolean): fc.Arbitrary<Entry> {
  const entry = (wire: number, value: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Entry> =>
    value.map(bytes => ({ number: field.number, wire, value: wire === BYTES ? delimited(bytes) : bytes }))
  const type = schema.get(field.type)
  if (type !== undefined)
    return entry(BYTES, careful ? entriesArbitrary(schema, type, true).map(encodeEntries) : messageArbitrary(schema, type))
  switch (field.type) {
    case 'bytes':
    case 'string':
      return entry(BYTES, careful ? carefulBytes(field) : bytesArbitrary(field))
    case 'bool':
      return entry(
        VARINT,
        fc.constantFrom(1n, 1n, 1n, 0n, 2n).map(value => varint(value))
      )
    default:
      return entry(VARINT, careful ? carefulInteger : integerArbitrary(field))
  }
}

/** Proto3 leaves out what has its default value: so does who writes canonically. */
const isDefault = ({ value }: Entry): boolean => value.length === 1 && value[0] === 0

const ascending = (entries: readonly Entry[]): Entry[] =>
  [...new Map(entries.map(entry => [entry.value[0]!, entry])).entries()].sort(([a], [b]) => a - b).map(([, entry]) => entry)

function fieldArbitrary(schema: Schema, field: Field, careful: boolean): fc.Arbitrary<Entry[]> {
  const one = valueArbitrary(schema, field, careful)
  if (careful) {
    const some = field.repeated ? fc.array(one, { minLength: 1, maxLength: 4 }) : one.map(entry => [entry])
    return some.map(entries =>
      field.repeated && entries[0]!.wire === VARINT ? ascending(entries) : entries.filter(entry => !isDefault(entry))
    )
  }
  if (field.repeated) {
    const many = fc.tuple(one, fc.constantFrom(255, 256, 257, 512, 513)).map(([entry, count]) => new Array<Entry>(count).fill(entry))
    return fc.oneof({ arbitrary: fc.array(one, { maxLength: 4 }), weight: 12 }, { arbitrary: many, weight: 1 })
  }
  const message = schema.has(field.type)
  return fc.oneof(
    { arbitrary: one.map(entry => (!message && isDefault(entry) ? [] : [entry])), weight: 24 },
    { arbitrary: fc.constant<Entry[]>([]), weight: 1 }
  )
}

function entriesArbitrary(schema: Schema, type: MessageType, careful: boolean): fc.Arbitrary<Entry[]> {
  const fields = type.fields.map(field => fieldArbitrary(schema, field, careful))
  return type.oneof.length > 0 ? fc.oneof(...fields) : fc.tuple(...fields).map(all => all.flat())
}

/** What makes other bytes of the same fields. */
type Fault = (entries: readonly Entry[], at: number, seed: number) => Uint8Array

const FAULTS: readonly Fault[] = [
  // Out of order.
  (entries, at) => encodeEntries([...entries.slice(at), ...entries.slice(0, at)]),
  // A field twice.
  (entries, at) => encodeEntries([...entries.slice(0, at + 1), ...entries.slice(at)]),
  // A field that nobody knows.
  (entries, _at, seed) =>
    encodeEntries([...entries, { number: 100 + (seed % 1000), wire: BYTES, value: delimited(filled(seed % 9, seed)) }]),
  // A default value that is written.
  (entries, _at, seed) => encodeEntries([...entries, { number: 1 + (seed % 14), wire: VARINT, value: Uint8Array.of(0) }]),
  // Another wire type.
  (entries, at, seed) => encodeEntries(entries.map((entry, i) => (i === at ? { ...entry, wire: seed % 8 } : entry))),
  // A varint that is longer than it must be.
  (entries, at, seed) =>
    concat(entries.map(({ number, wire, value }, i) => concat([varint(BigInt(number * 8 + wire), i === at ? 1 + (seed % 9) : 0), value]))),
  // A length that is claimed and not there.
  (entries, at, seed) =>
    concat([
      encodeEntries(entries.slice(0, at)),
      varint(BigInt((entries[at]?.number ?? 1) * 8 + BYTES)),
      varint([2n ** 20n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n][seed % 7]!),
      filled(seed % 50, seed)
    ]),
  // Cut.
  (entries, _at, seed) => {
    const bytes = encodeEntries(entries)
    return bytes.subarray(0, bytes.length === 0 ? 0 : seed % bytes.length)
  }
]

/** A message as bytes: half of them as the schema's comments say, half with edge values, and of both some with one fault in the encoding. */
export function messageArbitrary(schema: Schema, type: MessageType): fc.Arbitrary<Uint8Array> {
  const entries = fc.oneof(entriesArbitrary(schema, type, true), entriesArbitrary(schema, type, false))
  return fc
    .tuple(entries, fc.nat({ max: 5 * FAULTS.length }), fc.nat({ max: 63 }), fc.nat({ max: 2 ** 20 }))
    .map(([fields, fault, at, seed]) => (FAULTS[fault] ?? encodeEntries)(fields, fields.length === 0 ? 0 : at % fields.length, seed))
}
