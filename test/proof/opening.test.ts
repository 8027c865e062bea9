import test from 'ava'
import { concat } from '../../src/bytes.js'
import { InvalidProofError, MalformedMessageError } from '../../src/errors.js'
import { checkOpening, merkleRoot, openRow, verify, type VerifiedProof } from '../../src/proof/index.js'
import { merklePath, pathLength, rootFromPath } from '../../src/proof/bundle/merkle.js'
import { flip, honestBundle, kernel, makeAdapter, register, seeded } from './fixture.js'

const { adapter, manifest } = register('opening', makeAdapter('opening'))
const publicAtStart = new Uint8Array(32).fill(8)
const { bundle, rows } = honestBundle(adapter, 'opening', { groups: [0, 1, 0, 0, 1], first: 40, publicAtStart })
const proof = verify({ kernel, manifest, bundle, random: seeded('opening') })
const { session } = proof
const open = (number: number, change: object = {}) => openRow({ session, rows, ...rows[number - 40]!, ...change })
const check = (opening: Uint8Array, change: Partial<VerifiedProof> = {}) =>
  checkOpening({ kernel, manifest, proof: { ...proof, ...change }, opening })

test('every row opens to what was sent, and says where it stands', t => {
  for (const row of rows) {
    const { x, y, number, group, position, start } = check(open(row.number))
    t.deepEqual(
      { x, y, number, group, position, start },
      { x: row.x, y: row.y, number: row.number, group: row.group, position: row.position, start: 40 }
    )
  }
})

test('an opening read from a file, in a Buffer at any offset, is read as it is', t => {
  const padded = Buffer.concat([Buffer.alloc(3), open(41)])
  t.deepEqual(check(padded.subarray(3)).y, rows[1]!.y)
})

test('paths lead to the root at any number of rows, and are as long as their place says', t => {
  for (let count = 1; count <= 9; count++) {
    const some = Array.from({ length: count }, (_, t) => ({ ...rows[0]!, number: t }))
    for (const row of some) {
      const path = merklePath(some, row.number)
      t.is(path.length, pathLength(row.number, count))
      t.deepEqual(rootFromPath(session, { start: 0, rows: count, row }, path), merkleRoot(session, some))
    }
  }
})

test('a row that differs in anything from the one in the root is refused', t => {
  const wrong = { instanceOf: InvalidProofError, message: /^opening: / }
  const { x, y } = rows[0]!
  t.throws(() => check(open(40, { x: x.with(3, x[3]! ^ 1) })), wrong)
  t.throws(() => check(open(40, { y: y.with(3, y[3]! + 1) })), wrong)
  t.throws(() => check(open(40, { upsilon: rows[2]!.upsilon })), wrong)
  t.throws(() => check(open(40), { root: session }), wrong)
  // x and y that belong to another row.
  t.throws(() => check(open(40, { x: rows[2]!.x, y: rows[2]!.y, upsilon: rows[2]!.upsilon })), wrong)
  // Session, s, rows, number, group, position: each byte of the head.
  for (let at = 1; at < 1 + 32 + 4 + 4 + 4 + 2 + 4; at++) t.throws(() => check(flip(open(42), at)), undefined, `byte ${at}`)
  // A node of the path.
  const opening = open(40)
  t.throws(() => check(flip(opening, opening.length - 1)), wrong)
})

test('integers beyond their range are refused before anything is computed', t => {
  const { x, y } = rows[0]!
  t.throws(() => check(open(40, { x: x.with(0, -(2 ** 15)) })), { message: /input 0 is beyond 16 bits/ })
  for (const value of [0.5, NaN, Infinity, -Infinity, -0, 2 ** 53])
    t.throws(() => check(open(40, { y: y.with(13, value) })), { message: /output 1 of layers.0.module_1/ })
})

test('lengths, groups, places and versions that cannot be are refused', t => {
  const opening = open(41)
  const at = (offset: number, bytes: readonly number[]) => () =>
    check(concat([opening.subarray(0, offset), Uint8Array.from(bytes), opening.subarray(offset + bytes.length)]))
  t.throws(at(0, [2]), { instanceOf: MalformedMessageError, message: /opening version 2/ })
  t.throws(at(41, [40, 1]), { instanceOf: InvalidProofError, message: /row 296 is not in the bundle's range/ })
  t.throws(at(41, [39]), { instanceOf: InvalidProofError, message: /row 39 is not in/ })
  t.throws(at(45, [2]), { instanceOf: InvalidProofError, message: /no group 2/ })
  t.throws(at(51, [34]), { instanceOf: InvalidProofError, message: /34 inputs; the group has 33/ })
  t.throws(at(55 + 66, [6]), { instanceOf: InvalidProofError, message: /6 outputs; the group has 5/ })
  t.throws(at(55 + 66 + 4 + 40, Array<number>(32).fill(255)), { instanceOf: MalformedMessageError, message: /scalar 0/ })
  t.throws(at(55 + 66 + 4 + 40 + 32, [4]), { instanceOf: InvalidProofError, message: /path has 4 nodes; .* has 3/ })
  t.throws(at(55 + 66 + 4 + 40 + 32, [2]), { instanceOf: InvalidProofError, message: /path has 2 nodes; .* has 3/ })
  t.throws(() => check(concat([opening, Uint8Array.of(0)])), { instanceOf: MalformedMessageError, message: /trailing/ })
})

test('an opening is checked against one verified bundle and its adapter’s manifest', t => {
  const wrong = (message: RegExp) => ({ instanceOf: InvalidProofError, message })
  const opening = open(42)
  t.throws(() => check(opening, { session: proof.root }), wrong(/another session/))
  t.throws(() => check(opening, { start: 39 }), wrong(/other rows/))
  t.throws(() => check(opening, { end: 44 }), wrong(/other rows/))
  const other = register('another opening', makeAdapter('opening'))
  t.throws(() => checkOpening({ kernel, manifest: other.manifest, proof, opening }), wrong(/not that of the proof's adapter/))
  // Over the same rows, under a root of its own.
  const rest = honestBundle(adapter, 'opening', { groups: [0, 1, 0, 0, 1], first: 40, publicAtStart, context: { started: 1n } })
  t.throws(
    () => check(openRow({ ...rest.rows[2]!, session, rows: rest.rows }), { root: merkleRoot(session, rest.rows.slice(1)) }),
    wrong(/not the one/)
  )
})

test('a row that is not in the bundle cannot be opened', t => {
  t.throws(() => openRow({ session, rows, ...rows[0]!, number: 45 }), {
    instanceOf: RangeError,
    message: /row 45 is not among rows 40 to 44/
  })
})
