/** The real prover with one message changed: what it sends is what is absorbed, so only the equations can tell. */
import test from 'ava'
import type { Proof } from '../../src/proof/bundle/layout.js'
import { honestSession, kernel, makeAdapter, register, SHAPES } from '../proof/fixture.js'
import { proveSteps } from '../proof/steps.js'
import { verdict, weakenedVerdict } from './claims.js'
import { addAt, combine } from './forge.js'
import { ChangingTranscript } from './transcripts.js'

const { adapter, manifest } = register('messages', makeAdapter('messages', SHAPES))
const session = honestSession(adapter, 'messages', { groups: [0, 1] })
const one = kernel.scalarsOf(Int8Array.of(1))
const minusOne = kernel.scalarsOf(Int8Array.of(-1))

const point = (bytes: Uint8Array): Uint8Array => combine(bytes.subarray(0, 32), [kernel.generators('H', 0, 1), 1])
const firstPoint = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...point(bytes), ...bytes.subarray(32)])
const scalar = (bytes: Uint8Array): Uint8Array => addAt(bytes, 0, one)

/** A proof with the same change at the place of a label. */
type Place = [change: (bytes: Uint8Array) => Uint8Array, write: (proof: Proof, change: (bytes: Uint8Array) => Uint8Array) => Proof]

const first = (field: 'ew' | 'ed' | 'ev'): Place => [point, (p, f) => ({ ...p, first: { ...p.first, [field]: f(p.first[field]) } })]
const answer = (field: keyof Proof['answers']): Place => [
  scalar,
  (p, f) => ({ ...p, answers: { ...p.answers, [field]: f(p.answers[field]) } })
]
const pairRound = (field: 'tl' | 'tr'): Place => [
  point,
  (p, f) => ({ ...p, pairs: p.pairs.map(round => ({ ...round, [field]: f(round[field]) })) })
]
const maskPoint = (field: keyof Proof['maskPoints']): Place => [
  point,
  (p, f) => ({ ...p, maskPoints: { ...p.maskPoints, [field]: f(p.maskPoints[field]) } })
]
const maskAnswer = (field: keyof Proof['maskAnswers']): Place => [
  scalar,
  (p, f) => ({ ...p, maskAnswers: { ...p.maskAnswers, [field]: f(p.maskAnswers[field]) } })
]
const halving = (field: 'a1' | 'a2' | 'a3' | 'a4' | 'c1' | 'c2'): Place => [
  field.startsWith('a') ? point : scalar,
  (p, f) => ({ ...p, rounds: p.rounds.map(round => ({ ...round, [field]: f(round[field]) })) })
]
const odd = (field: 'x' | 'a'): Place => [
  scalar,
  (p, f) => ({
    ...p,
    rounds: p.rounds.map(round => (round.odd === undefined ? round : { ...round, odd: { ...round.odd, [field]: f(round.odd[field]) } }))
  })
]

/** Every message by its label in the transcript. */
const PLACES: Readonly<Record<string, Place>> = {
  W: [point, (p, f) => ({ ...p, hidden: { ...p.hidden, w: f(p.hidden.w) } })],
  P: [firstPoint, (p, f) => ({ ...p, hidden: { ...p.hidden, p: f(p.hidden.p) } })],
  V: [point, (p, f) => ({ ...p, value: f(p.value) })],
  EW: first('ew'),
  ED: first('ed'),
  EV: first('ev'),
  z: answer('z'),
  'z-omega': answer('zOmega'),
  'z-sigma': answer('zSigma'),
  'z-nu': answer('zNu'),
  TL: pairRound('tl'),
  TR: pairRound('tr'),
  DX: maskPoint('dx'),
  DA: maskPoint('da'),
  T0: maskPoint('t0'),
  T1: maskPoint('t1'),
  'zeta-x': maskAnswer('zetaX'),
  'zeta-a': maskAnswer('zetaA'),
  'zeta-v': maskAnswer('zetaV'),
  tau: maskAnswer('tau'),
  'odd-x': odd('x'),
  'odd-a': odd('a'),
  A1: halving('a1'),
  A2: halving('a2'),
  A3: halving('a3'),
  A4: halving('a4'),
  c1: halving('c1'),
  c2: halving('c2')
}

/** Those that enter equation 7, which is checked first. */
const INNER = new Set(['tau', 'odd-x', 'odd-a', 'c1', 'c2'])

function changed(labels: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>>): Uint8Array {
  return proveSteps(session, {
    transcript: new ChangingTranscript(labels),
    proof: proof => Object.entries(labels).reduce((made, [label, change]) => PLACES[label]![1](made, change), proof)
  }).bundle
}

test('with nothing changed the bundle is accepted', t => {
  t.is(verdict(manifest, changed({})), 'accepted')
})

for (const [label, [change]] of Object.entries(PLACES)) {
  test(`a prover that sends ${label} plus one is refused`, t => {
    t.is(verdict(manifest, changed({ [label]: change })), INNER.has(label) ? 'inner product' : 'equations')
  })
}

for (const field of ['x', 'a'] as const) {
  test(`a last vector ${field} with one entry changed is refused`, t => {
    const { bundle } = proveSteps(session, { proof: proof => ({ ...proof, [field]: addAt(proof[field], 1, one) }) })
    t.is(verdict(manifest, bundle), 'inner product')
  })
}

test('errors in two equations that cancel pass a verifier whose weights are known, and not the real one', t => {
  // Equation 1 is off by +H, equation 3 by −H.
  const bundle = changed({ 'z-omega': scalar, 'z-nu': bytes => addAt(bytes, 0, minusOne) })
  t.is(weakenedVerdict(manifest, bundle, { random: count => new Uint8Array(count).fill(7) }), 'accepted')
  t.is(verdict(manifest, bundle), 'equations')
})
