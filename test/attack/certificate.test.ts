/** Weights outside their range and other lies of an owner, who runs the real certificate prover with one deviation. */
import test from 'ava'
import { concat } from '../../src/bytes.js'
import { decodeManifest, type Manifest, verifyManifest } from '../../src/proof/index.js'
import { encodeManifest } from '../../src/proof/adapter/encode.js'
import type { LookupChallenges } from '../../src/proof/certificate/challenges.js'
import { ONE, slice } from '../../src/proof/scalars.js'
import type { KnownAtInverses } from '../proof/certificate-steps.js'
import { kernel, makeAdapter, register, seeded } from '../proof/fixture.js'
import { forged, integer, owner, verdictOf, weakVerdict, weightAt, WIDTHS, type Lie, type Place } from './certificates.js'
import { addAt } from './forge.js'

const { dIn, dOut, weightBits } = WIDTHS
const MOST = 2 ** (weightBits - 1) - 1
const minus = (a: Uint8Array, b: Uint8Array): Uint8Array => kernel.addScalars(a, kernel.negateScalars(b))
const over = (a: Uint8Array, b: Uint8Array): Uint8Array => kernel.mulScalars(a, kernel.invertScalars(b))
/** Of a table value, and of the entry behind them all. */
const entryOf = (value: number): number => value + MOST

test('the honest owner’s manifest is accepted', t => {
  t.is(verdictOf(forged()), 'accepted')
})

const PLACES: readonly Place[] = [
  [0, 0, 0],
  [0, 1, dIn - 1],
  [1, 0, 0],
  [1, 1, dOut - 1]
]
const half = kernel.invertScalars(integer(2))
const OUTSIDE: Readonly<Record<string, Uint8Array>> = {
  'just above its range': integer(MOST + 1),
  'just below its range': integer(-MOST - 1),
  'huge modulo ℓ: ½': half,
  'huge modulo ℓ: −½': kernel.negateScalars(half),
  'of 2^52': integer(2 ** 52)
}
for (const [name, scalar] of Object.entries(OUTSIDE)) {
  test(`one weight ${name} is refused, wherever it stands and whatever is counted for it`, t => {
    for (const place of PLACES) {
      // What the liar counts in M for it: what was there before, nothing, the nearest value, or the entry without a value.
      const counted: Lie['mu'][] = [
        undefined,
        mu => addAt(mu, entryOf(weightAt(place)), integer(-1)),
        mu => addAt(addAt(mu, entryOf(weightAt(place)), integer(-1)), entryOf(MOST), ONE),
        mu => addAt(addAt(mu, entryOf(weightAt(place)), integer(-1)), entryOf(MOST + 1), ONE)
      ]
      for (const mu of counted) {
        t.is(verdictOf(forged({ weights: [[place, scalar]], ...(mu !== undefined && { mu }) })), 'certificate')
      }
      // As if its partner were that of a table value.
      const inverses = (family: 0 | 1, k: number, { honest, chi }: KnownAtInverses): Uint8Array => {
        const row = honest(family, k).slice()
        if (family === place[0] && k === place[1])
          row.set(kernel.invertScalars(kernel.addScalars(chi, integer(weightAt(place)))), 32 * place[2])
        return row
      }
      t.is(verdictOf(forged({ weights: [[place, scalar]], inverses })), 'certificate')
    }
  })
}

test('multiplicities that are not those of the weights are refused: more, fewer, negative, huge', t => {
  const at = entryOf(3)
  for (const change of [integer(1), integer(-1), integer(-1000), half, integer(2 ** 52)]) {
    t.is(verdictOf(forged({ mu: mu => addAt(mu, at, change) })), 'certificate')
    // With the sum of all multiplicities as it was.
    t.is(verdictOf(forged({ mu: mu => addAt(addAt(mu, at, change), entryOf(-2), kernel.negateScalars(change)) })), 'certificate')
  }
})

test('what is counted in the entry without a value changes nothing that is claimed', t => {
  t.is(verdictOf(forged({ mu: mu => addAt(mu, entryOf(MOST + 1), half) })), 'accepted')
})

/**
 * Inverses by which a weight outside the table passes for `before`, at the cost of another place: both errors cancel in the sum of the
 * two products, and the sum of the inverses is that of two table values.
 */
function cancelling(bad: Place, scalar: Uint8Array, other: Place): Lie {
  const inverses = (family: 0 | 1, k: number, { chi, honest }: KnownAtInverses): Uint8Array => {
    const row = honest(family, k).slice()
    const [sumBad, sumOther] = [kernel.addScalars(chi, scalar), kernel.addScalars(chi, integer(weightAt(other)))]
    const total = kernel.addScalars(kernel.invertScalars(kernel.addScalars(chi, integer(weightAt(bad)))), kernel.invertScalars(sumOther))
    // f (χ + w) + f' (χ + w') = 2 with f + f' = total
    const f = over(minus(integer(2), kernel.mulScalars(total, sumOther)), minus(sumBad, sumOther))
    for (const [[of, at, i], value] of [
      [bad, f],
      [other, minus(total, f)]
    ] as const) {
      if (of === family && at === k) row.set(value, 32 * i)
    }
    return row
  }
  return { weights: [[bad, scalar]], inverses }
}

interface Cancellation {
  /** The challenge that keeps the two places apart. */
  readonly rule: keyof LookupChallenges
  readonly bad: Place
  readonly other: Place
}

const CANCELLATIONS: Readonly<Record<string, Cancellation>> = {
  'in the sums over rows of a family: σ': { rule: 'sigma', bad: [0, 0, 4], other: [0, 1, 4] },
  'in the sums over rows of both families: σ': { rule: 'sigma', bad: [1, 1, 2], other: [0, 0, 2] },
  'in the sum over a row: τ': { rule: 'tau', bad: [1, 0, 2], other: [1, 0, 7] }
}
for (const [name, { rule, bad, other }] of Object.entries(CANCELLATIONS)) {
  test(`errors that cancel ${name} are refused, and pass where its powers are left out`, t => {
    t.not(weightAt(bad), weightAt(other))
    const lie = cancelling(bad, integer(1000), other)
    t.is(verdictOf(forged(lie)), 'certificate')
    const change = { [rule]: ONE }
    const without = (more: Lie): Manifest => forged({ ...more, challenges: drawn => ({ ...drawn, ...change }) })
    t.is(weakVerdict(without({}), change), 'accepted')
    t.is(weakVerdict(without(lie), change), 'accepted')
    // Without errors that cancel, the weak verifier still refuses.
    t.is(weakVerdict(without({ weights: lie.weights! }), change), 'certificate')
  })
}

test('multiplicities that are chosen when χ is known let any weight pass: M comes first', t => {
  const chi = integer(123_456_789)
  const place: Place = [1, 0, 3]
  const lie = (known: Uint8Array): Lie => ({
    weights: [[place, integer(1000)]],
    mu: mu => {
      const missing = minus(
        kernel.invertScalars(kernel.addScalars(known, integer(1000))),
        kernel.invertScalars(kernel.addScalars(known, integer(weightAt(place))))
      )
      return addAt(mu, entryOf(0), kernel.mulScalars(missing, known))
    }
  })
  t.is(weakVerdict(forged({ ...lie(chi), chi }), { chi }), 'accepted')
  t.is(verdictOf(forged({ ...lie(chi), chi })), 'certificate')
  t.is(verdictOf(forged(lie(chi))), 'certificate')
})

test('a χ that is the negative of a table value is refused', t => {
  for (const value of [-MOST, 0, MOST]) t.is(weakVerdict(forged(), { chi: integer(value) }), 'certificate')
})

test('rows in another order than their certificate’s are refused', t => {
  const swapped = (points: Uint8Array): Uint8Array => concat([slice(points, 1, 2), slice(points, 0, 1), slice(points, 2)])
  t.is(verdictOf(forged({ certificate: made => ({ ...made, cf: swapped(made.cf) }) })), 'certificate')
  const { manifest } = owner
  const body = manifest.bytes.subarray(0, manifest.bytes.length - manifest.certificates.length)
  const at = body.length - 1 - 4 * 32
  const moved = concat([body.subarray(0, at), swapped(body.subarray(at, -1)), body.subarray(-1), manifest.certificates])
  t.is(verdictOf(decodeManifest(moved)), 'certificate')
})

test('a row that is longer than its width is refused, with a certificate over generators that hide it', t => {
  for (const [family, name, width] of [
    [0, 'G', dIn],
    [1, 'K', dOut]
  ] as const) {
    const generators = kernel.generators(name, 0, width)
    const last = kernel.add(kernel.slice(generators, width - 1, width), kernel.generators(name, width, 1))
    const longer = kernel.concat([kernel.slice(generators, 0, width - 1), last])
    const lie: Lie = { families: both => [0, 1].map(of => (of === family ? { ...both[of]!, generators: longer } : both[of]!)) as never }
    t.is(verdictOf(forged(lie)), 'certificate')
  }
})

const TWO = [
  { dIn, modules: [{ dOut, rank: 2 }] },
  { dIn, modules: [{ dOut, rank: 2 }] }
]
const two = register('two modules', makeAdapter('two modules', TWO, weightBits)).adapter.manifest

/** The manifest's body with other certificates. */
function withCertificates({ bytes, certificates }: Manifest, others: Uint8Array): Uint8Array {
  return encodeManifest(bytes.subarray(4, bytes.length - certificates.length - 1), others)
}

test('certificates of another adapter, or of another module, are refused', t => {
  const other = register('another', makeAdapter('certificate attack', TWO.slice(0, 1), weightBits)).adapter.manifest
  t.is(verdictOf(decodeManifest(withCertificates(owner.manifest, other.certificates))), 'certificate')
  const length = two.certificates.length / 2
  const [first, second] = [two.certificates.subarray(0, length), two.certificates.subarray(length)]
  t.is(verdictOf(two), 'accepted')
  t.is(verdictOf(decodeManifest(withCertificates(two, concat([second, first])))), 'certificate')
  t.is(verdictOf(decodeManifest(withCertificates(two, concat([first, first])))), 'certificate')
})

test('a certificate more or fewer than there are modules, or a part of one left out, is malformed', t => {
  const { certificates } = two
  const length = certificates.length / 2
  const read = (others: Uint8Array) => () => decodeManifest(withCertificates(two, others))
  for (const others of [
    certificates.subarray(length),
    concat([certificates, certificates.subarray(length)]),
    new Uint8Array(),
    certificates.subarray(0, certificates.length - 32),
    // Without the opening of the table.
    certificates.subarray(0, certificates.length - 32 * 17)
  ]) {
    t.throws(read(others), { name: 'MalformedMessageError' })
  }
})

test('openings of other points than the manifest’s are refused', t => {
  // The certificate is over commitments with other blindings; the manifest's are those of the same weights.
  for (const family of [0, 1] as const) {
    const lie: Lie = {
      list: (of, list) => (of === family ? { ...list, alpha: addAt(list.alpha, 1, ONE) } : list)
    }
    t.is(verdictOf(forged(lie)), 'certificate')
  }
  const points = ['m', 'va', 'vb'] as const
  for (const name of points) t.is(verdictOf(forged({ certificate: made => ({ ...made, [name]: made.table.dx }) })), 'certificate')
})

test('each of the three products in clear is checked: a cross term that is off by one, and absorbed so, is refused', t => {
  // One halving each, in this order; nothing else depends on c1 than the product.
  for (const [place, name] of (['familyA', 'familyB', 'table'] as const).entries()) {
    let seen = 0
    const lie: Lie = {
      listen: transcript => {
        const append = transcript.append.bind(transcript)
        transcript.append = (label, item) => append(label, label === 'c1' && seen++ === place ? addAt(item, 0, ONE) : item)
      },
      certificate: made => {
        const rounds = made[name].rounds.map(round => ({ ...round, c1: addAt(round.c1, 0, ONE) }))
        return { ...made, [name]: { ...made[name], rounds } }
      }
    }
    const manifest = forged(lie)
    t.is(seen, 3)
    t.throws(() => verifyManifest({ kernel, manifest, random: seeded('products') }), { message: /do(es)? not give the product/ }, name)
  }
})
