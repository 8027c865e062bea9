/** Bundles that are right but for one thing, by the real prover: a verifier without that one check accepts them. */
import { concat, toHex } from '../../../src/bytes.js'
import {
  encodeContext,
  publicKeyOf,
  sessionId,
  signDelegation,
  signTail,
  type SessionContext,
  type Tail,
  type TailRole
} from '../../../src/proof/index.js'
import { publicNext, publicStart } from '../../../src/proof/rows/tail.js'
import { sessionOf } from '../../../src/proof/rows/context.js'
import type { Proof, Statement } from '../../../src/proof/bundle/layout.js'
import { Masks, type Transcript } from '../../../src/proof/transcript.js'
import { changeRow, signAgain } from '../../attack/forge.js'
import { ChangingTranscript } from '../../attack/transcripts.js'
import { contextOf, honestSession, kernel, makeRow, OWNER_SECRET, seeded, USER_SECRET } from '../../proof/fixture.js'
import type { Session, SessionOptions } from '../../proof/fixture.js'
import { proveSteps, type Deviation } from '../../proof/steps.js'
import { small } from './small.js'

const STRANGER_SECRET = new Uint8Array(32).fill(9)
const stranger = publicKeyOf(STRANGER_SECRET)
const other = new Uint8Array(32).fill(7)
const zero = new Uint8Array(32)

/** Three rows of two groups. */
export const smallSession = (options: SessionOptions = {}): Session => honestSession(small, 'forged', { groups: [0, 1, 0], ...options })
export const smallBundle = (init: Session, deviation: Deviation = {}): Uint8Array =>
  proveSteps({ ...init, random: seeded('forged bundles') }, deviation).bundle

const honest = smallSession()
const bundle = smallBundle(honest)
const plusOne = (scalar: Uint8Array): Uint8Array => kernel.addScalars(scalar, kernel.scalarsOf(Int8Array.of(1)))
const minusOne = (scalar: Uint8Array): Uint8Array => kernel.addScalars(scalar, kernel.scalarsOf(Int8Array.of(-1)))

/** One scalar is sent plus one; it stands in one equation only, and everything after it is made anew. */
function offByOne(label: string, write: (proof: Proof) => Proof): Uint8Array {
  return smallBundle(honest, { transcript: new ChangingTranscript({ [label]: plusOne }), proof: write })
}

const answer = (field: 'zOmega' | 'zSigma' | 'zNu') => (proof: Proof) => ({
  ...proof,
  answers: { ...proof.answers, [field]: plusOne(proof.answers[field]) }
})
const maskAnswer = (field: 'zetaX' | 'zetaA' | 'zetaV' | 'tau') => (proof: Proof) => ({
  ...proof,
  maskAnswers: { ...proof.maskAnswers, [field]: plusOne(proof.maskAnswers[field]) }
})

function signed(init: Session, role: TailRole, secretKey: Uint8Array, change: Partial<Tail> = {}): Session {
  const name = role === 'user' ? 'userTail' : 'contributorTail'
  return { ...init, [name]: signTail({ secretKey, role, session: sessionId(init.context), tail: { ...init[name], ...change } }) }
}

const withContext = (context: Partial<SessionContext>, contributor = OWNER_SECRET): Uint8Array =>
  smallBundle(signed(smallSession({ context }), 'contributor', contributor))

const delegate = { adapter: small.manifest.id, key: stranger, expiry: contextOf(small).started, share: 9n }
const delegated = (change: Partial<typeof delegate> = {}, by = OWNER_SECRET): Uint8Array => {
  const delegation = signDelegation(by, { ...delegate, ...change })
  return withContext({ contributorKey: stranger, delegation }, STRANGER_SECRET)
}

/** With other bytes of the context, and everything that follows from them. */
function restated(contextBytes: Uint8Array): Uint8Array {
  const session = sessionOf(contextBytes)
  const before = publicStart(session)
  const stated = (statement: Statement): Statement => {
    const publicHash = statement.rows.reduce(publicNext, before)
    const tail = (role: TailRole, secretKey: Uint8Array): Tail =>
      signTail({ secretKey, role, session, tail: { ...statement.userTail, publicHash } })
    return {
      ...statement,
      ...{ contextBytes, session, publicStart: before, publicEnd: publicHash },
      ...{ userTail: tail('user', USER_SECRET), contributorTail: tail('contributor', OWNER_SECRET) }
    }
  }
  return smallBundle(honest, { stated })
}

const contextBytes = encodeContext(honest.context)
const ownDelegation = signDelegation(OWNER_SECRET, delegate)
const delegatedBytes = encodeContext({ ...honest.context, delegation: ownDelegation })
const [startAt, endAt] = [1 + contextBytes.length, 1 + contextBytes.length + 4]
const xor = (at: number, mask: number): Uint8Array => bundle.with(at, bundle[at]! ^ mask)

/** x = 0 and η = 0: the row's commitment is the identity, and everything holds. */
const emptyRow = changeRow(honest, 2, ({ x }) => ({ x: new Int16Array(x.length), xCommitment: zero, eta: zero, s: zero }))
/** All x zero: then h is, and W with the mask 0. */
export const ZERO_ROWS = signAgain({
  ...honest,
  rows: honest.rows.map(row => makeRow(small, { ...row, x: new Int16Array(row.x.length), random: seeded('zero rows') }))
})

/** A row with an x beyond its range: the bundle does not tell, the opening does. */
export const BEYOND = changeRow(honest, 0, row => makeRow(small, { ...row, x: row.x.with(0, -(2 ** 15)), random: seeded('beyond') }))

class MasksWithout extends Masks {
  constructor(private readonly label: string) {
    super(kernel, seeded('masks without'), small.secret)
  }

  override at(transcript: Transcript): ReturnType<Masks['at']> {
    const mask = super.at(transcript)
    return (label, count = 1, first = 0) => (label === this.label ? new Uint8Array(32 * count) : mask(label, count, first))
  }
}

/** By what is wrong. */
export const FORGED_BUNDLES: Readonly<Record<string, Uint8Array>> = {
  'equation 1 alone does not hold': offByOne('z-omega', answer('zOmega')),
  'equation 2 alone does not hold': offByOne('z-sigma', answer('zSigma')),
  'equation 3 alone does not hold': offByOne('z-nu', answer('zNu')),
  'equation 4 alone does not hold': offByOne('zeta-x', maskAnswer('zetaX')),
  'equation 5 alone does not hold': offByOne('zeta-a', maskAnswer('zetaA')),
  'equation 6 alone does not hold': offByOne('zeta-v', maskAnswer('zetaV')),
  'equation 7 alone does not hold': offByOne('c1', proof => ({
    ...proof,
    rounds: proof.rounds.map(round => ({ ...round, c1: plusOne(round.c1) }))
  })),
  'equations 1 and 3 are off by opposite amounts': smallBundle(honest, {
    transcript: new ChangingTranscript({ 'z-omega': plusOne, 'z-nu': minusOne }),
    proof: proof => ({ ...proof, answers: { ...proof.answers, zOmega: plusOne(proof.answers.zOmega), zNu: minusOne(proof.answers.zNu) } })
  }),
  'the user’s tail is signed by another key': smallBundle(signed(honest, 'user', STRANGER_SECRET)),
  'the contributor’s tail is signed by another key': smallBundle(signed(honest, 'contributor', STRANGER_SECRET)),
  'the user’s tail counts rows below e': smallBundle(signed(honest, 'user', USER_SECRET, { rows: 2 })),
  'the contributor’s tail counts rows below e': smallBundle(signed(honest, 'contributor', OWNER_SECRET, { rows: 2 })),
  'the user’s tail counts more rows than the context has': smallBundle(signed(honest, 'user', USER_SECRET, { rows: 1001 })),
  'the contributor’s tail counts more rows than the context has': smallBundle(signed(honest, 'contributor', OWNER_SECRET, { rows: 1001 })),
  'another adapter': withContext({ adapter: other }),
  'another base model': withContext({ base: other }),
  'other bits of activations': withContext({ activationBits: 15 }),
  'other bits of weights': withContext({ weightBits: 11 }),
  'a group that the manifest does not have': withContext({ groups: [0, 1, 3] }),
  'groups that do not rise': withContext({ groups: [1, 0] }),
  'a group twice': withContext({ groups: [0, 1, 1] }),
  'a context of 0 rows': smallBundle(smallSession({ context: { rows: 0 } })),
  'a key that is not the owner’s, without delegation': withContext({ contributorKey: stranger }, STRANGER_SECRET),
  'a delegation by another key than the owner’s': delegated({}, STRANGER_SECRET),
  'a delegation of another adapter': delegated({ adapter: other }),
  'a delegation that ended a second before': delegated({ expiry: delegate.expiry - 1n }),
  'a delegation to the owner’s own key': withContext({
    delegation: signDelegation(OWNER_SECRET, { ...delegate, key: publicKeyOf(OWNER_SECRET) })
  }),
  'one key for both sides': smallBundle(signed(smallSession({ context: { userKey: publicKeyOf(OWNER_SECRET) } }), 'user', OWNER_SECRET)),
  'a row is the identity': smallBundle(emptyRow),
  'W is the identity': smallBundle(ZERO_ROWS, { masks: new MasksWithout('omega') }),
  'P is the identity': smallBundle(ZERO_ROWS, { masks: new MasksWithout('pi') }),
  'V is the identity': smallBundle(ZERO_ROWS, { masks: new MasksWithout('nu') }),
  's and e are equal': xor(endAt, 3),
  's is above e': xor(startAt, 5),
  'more than 65,536 rows': xor(endAt + 2, 1),
  'e is above the rows of the context': xor(endAt + 1, 0x10),
  'more rows than bytes': xor(endAt + 1, 2),
  'the flag delegated is 2, and there is none': restated(concat([contextBytes.subarray(0, -1), Uint8Array.of(2)])),
  'the flag delegated is 2, and there is one': restated(delegatedBytes.with(contextBytes.length - 1, 2)),
  'the flag closed is 2, and signed so': smallBundle(signed(honest, 'user', USER_SECRET, { closed: 2 as unknown as boolean })),
  'context version 2': restated(contextBytes.with(0, 2)),
  'a last scalar is not below ℓ': xor(bundle.length - 1, 0x80),
  'a byte behind it': concat([bundle, Uint8Array.of(0)])
}

/** Right: what those above are made from, and unusual ones. */
export const SMALL_BUNDLES: Readonly<Record<string, Uint8Array>> = {
  'three rows of two groups': bundle,
  'three groups': smallBundle(smallSession({ groups: [0, 1, 2, 0] })),
  'd = 8, no halving': smallBundle(smallSession({ groups: [2, 1, 2] })),
  'by a replica in the last second of its delegation': delegated(),
  'three zero rows': smallBundle(ZERO_ROWS),
  'an x beyond its range, of which it says nothing': smallBundle(BEYOND)
}

const part = (numbers: readonly number[], options: SessionOptions = {}): Session => {
  const first = numbers[0]!
  return smallSession({ groups: numbers.map(n => n % 2), first, ...options })
}
const open = { closed: false, rows: 4 }
const firstPart = part([0, 1], { tails: open })
const end = { publicAtStart: firstPart.userTail.publicHash }
const role = (init: Session, of: TailRole, change: Partial<Tail>): Session =>
  signed(init, of, of === 'user' ? USER_SECRET : OWNER_SECRET, change)
const second = part([2, 3], end)

/** Bundles of a proof file each of which is right, by what is wrong between them. */
export const CHAINS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries({
    'that follow one another': [firstPart, second],
    'of two sessions': [firstPart, part([2, 3], { ...end, context: { userNonce: other } })],
    'with a gap': [firstPart, part([3, 4], { ...end, tails: { rows: 5 } })],
    'that overlap': [firstPart, part([1, 2, 3], end)],
    'with a break in the running hash': [firstPart, part([2, 3], { publicAtStart: other })],
    'after the user had closed': [role(firstPart, 'user', { closed: true }), second],
    'after the contributor had closed': [role(firstPart, 'contributor', { closed: true }), second],
    'of which the user counts fewer rows': [role(firstPart, 'user', { rows: 5 }), second],
    'of which the contributor counts fewer rows': [role(firstPart, 'contributor', { rows: 5 }), second]
  }).map(([name, inits]) => [name, inits.map(init => toHex(smallBundle(init)))])
)
