import test from 'ava'
import { commitActivations, verifyCommitment } from '../../src/index.js'
import { flip, kernel, seeded } from '../proof/fixture.js'

const dIn = 7
const rows = Float32Array.from({ length: 3 * dIn }, (_, i) => Math.sin(i))
/** ℓ, the order of the group: the first value that is no canonical scalar. */
const ORDER = Uint8Array.from([
  0xed,
  0xd3,
  0xf5,
  0x5c,
  0x1a,
  0x63,
  0x12,
  0x58,
  0xd6,
  0x9c,
  0xf7,
  0xa2,
  0xde,
  0xf9,
  0xde,
  0x14,
  ...new Uint8Array(15),
  0x10
])

test('a commitment to activations is of these rows and of no others', t => {
  const { commitment, opening } = commitActivations(rows, { dIn })
  t.deepEqual([opening.count, commitment.points.length], [3, 96])
  t.notThrows(() => verifyCommitment(commitment, opening))
  const x = opening.x.slice()
  x[dIn]! += 1
  t.throws(() => verifyCommitment(commitment, { ...opening, x }), { name: 'InvalidProofError', message: /not of these activations/ })
  t.throws(() => verifyCommitment(commitment, { ...opening, blindings: flip(opening.blindings, 32) }), { name: 'InvalidProofError' })
  t.throws(() => verifyCommitment({ ...commitment, points: flip(commitment.points, 40) }, opening), { name: 'InvalidProofError' })
})

test('a commitment hides: the same rows twice are committed to differently', t => {
  const [one, two] = [commitActivations(rows, { dIn }), commitActivations(rows, { dIn })]
  t.deepEqual(one.opening.x, two.opening.x)
  t.notDeepEqual(one.commitment.points, two.commitment.points)
  // And the same blindings give the same, with whichever kernel.
  const random = (): ReturnType<typeof seeded> => seeded('commitment')
  const given = { dIn, activationBits: 8, kernel }
  t.deepEqual(commitActivations(rows, { ...given, random: random() }), commitActivations(rows, { ...given, random: random() }))
})

test('an opening of other lengths, and blindings that are not canonical, are malformed', t => {
  const { commitment, opening } = commitActivations(rows, { dIn })
  const refused = { name: 'MalformedMessageError' }
  t.throws(() => verifyCommitment(commitment, { ...opening, x: opening.x.subarray(1) }), { ...refused, message: /20 integers/ })
  t.throws(() => verifyCommitment(commitment, { ...opening, blindings: opening.blindings.subarray(1) }), refused)
  t.throws(() => verifyCommitment({ ...commitment, points: commitment.points.subarray(1) }, opening), refused)
  const blindings = opening.blindings.slice()
  blindings.set(ORDER)
  t.throws(() => verifyCommitment(commitment, { ...opening, blindings }), refused)
  t.throws(() => commitActivations(Float32Array.of(NaN), { dIn: 1 }), { name: 'InvalidInputError' })
})
