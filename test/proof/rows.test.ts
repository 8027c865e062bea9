import test from 'ava'
import { concat, equal } from '../../src/bytes.js'
import { InvalidProofError, MalformedMessageError } from '../../src/errors.js'
import {
  checkInputs,
  checkOutputs,
  commitInputs,
  commitOutputs,
  sumCommitments,
  type CheckInputsInit,
  type CheckOutputsInit
} from '../../src/proof/index.js'
import { flip, hiddenRow, kernel, makeAdapter, makeRows, register, seeded } from './fixture.js'

const random = seeded('rows')
const { adapter, manifest } = register('rows', makeAdapter('rows'))
/** A batch as it comes: rows of several groups, also several of one group in one part. */
const rows = makeRows(adapter, [0, 0, 1, 0], random)
const [group0, group1] = [manifest.groups[0]!, manifest.groups[1]!]

const join = (parts: readonly Int16Array[]): Int16Array => Int16Array.from(parts.flatMap(part => [...part]))
const joinOutputs = (parts: readonly Float64Array[]): Float64Array => Float64Array.from(parts.flatMap(part => [...part]))

const inputs: CheckInputsInit = {
  ...{ kernel, random, firstRow: 7 },
  rows: [
    { group: group0, x: join([rows[0]!.x, rows[1]!.x]) },
    { group: group1, x: rows[2]!.x },
    { group: group0, x: rows[3]!.x }
  ],
  commitments: concat(rows.map(({ xCommitment }) => xCommitment))
}

/** CY = S − X. */
const cy = (row: (typeof rows)[number]): Uint8Array =>
  sumCommitments(kernel, row.s, kernel.encode(kernel.scale(kernel.scalarsOf(Int8Array.of(-1)), kernel.decode(row.xCommitment))))

const outputs: CheckOutputsInit = {
  ...{ kernel, random, firstRow: 7 },
  rows: [
    { group: group0, y: joinOutputs([rows[0]!.y, rows[1]!.y]), upsilon: concat([rows[0]!.upsilon, rows[1]!.upsilon]) },
    { group: group1, y: rows[2]!.y, upsilon: rows[2]!.upsilon },
    { group: group0, y: rows[3]!.y, upsilon: rows[3]!.upsilon }
  ],
  commitments: concat(rows.map(cy))
}

const opening = { instanceOf: InvalidProofError, message: /^opening: .* rows 7 to 10/ }

test('honest batches open, with rows of several groups', t => {
  t.notThrows(() => checkInputs(inputs))
  t.notThrows(() => checkOutputs(outputs))
})

test('a batch is committed to at once as row by row', t => {
  const together = commitInputs(kernel, group0, join([rows[0]!.x, rows[1]!.x]))
  t.deepEqual(together, concat([rows[0]!.xCommitment, rows[1]!.xCommitment]))
})

test('the same row committed to twice has two commitments and two blindings', t => {
  const h = hiddenRow(adapter.quantized.groups[0]!, rows[0]!.x)
  const both = commitOutputs({ kernel, adapter, group: 0, h: joinOutputs([h, h]), random })
  for (const field of ['cy', 'upsilon', 'eta'] as const) t.false(equal(both[field].subarray(0, 32), both[field].subarray(32)), field)
})

test('an input that is not the one committed to is refused', t => {
  const changed = inputs.rows.map((part, i) => (i === 1 ? { ...part, x: part.x.with(32, part.x[32]! ^ 1) } : part))
  t.throws(() => checkInputs({ ...inputs, rows: changed }), opening)
})

test('an output or a blinding that is not the one committed to is refused', t => {
  const change = (at: number, by: (part: CheckOutputsInit['rows'][number]) => Partial<CheckOutputsInit['rows'][number]>) => () =>
    checkOutputs({ ...outputs, rows: outputs.rows.map((part, i) => (i === at ? { ...part, ...by(part) } : part)) })
  t.throws(
    change(0, ({ y }) => ({ y: y.with(37, y[37]! + 1) })),
    opening
  )
  t.throws(
    change(2, ({ upsilon }) => ({ upsilon: flip(upsilon, 0) })),
    opening
  )
  t.throws(
    change(2, ({ upsilon }) => ({ upsilon: new Uint8Array(upsilon.length).fill(255) })),
    { instanceOf: MalformedMessageError }
  )
})

test('errors that cancel over a batch are refused: weights are drawn when it is there', t => {
  // y of rows 0 and 1 are off by +1 and −1 in one entry: their plain sum is right.
  const [first, ...rest] = outputs.rows
  const y = first!.y.slice()
  y[0]!++
  y[19]!--
  t.throws(() => checkOutputs({ ...outputs, rows: [{ ...first!, y }, ...rest] }), opening)
  // The same for x.
  const [firstInputs, ...otherInputs] = inputs.rows
  const x = firstInputs!.x.slice()
  x[0]!++
  x[20]!--
  t.throws(() => checkInputs({ ...inputs, rows: [{ ...firstInputs!, x }, ...otherInputs] }), opening)
})

test('commitments exchanged between two rows are refused', t => {
  const swapped = concat([cy(rows[1]!), cy(rows[0]!), cy(rows[2]!), cy(rows[3]!)])
  t.throws(() => checkOutputs({ ...outputs, commitments: swapped }), opening)
})

test('the identity is a zero row of the user, and never a commitment of the contributor', t => {
  const zero = new Uint8Array(32)
  const x = new Int16Array(20)
  t.deepEqual(commitInputs(kernel, group0, x), zero)
  t.notThrows(() => checkInputs({ ...inputs, rows: [{ group: group0, x }], commitments: zero }))
  t.throws(() => checkOutputs({ ...outputs, rows: [{ group: group0, y: new Float64Array(19), upsilon: zero }], commitments: zero }), {
    instanceOf: InvalidProofError,
    message: /opening: the output commitment of row 7 is the identity/
  })
})

test('commitments that are not canonical are refused with the range of rows', t => {
  const commitments = new Uint8Array(4 * 32).fill(255)
  const malformed = { instanceOf: MalformedMessageError, message: /commitments of rows 7 to 10/ }
  t.throws(() => checkInputs({ ...inputs, commitments }), malformed)
  t.throws(() => checkOutputs({ ...outputs, commitments }), malformed)
})

test("numbers of rows and commitments that differ are the caller's fault", t => {
  t.throws(() => checkInputs({ ...inputs, rows: inputs.rows.slice(0, 2) }), { instanceOf: RangeError, message: /4 commitments for 3 rows/ })
  t.throws(() => checkInputs({ ...inputs, commitments: new Uint8Array(33) }), { instanceOf: RangeError })
})
