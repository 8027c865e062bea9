/** A contributor whose rows are not x · A · B. It runs the real prover; user and contributor both sign, so nobody else would notice. */
import test from 'ava'
import { addAt, changeRow, combine, signAgain } from './forge.js'
import { TWINS, verdict } from './claims.js'
import { hiddenRow, honestSession, kernel, makeAdapter, makeRow, register, seeded } from '../proof/fixture.js'
import { proveSteps } from '../proof/steps.js'

const { adapter, manifest } = register('rows', makeAdapter('rows', TWINS))
const honest = honestSession(adapter, 'rows', { groups: [0, 1, 0, 1] })

test('the honest session is accepted', t => {
  t.is(verdict(manifest, proveSteps(honest).bundle), 'accepted')
})

test('another output row is refused: a commitment to y + 1 in one entry', t => {
  const init = changeRow(honest, 2, row => ({ s: combine(row.s, [kernel.generators('K', 1, 1), 1]) }))
  t.is(verdict(manifest, proveSteps(init).bundle), 'equations')
})

test('another output row is refused: made through the adapter, from hidden integers that are not x · A', t => {
  // y + B_0, and the prover stays with its h.
  const cb = kernel.slice(adapter.groups[0]!.cb, 0, 1)
  const init = changeRow(honest, 2, row => ({ s: combine(row.s, [cb, 1]) }))
  t.is(verdict(manifest, proveSteps(init).bundle), 'equations')
  // It says that h was another: then the commitments hold, and the product with x does not.
  const forged = proveSteps(init, {
    folded: (folded, { rho }) => ({ ...folded, h: addAt(folded.h, 0, kernel.mulScalars(rho, rho)) })
  })
  t.is(verdict(manifest, forged.bundle), 'equations')
})

test('another input row is refused, whichever of the two x the prover folds', t => {
  const other = makeRow(adapter, { ...honest.rows[2]!, x: honest.rows[0]!.x, random: seeded('other') })
  // The user's x stands in S, the outputs are those of another x.
  const s = combine(honest.rows[2]!.s, [kernel.decode(honest.rows[2]!.xCommitment), -1], [kernel.decode(other.xCommitment), 1])
  t.is(verdict(manifest, proveSteps(changeRow(honest, 2, () => ({ s }))).bundle), 'equations')
  t.is(verdict(manifest, proveSteps(changeRow(honest, 2, () => ({ s, x: other.x, xCommitment: other.xCommitment }))).bundle), 'equations')
})

test('outputs swapped between two tokens of a group are refused', t => {
  const [a, b] = [honest.rows[0]!, honest.rows[2]!]
  const swapped = (own: typeof a, other: typeof a) =>
    combine(other.s, [kernel.decode(other.xCommitment), -1], [kernel.decode(own.xCommitment), 1])
  const init = changeRow(
    changeRow(honest, 0, () => ({ s: swapped(a, b), eta: b.eta })),
    2,
    () => ({ s: swapped(b, a), eta: a.eta })
  )
  t.is(verdict(manifest, proveSteps(init).bundle), 'equations')
})

test('rows swapped between two groups of one shape are refused', t => {
  const [a, b] = [honest.rows[0]!, honest.rows[1]!]
  const init = changeRow(
    changeRow(honest, 0, () => ({ s: b.s, x: b.x, xCommitment: b.xCommitment, eta: b.eta })),
    1,
    () => ({ s: a.s, x: a.x, xCommitment: a.xCommitment, eta: a.eta })
  )
  t.is(verdict(manifest, proveSteps(init).bundle), 'equations')
})

test('an adapter with one weight different by one is refused, in A as in B', t => {
  for (const matrix of ['a', 'b'] as const) {
    const quantized = makeAdapter('rows', TWINS)
    quantized.groups[1]!.modules[0]![matrix][0]! += 1
    // Rows and proof from the changed weights, under the advertised manifest.
    const changed = { ...adapter, quantized }
    const session = honestSession(changed, 'rows', { groups: [0, 1, 0, 1] })
    const rows = session.rows.map(row => {
      if (row.group === 0 || matrix === 'a') return row
      // B is in the commitment's generators: the outputs that were sent differ by h_0 in their first entry.
      return { ...row, s: combine(row.s, [kernel.generators('K', 0, 1), hiddenRow(quantized.groups[1]!, row.x)[0]!]) }
    })
    t.is(verdict(manifest, proveSteps(signAgain({ ...session, rows })).bundle), 'equations', matrix)
  }
})
