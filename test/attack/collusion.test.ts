/** User and contributor together, who both sign: what they can and cannot make others believe. */
import test from 'ava'
import {
  encodeContext,
  prove,
  publicKeyOf,
  sessionId,
  signTail,
  sumCommitments,
  verifyProofFile,
  encodeProofFile
} from '../../src/proof/index.js'
import type { Statement } from '../../src/proof/bundle/layout.js'
import { publicNext } from '../../src/proof/rows/tail.js'
import { contextOf, honestSession, kernel, makeAdapter, makeTails, OWNER_SECRET, register, seeded, USER_SECRET } from '../proof/fixture.js'
import { proveSteps } from '../proof/steps.js'
import { outcome, TWINS, verdict, weakenedVerdict, withoutEquation } from './claims.js'
import { changeRow, combine, signAgain } from './forge.js'

const { adapter, manifest } = register('collusion', makeAdapter('collusion', TWINS))
const honest = honestSession(adapter, 'collusion', { groups: [0, 1, 0] })
const { dIn, outputs } = manifest.groups[0]!
const generator = (family: 'G' | 'K' | 'Q' | 'U', index: number) => kernel.generators(family, index, 1)

test('content moved from x to y, or the other way, is refused: each stays over its own generators', t => {
  for (const [family, index] of [
    ['K', 0],
    ['G', 0]
  ] as const) {
    const point = generator(family, index)
    t.is(verdict(manifest, proveSteps(changeRow(honest, 2, ({ s }) => ({ s: combine(s, [point, 1]) }))).bundle), 'equations')
  }
  // y + 1 in one entry, and P says that it belongs to x.
  const forged = changeRow(honest, 2, ({ s }) => ({ s: combine(s, [generator('K', 0), 1]) }))
  const { bundle } = proveSteps(forged, {
    folded: (folded, { rho }) => {
      const moved = kernel.scale(kernel.mulScalars(rho, rho), generator('K', 0))
      const first = kernel.add(kernel.slice(folded.inputs, 0, 1), moved)
      return { ...folded, inputs: kernel.concat([first, kernel.slice(folded.inputs, 1, folded.inputs.length)]) }
    }
  })
  t.is(verdict(manifest, bundle), 'equations')
  // It is equation 4 that holds P to G: every other one holds for this bundle, and a verifier without it takes the forged row.
  for (const left of [1, 2, 3, 4, 5, 6])
    t.is(weakenedVerdict(manifest, bundle, { random: withoutEquation(left) }), left === 4 ? 'accepted' : 'equations', `without ${left}`)
})

test('a component beyond d_in or beyond the outputs, or over other generators, is refused', t => {
  for (const [family, index] of [
    ['G', dIn],
    ['K', outputs],
    ['Q', 0],
    ['U', 0]
  ] as const) {
    const { bundle } = proveSteps(changeRow(honest, 0, ({ s }) => ({ s: combine(s, [generator(family, index), 1]) })))
    t.is(verdict(manifest, bundle), 'equations', `${family} ${index}`)
  }
})

test('dishonest commitments of both sides that sum to the right one say the truth, and others are refused', t => {
  const { xCommitment, s } = honest.rows[0]!
  const cy = combine(s, [kernel.decode(xCommitment), -1])
  const [x, y] = [combine(xCommitment, [generator('K', 0), 1]), combine(cy, [generator('K', 0), -1])]
  t.deepEqual(sumCommitments(kernel, x, y), s)
  t.is(verdict(manifest, proveSteps(changeRow(honest, 0, () => ({ s: sumCommitments(kernel, x, y) }))).bundle), 'accepted')
  t.is(verdict(manifest, proveSteps(changeRow(honest, 0, () => ({ s: sumCommitments(kernel, x, cy) }))).bundle), 'equations')
})

test('the same weights under another identifier are another adapter', t => {
  const again = register('collusion again', adapter.quantized)
  t.notDeepEqual(again.manifest.id, manifest.id)
  t.is(verdict(again.manifest, prove(honest).bundle), 'context')
  const context = contextOf(again.adapter)
  const moved = prove({ ...honest, context, ...makeTails(context, honest.rows) })
  t.is(verdict(again.manifest, moved.bundle), 'equations')
})

test('another order of rows is another session, which the proof does not show', t => {
  const [a, b, c] = honest.rows
  const order = [{ ...c!, number: 0, position: 0 }, b!, { ...a!, number: 2, position: 1 }]
  const stated = (statement: Statement): Statement => {
    const rows = order.map(({ number, group, position, s }) => ({ number, group, position, s }))
    const publicEnd = rows.reduce(publicNext, statement.publicStart)
    const sign = (secretKey: Uint8Array, role: 'user' | 'contributor') =>
      signTail({ secretKey, role, session: statement.session, tail: { ...statement.userTail, publicHash: publicEnd } })
    return { ...statement, rows, publicEnd, userTail: sign(USER_SECRET, 'user'), contributorTail: sign(OWNER_SECRET, 'contributor') }
  }
  t.is(verdict(manifest, proveSteps(honest, { statement: stated }).bundle), 'inner product')
  // Proved anew it is accepted: these are the rows that both have signed.
  t.is(verdict(manifest, prove(signAgain({ ...honest, rows: order })).bundle), 'accepted')
})

test('a bundle with s > 0 moved to another session is refused', t => {
  const part = honestSession(adapter, 'part', { groups: [1, 0, 0], first: 4, publicAtStart: new Uint8Array(32).fill(7) })
  t.is(verdict(manifest, prove(part).bundle), 'accepted')
  const context = { ...part.context, userNonce: new Uint8Array(32).fill(9) }
  const session = sessionId(context)
  const moved = (statement: Statement): Statement => ({
    ...statement,
    ...{ context, session, contextBytes: encodeContext(context) },
    userTail: signTail({ secretKey: USER_SECRET, role: 'user', session, tail: statement.userTail }),
    contributorTail: signTail({ secretKey: OWNER_SECRET, role: 'contributor', session, tail: statement.contributorTail })
  })
  t.is(verdict(manifest, proveSteps(part, { statement: moved }).bundle), 'inner product')
  // Only the tails are signed for the other session: the hash at e alone does not bind the context.
  const unsigned = (statement: Statement): Statement => ({ ...moved(statement), userTail: statement.userTail })
  t.is(verdict(manifest, proveSteps(part, { statement: unsigned }).bundle), 'signature')
})

test('a bundle that hides the rows after n of a session that went on is open, and the later signature contradicts a closed one', t => {
  const whole = honestSession(adapter, 'hidden', { groups: [0, 1, 0, 1] })
  const first = whole.rows.slice(0, 2)
  const upTo = (change: { closed: boolean; rows: number }) => ({ ...whole, rows: first, ...makeTails(whole.context, first, { change }) })
  const random = seeded('verifier')
  const file = (...bundles: Uint8Array[]) =>
    verifyProofFile({ kernel, file: encodeProofFile({ manifest: manifest.bytes, bundles }), random })
  const open = prove(upTo({ closed: false, rows: 4 })).bundle
  const shown = file(open)
  t.false(shown.whole)
  // Both have counted the rows that are not shown.
  t.is(shown.proofs[0]!.userTail.rows - shown.proofs[0]!.end, 2)
  // Closed by both with nothing after: it passes alone, and the two signatures of one key convict when the rest is found.
  const closed = prove(upTo({ closed: true, rows: 2 })).bundle
  t.true(file(closed).whole)
  const rest = prove({ ...whole, rows: whole.rows.slice(2), publicAtStart: shown.proofs[0]!.publicEnd }).bundle
  t.true(file(open, rest).whole)
  t.is(
    outcome(() => file(closed, rest)),
    'chain'
  )
})

test('a user’s key that signs as contributor in the same session is refused', t => {
  const context = { ...honest.context, contributorKey: publicKeyOf(USER_SECRET) }
  t.is(verdict(manifest, prove({ ...honest, context, ...makeTails(context, honest.rows) }).bundle), 'MalformedMessageError')
})
