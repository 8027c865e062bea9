/** What proofs absorb, in order: whoever leaves an item out, or absorbs it after a challenge that depends on it, proves something else. */
import test from 'ava'
import { concat } from '../../src/bytes.js'
import { prove, publicKeyOf, signDelegation, signTail, verifyDelegation, verifyTail } from '../../src/proof/index.js'
import { challengesOf } from '../../src/proof/bundle/challenges.js'
import { decodeBundle } from '../../src/proof/bundle/decode.js'
import { certificateChallenges, certificateTranscript } from '../../src/proof/certificate/challenges.js'
import { partners } from '../../src/proof/certificate/table.js'
import { certifiedModules } from '../../src/proof/certificate/verify.js'
import { LABELS } from '../../src/proof/labels.js'
import { publicNext } from '../../src/proof/rows/tail.js'
import { Transcript } from '../../src/proof/transcript.js'
import { honestSession, kernel, makeAdapter, OWNER_SECRET, register, USER_SECRET } from '../proof/fixture.js'
import { InvalidProofError } from '../../src/errors.js'
import { TWINS } from './claims.js'

/** Remembers what goes in and which challenges are drawn. */
class ListeningTranscript extends Transcript {
  readonly entries: string[] = []
  readonly items: Uint8Array[] = []

  override append(label: string, item: Uint8Array): void {
    this.entries.push(label)
    this.items.push(item)
    super.append(label, item)
  }

  override appendList(label: string, items: readonly Uint8Array[]): void {
    this.entries.push(label)
    this.items.push(...items)
    super.appendList(label, items)
  }

  override challenge(label: string): Uint8Array {
    this.entries.push(`→ ${label}`)
    return super.challenge(label)
  }
}

const { adapter, manifest } = register('transcript', makeAdapter('transcript', TWINS))
const session = honestSession(adapter, 'transcript', { groups: [0, 1, 0] })
const { bundle } = prove(session)

const STATEMENT = ['context', 'session', 'range', 'public-s', 'public-e', 'user-tail', 'contributor-tail', 'groups', '→ rho']
const HIDDEN = ['W', 'P', '→ gamma', '→ lambda', 'V', 'EW', 'ED', 'EV', '→ c', 'z', 'z-omega', 'z-sigma', 'z-nu']
const ROUND = ['TL', 'TR', '→ fold']
const MASK = ['DX', 'DA', 'T0', 'T1', '→ mask', 'zeta-x', 'zeta-a', 'zeta-v', 'tau']
const HALVING = ['A1', 'A2', 'A3', 'A4', 'c1', 'c2', '→ halve']
const ODD = ['odd-x', 'odd-a']

test('a bundle absorbs everything that is public, and every message before the challenges that depend on it', t => {
  const { statement, proof } = decodeBundle(bundle, manifest)
  const transcript = new ListeningTranscript(kernel, LABELS.bundle)
  challengesOf(transcript, statement, proof)
  // d = 10: one halving, of even length.
  t.deepEqual(transcript.entries, [...STATEMENT, ...HIDDEN, ...ROUND, ...MASK, ...HALVING])
  // Every byte of the proof is in it, but for the last vectors, on which no challenge depends.
  const absorbed = new Set(transcript.items.map(item => item.join()))
  const { hidden, value, first, answers, pairs, maskPoints, maskAnswers, rounds } = proof
  const sent = [
    hidden.w,
    value,
    ...Object.values(first),
    answers.zOmega,
    answers.zSigma,
    answers.zNu,
    ...pairs.flatMap(pair => Object.values(pair))
  ]
  sent.push(
    ...Object.values(maskPoints),
    ...Object.values(maskAnswers),
    ...rounds.flatMap(({ odd: _odd, ...round }) => Object.values(round))
  )
  for (const part of sent) t.true(absorbed.has(part.join()))
  for (const packed of [hidden.p, answers.z]) {
    for (let at = 0; at < packed.length; at += 32) t.true(absorbed.has(packed.subarray(at, at + 32).join()))
  }
})

test('odd entries are absorbed before their halving', t => {
  const odd = register('odd transcript', makeAdapter('odd transcript', [{ dIn: 9, modules: [{ dOut: 3, rank: 1 }] }]))
  const { statement, proof } = decodeBundle(prove(honestSession(odd.adapter, 'odd', { groups: [0] })).bundle, odd.manifest)
  const transcript = new ListeningTranscript(kernel, LABELS.bundle)
  challengesOf(transcript, statement, proof)
  t.deepEqual(transcript.entries, [...STATEMENT, ...HIDDEN, ...MASK, ...ODD, ...HALVING])
})

test('a certificate absorbs body and module, and every message before the challenges that depend on it', t => {
  const { certificate, index } = certifiedModules(manifest)[1]!
  const transcript = new ListeningTranscript(kernel, LABELS.certificate)
  transcript.append('body', manifest.bodyHash)
  transcript.append('module', Uint8Array.of(index, 0, 0, 0))
  const drawn = certificateChallenges(transcript, certificate)
  const lookup = ['body', 'module', 'M', '→ chi', 'CF', '→ sigma', '→ tau', '→ psi', 'VA', 'VB']
  t.deepEqual(transcript.entries.slice(0, lookup.length), lookup)
  // The table's argument is the last: one mask, then its halvings.
  t.is(transcript.entries.filter(entry => entry === '→ mask').length, 3)
  t.deepEqual(drawn.chi, certificateChallenges(certificateTranscript(kernel, manifest.bodyHash, index), certificate).chi)
  for (const other of [certificateTranscript(kernel, manifest.owner, index), certificateTranscript(kernel, manifest.bodyHash, 0)]) {
    t.notDeepEqual(certificateChallenges(other, certificate).chi, drawn.chi)
  }
})

test('a challenge that is the negative of a table value is refused', t => {
  const value = kernel.negateScalars(kernel.scalarsOf(Float64Array.of(-7)))
  t.throws(() => partners(kernel, value, 8), { instanceOf: InvalidProofError, message: /negative of a table value/ })
})

test('a tail is signed for one role, session, counts, rows and messages', t => {
  const id = new Uint8Array(32).fill(1)
  const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
  const body = { rows: 9, accepted: 8, closed: false, publicHash: hash(2), privateHash: hash(3) }
  const tail = signTail({ secretKey: USER_SECRET, role: 'user', session: id, tail: body })
  const shown = { publicKey: publicKeyOf(USER_SECRET), role: 'user', session: id, tail } as const
  t.true(verifyTail(shown))
  t.false(verifyTail({ ...shown, role: 'contributor' }))
  t.false(verifyTail({ ...shown, session: hash(4) }))
  for (const change of [{ rows: 10 }, { accepted: 7 }, { closed: true }, { publicHash: hash(4) }, { privateHash: hash(4) }]) {
    t.false(verifyTail({ ...shown, tail: { ...tail, ...change } }), Object.keys(change)[0])
  }
})

test('the running hash covers what came before, and number, group, position and commitment of the row', t => {
  const row = { number: 3, group: 1, position: 7, s: new Uint8Array(32).fill(5) }
  const before = new Uint8Array(32)
  const others = [{ number: 4 }, { group: 0 }, { position: 8 }, { s: before }].map(change => publicNext(before, { ...row, ...change }))
  const hashes = [publicNext(before, row), publicNext(row.s, row), ...others]
  t.is(new Set(hashes.map(hash => hash.join())).size, hashes.length)
})

test('a delegation is signed for one adapter, key, expiry and share', t => {
  const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
  const owner = publicKeyOf(OWNER_SECRET)
  const delegation = signDelegation(OWNER_SECRET, { adapter: one, key: one, expiry: 5n, share: 6n })
  t.true(verifyDelegation(owner, one, one, delegation))
  t.false(verifyDelegation(other, one, one, delegation))
  t.false(verifyDelegation(owner, other, one, delegation))
  t.false(verifyDelegation(owner, one, other, delegation))
  for (const change of [{ expiry: 6n }, { share: 7n }]) t.false(verifyDelegation(owner, one, one, { ...delegation, ...change }))
})

test('two transcripts of different labels or items draw different challenges', t => {
  const drawn = (label: string, ...items: Uint8Array[]): string => {
    const transcript = new Transcript(kernel, label)
    for (const item of items) transcript.append('item', item)
    return transcript.challenge('c').join()
  }
  const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)]
  const challenges = [
    drawn('x', a, b),
    drawn('y', a, b),
    drawn('x', concat([a, b])),
    drawn('x', Uint8Array.of(1), Uint8Array.of(2, 3)),
    drawn('x', b, a)
  ]
  t.is(new Set(challenges).size, challenges.length)
})
