/**
 * W and P must precede γ and λ (session-proof, section 6, step 2). Both attacks forge an output row and run the real prover with one
 * deviation. They work on a verifier that absorbs W or P too late, and fail on the real one.
 */
import test from 'ava'
import { concat } from '../../src/bytes.js'
import { slice } from '../../src/proof/scalars.js'
import { honestSession, kernel, makeAdapter, register, type Session } from '../proof/fixture.js'
import { proveSteps, type Deviation } from '../proof/steps.js'
import { TWINS, verdict, weakenedVerdict } from './claims.js'
import { addAt, changeRow, combine } from './forge.js'
import { LateTranscript } from './transcripts.js'
import { bundleTranscript } from '../../src/proof/bundle/challenges.js'

const { addScalars, foldRows, invertScalars, mulScalars, negateScalars, powers } = kernel
const small = (value: number): Uint8Array => kernel.scalarsOf(Float64Array.of(value))

/** Row 1 answered with one more row B_0 of the adapter: committed through CB, so that everything but x · A fits. */
function forgedSession(session: Session): Session {
  const cb = kernel.slice(session.adapter.groups[0]!.cb, 0, 1)
  return changeRow(session, 1, row => ({ s: combine(row.s, [cb, 1]) }))
}

test('W chosen after γ proves a forged row to a verifier that absorbs W late, and not to the real one', t => {
  // Rows 0 and 1 of B are the same, so that the outputs bind only h_0 + h_1.
  const quantized = makeAdapter('late W', TWINS)
  const { b, dOut } = quantized.groups[0]!.modules[0]!
  b.copyWithin(dOut, 0, dOut)
  const { adapter, manifest } = register('late W', quantized)
  const session = forgedSession(honestSession(adapter, 'late W', { groups: [0, 0] }))

  /** h' with h'_0 + h'_1 = h_0 + h_1 + ρ and γ^0 h'_0 + γ^1 h'_1 = γ^0 h_0 + γ^1 h_1: two equations once γ is known. */
  const forge =
    (gamma: Uint8Array): Deviation['folded'] =>
    (folded, { rho }) => {
      const onB1 = mulScalars(rho, invertScalars(addScalars(small(1), negateScalars(gamma))))
      const onB0 = negateScalars(mulScalars(gamma, onB1))
      // The rows' sum has ρ on B_0; the difference in blindings goes to η̄.
      const { beta } = adapter.groups[0]!
      const moved = addScalars(
        mulScalars(addScalars(rho, negateScalars(onB0)), slice(beta, 0, 1)),
        mulScalars(negateScalars(onB1), slice(beta, 1, 2))
      )
      return { ...folded, h: addAt(addAt(folded.h, 0, onB0), 1, onB1), etaBar: addAt(folded.etaBar, 0, moved) }
    }

  const late = () => new LateTranscript('W', 'gamma')
  // With W late, γ depends on nothing that the forger changes: a first run tells it. The masks are the same in both.
  const { gamma } = proveSteps({ ...session, random: () => new Uint8Array(32) }, { transcript: late() }).committed
  const forged = proveSteps({ ...session, random: () => new Uint8Array(32) }, { transcript: late(), folded: forge(gamma) })
  t.deepEqual(forged.committed.gamma, gamma)
  t.is(weakenedVerdict(manifest, forged.bundle, { transcript: late() }), 'accepted')
  t.not(verdict(manifest, forged.bundle), 'accepted')

  // Against the real order the best that it can do is to guess γ.
  const guessed = proveSteps(session, { transcript: bundleTranscript(kernel), folded: forge(gamma) })
  t.is(verdict(manifest, guessed.bundle), 'equations')
})

test('P chosen after γ and λ proves a forged row to a verifier that absorbs P late, and not to the real one', t => {
  const { adapter, manifest } = register('late P', makeAdapter('late P', TWINS))
  const session = forgedSession(honestSession(adapter, 'late P', { groups: [1, 0] }))
  /** h as the forged row has it. */
  const forgedHidden: Deviation['folded'] = (folded, { rho }) => ({ ...folded, h: addAt(folded.h, 0, rho) })

  /** Moves x̄ between the groups along one entry v: λ_0 P_0 + λ_1 P_1 stays, Σ⟨x̄_g, a_g⟩ becomes ⟨γ, h⟩. */
  const forge =
    ({ gamma, lambda }: { gamma: Uint8Array; lambda: Uint8Array }): Deviation['folded'] =>
    (honest, known) => {
      const folded = forgedHidden(honest, known)
      const firstEntry = (group: number): Uint8Array => {
        const { a, rank } = adapter.quantized.groups[group]!.modules[0]!
        return slice(foldRows(slice(powers(gamma, 4), 2 * group, 2 * group + rank), a, 10), 0, 1)
      }
      // λ_1 v a_0 − λ_0 v a_1 = γ_00 ρ, with λ_0 = γ_00 = 1.
      const change = addScalars(mulScalars(lambda, firstEntry(0)), negateScalars(firstEntry(1)))
      const v = mulScalars(known.rho, invertScalars(change))
      const moves = [mulScalars(lambda, v), negateScalars(v)]
      const g0 = kernel.generators('G', 0, 1)
      return {
        ...folded,
        xBar: folded.xBar.map((x, g) => addAt(x, 0, moves[g]!)),
        inputs: kernel.add(folded.inputs, kernel.scale(concat(moves), kernel.concat([g0, g0])))
      }
    }

  const late = () => new LateTranscript('P', 'lambda')
  const fixed = { ...session, random: () => new Uint8Array(32) }
  const { gamma, lambda } = proveSteps(fixed, { transcript: late(), folded: forgedHidden }).committed
  const forged = proveSteps(fixed, { transcript: late(), folded: forge({ gamma, lambda }) })
  t.deepEqual(forged.committed.lambda, lambda)
  t.is(weakenedVerdict(manifest, forged.bundle, { transcript: late() }), 'accepted')
  t.not(verdict(manifest, forged.bundle), 'accepted')

  const guessed = proveSteps(session, { folded: forge({ gamma, lambda }) })
  t.is(verdict(manifest, guessed.bundle), 'equations')
})
