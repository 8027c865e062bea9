/** The prover: from accepted rows to a bundle (protocols/bundle, Steps). */
import { concat, equal } from '../../bytes.js'
import { InvalidInputError, LimitExceededError } from '../../errors.js'
import { hash } from '../../kernel/hash.js'
import { FORMAT_LIMITS } from '../../limits.js'
import { LABELS } from '../labels.js'
import { encodeContext, sessionOf } from '../rows/context.js'
import { encodeTail, publicNext, publicStart } from '../rows/tail.js'
import { Masks } from '../transcript.js'
import type { ProvedBundle, ProveInit } from '../types.js'
import { absorbStatement, bundleTranscript } from './challenges.js'
import { commitHidden, commitValue, foldRows, proveHidden, type Prover } from './hidden.js'
import { openPair } from './inner.js'
import { encodeBundle, groupsOf, type Proof, type Statement } from './layout.js'
import { merkleRoot } from './merkle.js'
import { foldPairs } from './pairs.js'
import { encodePattern } from './pattern.js'

/**
 * Proves rows s … e − 1 of a session. Masks are drawn anew at every call.
 * @throws InvalidInputError when rows, context and tails do not belong together; LimitExceededError beyond 65,536 rows or 4 MiB
 */
export function prove(init: ProveInit): ProvedBundle {
  const { kernel, adapter, rows, random } = init
  const statement = makeStatement(init)
  const transcript = bundleTranscript(kernel)
  const masks = new Masks(kernel, random, adapter.secret)
  const prover: Prover = { kernel, adapter, groups: statement.groups, transcript, masks }
  // Steps 0 and 1
  const folded = foldRows(prover, absorbStatement(transcript, statement), rows)
  // Step 2
  const { hidden, ...rest } = commitHidden(prover, folded)
  // Step 3
  const { value, nu } = commitValue(prover, folded.h, rest.gamma)
  // Step 4
  const answered = proveHidden(prover, folded, { ...rest, nu })
  // Step 5
  const { rounds: pairs, pair } = foldPairs(prover, { xBar: folded.xBar, pi: rest.pi, nu, gamma: rest.gamma })
  // Step 6
  const opened = openPair(prover, pair)
  return finish(statement, { hidden, value, ...answered, pairs, ...opened })
}

/** A bundle's bytes, digest and root. */
export function finish(statement: Statement, proof: Proof): ProvedBundle {
  const { rows, userTail, contributorTail, session } = statement
  const tails = concat([encodeTail(userTail), encodeTail(contributorTail)])
  const bundle = encodeBundle(statement, { pattern: encodePattern(rows), tails }, proof)
  if (bundle.length > FORMAT_LIMITS.bundleBytes) {
    throw new LimitExceededError('bytes of the bundle', bundle.length, FORMAT_LIMITS.bundleBytes, '; prove fewer rows in one')
  }
  return { bundle, digest: hash(LABELS.bundle, bundle), root: merkleRoot(session, rows) }
}

/** Step 0: everything that is known before the proof. */
export function makeStatement({ adapter, context, rows, publicAtStart, userTail, contributorTail }: ProveInit): Statement {
  if (rows.length === 0) throw new InvalidInputError('there are no rows to prove')
  if (rows.length > FORMAT_LIMITS.bundleRows) throw new LimitExceededError('rows of a bundle', rows.length, FORMAT_LIMITS.bundleRows)
  const start = rows[0]!.number
  rows.forEach(({ number, group, x }, t) => {
    if (number !== start + t) throw new InvalidInputError(`row ${number} stands where row ${start + t} was expected`)
    if (!context.groups.includes(group)) throw new InvalidInputError(`row ${number} is of group ${group}, which the context does not name`)
    const { dIn } = adapter.manifest.groups[group]!
    if (x.length !== dIn) throw new InvalidInputError(`row ${number} has ${x.length} inputs; its group has ${dIn}`)
  })
  const end = start + rows.length
  const contextBytes = encodeContext(context)
  const session = sessionOf(contextBytes)
  const before = start > 0 ? publicAtStart : publicStart(session)
  if (before === undefined) throw new InvalidInputError(`the public hash before row ${start} is needed`)
  const publicEnd = rows.reduce(publicNext, before)
  for (const { accepted, publicHash } of [userTail, contributorTail]) {
    if (accepted !== end) throw new InvalidInputError(`a tail accepts ${accepted} rows; these end at ${end}`)
    if (!equal(publicHash, publicEnd)) throw new InvalidInputError(`a tail's public hash is not that of rows up to ${end}`)
  }
  return {
    context,
    contextBytes,
    session,
    start,
    end,
    publicStart: before,
    publicEnd,
    rows,
    userTail,
    contributorTail,
    groups: groupsOf(rows, adapter.manifest.groups)
  }
}
