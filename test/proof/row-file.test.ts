/** A row shown to somebody: its file verifies with nothing else, and nothing in it can be exchanged. */
import test from 'ava'
import { concat, prefixed, u8, utf8 } from '../../src/bytes.js'
import { MalformedMessageError } from '../../src/errors.js'
import { decodeRowFile, encodeProofFile, encodeRowFile, isRowFile, openRow, prove, sessionId } from '../../src/proof/index.js'
import { verifyFile } from '../../src/browser/verify-file.js'
import { flip, honestSession, kernel, makeAdapter, makeTails, register, seeded } from './fixture.js'

const { adapter } = register('row file', makeAdapter('row file'))
const whole = honestSession(adapter, 'row file', { groups: [0, 1, 0, 0, 1] })
const session = sessionId(whole.context)
const fileOf = (...bundles: Uint8Array[]): Uint8Array => encodeProofFile({ manifest: adapter.manifest.bytes, bundles })
const proofFile = fileOf(prove(whole).bundle)
const open = (number: number, change: object = {}): Uint8Array => openRow({ session, rows: whole.rows, ...whole.rows[number]!, ...change })
const made = (opening: Uint8Array, proof = proofFile): Uint8Array => encodeRowFile({ opening, proofFile: proof })
const report = (bytes: Uint8Array) => verifyFile('row', bytes, { kernel, random: seeded('row file') })

test('a row file shows its row, and the session that it is of', t => {
  for (const { number, group, position, x, y } of whole.rows) {
    const { verdict, row, whole: complete, ranges } = report(made(open(number)))
    t.is(verdict, 'valid')
    t.true(complete)
    t.is(ranges.length, 1)
    t.like(row, { number, group, position, x: [...x], y: [...y] })
    t.is(
      row!.modules.reduce((sum, { dOut }) => sum + dOut, 0),
      y.length
    )
  }
  t.is(report(proofFile).row, null)
})

test('what is not the row of the session is refused, and its proof with it', t => {
  const [a, b] = [whole.rows[0]!, whole.rows[2]!]
  const refused = (bytes: Uint8Array, error: RegExp): void => {
    const { verdict, row, error: said, ranges } = report(bytes)
    t.is(verdict, 'invalid', said ?? undefined)
    t.regex(said!, error)
    t.is(row, null)
    t.deepEqual(ranges, [])
  }
  const wrong = /^opening: row \d is not the one in the bundle/
  refused(made(open(0, { x: a.x.with(0, a.x[0]! ^ 1) })), wrong)
  refused(made(open(0, { y: a.y.with(0, a.y[0]! + 1) })), wrong)
  refused(made(open(0, { upsilon: b.upsilon })), wrong)
  // Another row in its place: its number, its content.
  refused(made(open(0, { number: 2 })), wrong)
  refused(made(open(2, { x: a.x, y: a.y, upsilon: a.upsilon })), wrong)
  // Another length, another range.
  refused(made(openRow({ session, rows: whole.rows.slice(0, 4), ...a })), /of other rows than the bundle has/)
  refused(made(open(0, { x: a.x.with(0, -(2 ** 15)) })), /beyond 16 bits/)
  // A node of the path.
  const opening = open(1)
  refused(made(flip(opening, opening.length - 1)), wrong)
  // Another session of the same two, with the same rows.
  const other = honestSession(adapter, 'row file', { groups: [0, 1, 0, 0, 1], context: { started: 1n } })
  refused(made(opening, fileOf(prove(other).bundle)), /it is of another session/)
  // Another adapter's proof.
  const twin = register('row file twin', makeAdapter('row file'))
  const twins = honestSession(twin.adapter, 'row file', { groups: [0, 1, 0, 0, 1] })
  refused(
    made(opening, encodeProofFile({ manifest: twin.adapter.manifest.bytes, bundles: [prove(twins).bundle] })),
    /it is of another session/
  )
  // The proof itself is wrong.
  refused(made(opening, flip(proofFile, proofFile.length - 1)), /inner product|equations/)
})

test('of a file with several bundles the row is of the one that it names', t => {
  const [first, second] = [whole.rows.slice(0, 2), whole.rows.slice(2)]
  const open_ = { closed: false, rows: 2 }
  const one = { ...whole, rows: first, ...makeTails(whole.context, first, { change: open_ }) }
  const bundle = prove(one).bundle
  // The first part alone: its rows open, those after it do not.
  const shown = (rows: typeof first, number: number): Uint8Array => made(openRow({ session, rows, ...whole.rows[number]! }), fileOf(bundle))
  t.like(report(shown(first, 1)), { verdict: 'valid', whole: false, row: { number: 1 } } as never)
  t.regex(report(shown(second, 3)).error!, /opening: the file has no bundle from row 2 on/)
})

test('a row file that is none, goes on, or is cut is refused', t => {
  const file = made(open(1))
  t.true(isRowFile(file))
  t.false(isRowFile(proofFile))
  t.deepEqual(decodeRowFile(file).opening, open(1))
  const refuses = (bytes: Uint8Array, message: RegExp): void => {
    t.throws(() => decodeRowFile(bytes), { instanceOf: MalformedMessageError, message })
    t.is(report(bytes).verdict, 'unchecked')
  }
  refuses(flip(file, 0), /not a zklora row file/)
  refuses(flip(file, 10), /row file version 0 is not known/)
  refuses(concat([file, u8(0)]), /trailing/)
  refuses(file.subarray(0, file.length - 1), /ends at byte/)
  refuses(concat([utf8('zklora-row'), u8(1), Uint8Array.of(255, 255, 255, 255), proofFile]), /ends at byte/)
  refuses(concat([utf8('zklora-row'), u8(1), prefixed(open(1)), file]), /not a zklora proof file/)
  // An opening that is too short to say where it starts.
  const short = report(made(new Uint8Array(5)))
  t.is(short.verdict, 'invalid')
  t.regex(short.error!, /the opening ends at byte/)
  t.throws(() => decodeRowFile(made(open(1), new Uint8Array(3))), { instanceOf: MalformedMessageError })
})
