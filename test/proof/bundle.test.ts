import test from 'ava'
import { equal, utf8 } from '../../src/bytes.js'
import { InvalidInputError, InvalidProofError, LimitExceededError, MalformedMessageError } from '../../src/errors.js'
import { FORMAT_LIMITS } from '../../src/limits.js'
import {
  decodeBundle,
  decodeProofFile,
  encodeProofFile,
  prove,
  verify,
  verifyBatch,
  verifyProofFile,
  type ProofFile
} from '../../src/proof/index.js'
import { halvings, pairRounds } from '../../src/proof/argument/layout.js'
import type { Proof } from '../../src/proof/bundle/layout.js'
import { finish } from '../../src/proof/bundle/prove.js'
import { flip, honestBundle, honestSession, kernel, makeAdapter, makeRow, makeTails, register, seeded, type Session } from './fixture.js'
import { ChangingTranscript } from '../attack/transcripts.js'
import { proveSteps } from './steps.js'

const random = seeded('verifier')
const { adapter, manifest } = register('bundle')
const whole = honestBundle(adapter, 'bundle')

test('an honest bundle is accepted and says what it covers', t => {
  const { bundle, digest, root, init } = whole
  const proof = verify({ kernel, manifest, bundle, random })
  t.deepEqual(proof.digest, digest)
  t.deepEqual(proof.root, root)
  t.deepEqual(proof.context, { ...init.context, delegation: undefined })
  t.deepEqual(proof.rowsPerGroup, [
    { group: 0, rows: 3 },
    { group: 1, rows: 2 }
  ])
  t.deepEqual([proof.userKey, proof.contributorKey, proof.owner], [init.context.userKey, init.context.contributorKey, manifest.owner])
  t.deepEqual(proof.userTail, init.userTail)
  t.true(proof.whole)
  t.is(proof.bundleBytes, bundle.length)
})

test('a session is whole only when both closed, no row is missing after the end, and it starts at row 0', t => {
  const facts = (tails: { closed?: boolean; rows?: number }, first = 0) => {
    const options = { groups: [0, 1], first, tails, ...(first > 0 ? { publicAtStart: new Uint8Array(32) } : {}) }
    const { complete, whole } = verify({ kernel, manifest, bundle: honestBundle(adapter, 'open', options).bundle, random })
    return { complete, whole }
  }
  t.deepEqual(facts({ closed: false }), { complete: false, whole: false })
  t.deepEqual(facts({ rows: 3 }), { complete: false, whole: false })
  t.deepEqual(facts({}, 1), { complete: true, whole: false })
})

test('a proof is made anew each time: no message comes twice', t => {
  const again = prove(whole.init)
  t.deepEqual(again.root, whole.root)
  const [a, b] = [decodeBundle(again.bundle, manifest), decodeBundle(whole.bundle, manifest)]
  t.false(equal(a.proof.hidden.w, b.proof.hidden.w))
  t.false(equal(a.proof.maskPoints.dx, b.proof.maskPoints.dx))
})

test('many bundles of several adapters are accepted in one batch', t => {
  const other = register('other')
  const items = [
    { manifest, bundle: whole.bundle },
    { manifest: other.manifest, bundle: honestBundle(other.adapter, 'one', { groups: [1] }).bundle },
    { manifest, bundle: honestBundle(adapter, 'two', { groups: [1, 1, 0] }).bundle }
  ]
  const roots = verifyBatch({ kernel, items, random }).map(result => (result instanceof Error ? result.message : result.root))
  t.deepEqual(
    roots,
    items.map(item => verify({ kernel, random, ...item }).root)
  )
  t.deepEqual(verifyBatch({ kernel, items: [], random }), [])
})

/** Of a prover that sends z_ν plus one, which only equation 3 knows. */
function forged(init: Session): Uint8Array {
  const more = (scalar: Uint8Array): Uint8Array => kernel.addScalars(scalar, kernel.scalarsOf(Int8Array.of(1)))
  const transcript = new ChangingTranscript({ 'z-nu': more })
  const proof = (made: Proof): Proof => ({ ...made, answers: { ...made.answers, zNu: more(made.answers.zNu) } })
  return proveSteps(init, { transcript, proof }).bundle
}

test('bad bundles among others are found, and the others pass', t => {
  const bundles = [whole.bundle, forged(whole.init), honestBundle(adapter, 'batch', { groups: [1] }).bundle, new Uint8Array(3)]
  const results = verifyBatch({ kernel, items: bundles.map(bundle => ({ manifest, bundle })), random })
  t.deepEqual(
    results.map(result => (result instanceof Error ? result.name : 'valid')),
    ['valid', 'InvalidProofError', 'valid', 'MalformedMessageError']
  )
  t.like(results[1], { step: 'equations' })
})

test('a fault of our own is no verdict', t => {
  const broken = {
    ...kernel,
    decode: () => {
      throw new RangeError('out of memory')
    }
  }
  t.throws(() => verifyBatch({ kernel: broken, items: [{ manifest, bundle: whole.bundle }], random }), { instanceOf: RangeError })
})

test('a prover refuses rows, context and tails that do not belong together', t => {
  const session = honestSession(adapter, 'refused', { groups: [0, 1] })
  const refuses = (change: Partial<Session>, message: RegExp) =>
    t.throws(() => prove({ ...session, ...change }), { instanceOf: InvalidInputError, message })
  refuses({ rows: [] }, /no rows/)
  refuses({ rows: [session.rows[0]!, session.rows[0]!] }, /row 0 stands where row 1/)
  refuses({ context: { ...session.context, groups: [1] } }, /group 0, which the context does not name/)
  refuses({ rows: session.rows.map(row => ({ ...row, x: row.x.subarray(1) })) }, /row 0 has 19 inputs; its group has 20/)
  refuses({ rows: session.rows.slice(1) }, /public hash before row 1/)
  refuses({ rows: session.rows.slice(0, 1) }, /accepts 2 rows/)
  refuses({ context: { ...session.context, started: 1n } }, /public hash is not/)
  t.throws(() => prove({ ...session, rows: Array(FORMAT_LIMITS.bundleRows + 1).fill(session.rows[0]) }), { instanceOf: LimitExceededError })
})

test('a bundle of more than 4 MiB is refused with what to do', t => {
  const { statement, proof } = proveSteps(whole.init)
  const z = new Uint8Array(FORMAT_LIMITS.bundleBytes)
  t.throws(() => finish(statement, { ...proof, answers: { ...proof.answers, z } }), {
    instanceOf: LimitExceededError,
    message: /prove fewer rows/
  })
})

test('the steps that attacks and vectors run are those of the prover', t => {
  const fixed = () => ({ ...whole.init, random: seeded('masks') })
  t.deepEqual(proveSteps(fixed()).bundle, prove(fixed()).bundle)
})

test('rows of which the inputs are wider than their number, and fewer, are folded to the same', t => {
  // 12 rows of width 9: the generators are fewer than the commitments.
  const narrow = register('narrow', makeAdapter('narrow', [{ dIn: 9, modules: [{ dOut: 4, rank: 2 }] }]))
  const { bundle } = honestBundle(narrow.adapter, 'narrow', { groups: Array<number>(12).fill(0) })
  t.notThrows(() => verify({ kernel, manifest: narrow.manifest, bundle, random }))
})

test('zero rows are proved like others', t => {
  const x = new Int16Array(adapter.quantized.groups[1]!.dIn)
  const row = makeRow(adapter, { number: 0, group: 1, position: 0, x, random })
  t.deepEqual(row.xCommitment, new Uint8Array(32))
  const session = { ...whole.init, rows: [row], ...makeTails(whole.init.context, [row]) }
  t.notThrows(() => verify({ kernel, manifest, bundle: prove(session).bundle, random }))
})

test('a bundle has the length that the page says', t => {
  // 6 groups of 768 × 16: R = 96, d = 768.
  t.is(pairRounds(6), 3)
  const { odd, last } = halvings(768)
  t.deepEqual([odd, last], [Array<boolean>(7).fill(false), 6])
  const parts = 1 + 6 + 1 + 3 + (96 + 3) + 2 * 3 + 4 + 4 + 6 * odd.length + 2 * last
  t.is(32 * parts, 5696)
})

test('bundles beyond the limits are refused before anything is read', t => {
  t.throws(() => decodeBundle(new Uint8Array(FORMAT_LIMITS.bundleBytes + 1), manifest), { instanceOf: LimitExceededError })
  const context = 1 + 1 + 6 * 32 + 8 + 2 + 4 + 2 + 2 * 2 + 1
  const withRange = (start: number, end: number): (() => unknown) => {
    const bytes = whole.bundle.slice()
    const view = new DataView(bytes.buffer)
    view.setUint32(context, start, true)
    view.setUint32(context + 4, end, true)
    return () => decodeBundle(bytes, manifest)
  }
  t.throws(withRange(0, FORMAT_LIMITS.bundleRows + 1), { instanceOf: LimitExceededError, message: /rows of a bundle/ })
  t.throws(withRange(900, 1001), { instanceOf: LimitExceededError, message: /rows of the session/ })
  t.throws(withRange(5, 5), { instanceOf: MalformedMessageError, message: /rows 5 to 5/ })
  t.throws(withRange(0, 900), { instanceOf: MalformedMessageError, message: /bytes left for 900 rows/ })
})

const [first, second] = [whole.init.rows.slice(0, 3), whole.init.rows.slice(3)]
const firstTails = makeTails(whole.init.context, first, { change: { closed: false, rows: 5 } })
const firstPart = prove({ ...whole.init, rows: first, ...firstTails })
const secondInit = { ...whole.init, rows: second, publicAtStart: firstTails.userTail.publicHash }
const secondPart = prove(secondInit)
const fileOf = (...bundles: Uint8Array[]): Uint8Array => encodeProofFile({ manifest: manifest.bytes, bundles })

test('a proof file is verified from its bytes alone', t => {
  const { proofs, whole: all, manifest: shown } = verifyProofFile({ kernel, file: fileOf(firstPart.bundle, secondPart.bundle), random })
  t.deepEqual(
    proofs.map(({ start, end }) => [start, end]),
    [
      [0, 3],
      [3, 5]
    ]
  )
  t.true(all)
  t.deepEqual(shown.id, manifest.id)
  t.false(verifyProofFile({ kernel, file: fileOf(firstPart.bundle), random }).whole)
  t.false(verifyProofFile({ kernel, file: fileOf(secondPart.bundle), random }).whole)
})

test('bundles of a file must follow one another', t => {
  const refuses = (message: RegExp, ...bundles: Uint8Array[]) =>
    t.throws(() => verifyProofFile({ kernel, file: fileOf(...bundles), random }), { instanceOf: InvalidProofError, message })
  refuses(/chain: a bundle starts at row 0/, secondPart.bundle, firstPart.bundle)
  refuses(/chain: a bundle starts at row 0/, firstPart.bundle, firstPart.bundle)
  const { context } = honestSession(adapter, 'else', { context: { started: 1n } })
  refuses(
    /chain: the bundles are of two sessions/,
    firstPart.bundle,
    prove({ ...whole.init, context, ...makeTails(context, whole.rows) }).bundle
  )
  // Signed by both sides, with another hash before its first row.
  const publicAtStart = new Uint8Array(32)
  const tails = makeTails(whole.init.context, second, { publicAtStart })
  refuses(
    /chain: the running hash breaks at row 3/,
    firstPart.bundle,
    prove({ ...whole.init, rows: second, publicAtStart, ...tails }).bundle
  )
  // The chain comes before signatures and proofs.
  refuses(/chain: the bundles are of two sessions/, firstPart.bundle, flip(secondPart.bundle, 20))
  refuses(/inner product/, firstPart.bundle, flip(secondPart.bundle, secondPart.bundle.length - 1))
  refuses(/equations/, firstPart.bundle, forged(secondInit))
})

test('what a side says in a later bundle does not take back what it said before', t => {
  const part = (change: { closed: boolean; rows: number }, role?: 'userTail' | 'contributorTail') => {
    const tails = makeTails(whole.init.context, first, { change })
    return prove({ ...whole.init, rows: first, ...firstTails, ...(role === undefined ? tails : { [role]: tails[role] }) }).bundle
  }
  const outcome = (bundle: Uint8Array) => () => verifyProofFile({ kernel, file: fileOf(bundle, secondPart.bundle), random })
  const chain = (message: RegExp) => ({ instanceOf: InvalidProofError, message })
  t.notThrows(outcome(part({ closed: false, rows: 5 })))
  t.throws(outcome(part({ closed: true, rows: 5 }, 'userTail')), chain(/chain: the user closed the session at row 3/))
  t.throws(outcome(part({ closed: true, rows: 5 }, 'contributorTail')), chain(/chain: the contributor closed/))
  t.throws(outcome(part({ closed: false, rows: 6 }, 'userTail')), chain(/chain: the user counts 5 rows in a later bundle, 6/))
  t.throws(outcome(part({ closed: false, rows: 6 }, 'contributorTail')), chain(/chain: the contributor counts 5/))
})

test('a proof file beyond its bound is neither written nor read', t => {
  const much = new Uint8Array(FORMAT_LIMITS.proofFileBytes + 1)
  t.throws(() => decodeProofFile(much), { instanceOf: LimitExceededError, message: /bytes of a proof file/ })
  t.throws(() => fileOf(much), { instanceOf: LimitExceededError, message: /bytes of a proof file/ })
})

test('a proof file that is none, or goes on, is refused', t => {
  const file = fileOf(firstPart.bundle)
  const refuses = (bytes: Uint8Array, message: RegExp) =>
    t.throws(() => decodeProofFile(bytes), { instanceOf: MalformedMessageError, message })
  refuses(flip(file, 0), /not a zklora proof file/)
  refuses(flip(file, 12), /version 0 is not known/)
  refuses(Uint8Array.from([...file, 0]), /trailing/)
  refuses(file.subarray(0, file.length - 1), /ends at byte/)
  refuses(fileOf(), /no bundle/)
  const decoded: ProofFile = decodeProofFile(file)
  t.deepEqual(decoded.bundles, [firstPart.bundle])
  const long = file.slice()
  long.set([255, 255, 255, 255], utf8('zklora-proof').length + 1)
  t.throws(() => decodeProofFile(long), { instanceOf: LimitExceededError })
})
