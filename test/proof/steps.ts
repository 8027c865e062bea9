/**
 * The real prover, step by step, with every value in between: what vectors show, and where a dishonest prover deviates. The steps
 * are those of src/proof/bundle; only their order is written again here.
 */
import { absorbStatement, bundleTranscript } from '../../src/proof/bundle/challenges.js'
import { commitHidden, commitValue, foldRows, proveHidden, type FoldedRows, type Prover } from '../../src/proof/bundle/hidden.js'
import { openPair } from '../../src/proof/bundle/inner.js'
import type { Proof, Statement } from '../../src/proof/bundle/layout.js'
import { foldPairs } from '../../src/proof/bundle/pairs.js'
import { finish, makeStatement } from '../../src/proof/bundle/prove.js'
import { Masks, type Transcript } from '../../src/proof/transcript.js'
import type { ProveInit } from '../../src/proof/index.js'

/** Where a dishonest prover changes what it does. */
export interface Deviation {
  /** Before anything is absorbed: what the prover says that it proves. */
  stated?: (statement: Statement) => Statement
  /** Not random, or not all of them. */
  masks?: Masks
  /** For a verifier that absorbs things in another order. */
  transcript?: Transcript
  /** After step 1. */
  folded?: (folded: FoldedRows, known: { prover: Prover; rho: Uint8Array }) => FoldedRows
  /** After everything, before it is written. */
  proof?: (proof: Proof) => Proof
  /** What is written instead of what was absorbed. */
  statement?: (statement: Statement) => Statement
}

export function proveSteps(init: ProveInit, deviation: Deviation = {}) {
  const { kernel, adapter, rows, random } = init
  const honestStatement = makeStatement(init)
  const statement = deviation.stated?.(honestStatement) ?? honestStatement
  const transcript = deviation.transcript ?? bundleTranscript(kernel)
  const masks = deviation.masks ?? new Masks(kernel, random, adapter.secret)
  const prover: Prover = { kernel, adapter, groups: statement.groups, transcript, masks }
  const rho = absorbStatement(transcript, statement)
  const honest = foldRows(prover, rho, rows)
  const folded = deviation.folded?.(honest, { prover, rho }) ?? honest
  const committed = commitHidden(prover, folded)
  const { hidden, omega, pi, gamma, lambda } = committed
  const { value, nu } = commitValue(prover, folded.h, gamma)
  const answered = proveHidden(prover, folded, { omega, pi, gamma, lambda, nu })
  const { rounds: pairs, pair } = foldPairs(prover, { xBar: folded.xBar, pi, nu, gamma })
  const opened = openPair(prover, pair)
  const made = { hidden, value, ...answered, pairs, ...opened }
  const proof = deviation.proof?.(made) ?? made
  const written = deviation.statement?.(statement) ?? statement
  return { statement, rho, folded, committed, value, nu, pair, proof, ...finish(written, proof) }
}
