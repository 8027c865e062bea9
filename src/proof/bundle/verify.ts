/** The verifier (protocols/bundle, Verification): a bundle is shown to hold as a whole, or named as invalid; nothing in between. */
import { concat, equal } from '../../bytes.js'
import { InvalidProofError, isPeerError, type PeerError } from '../../errors.js'
import type { Kernel, Points } from '../../kernel/types.js'
import { checkInnerProduct } from '../argument/inner.js'
import { Combination } from '../combination.js'
import { verifyDelegation } from '../rows/delegation.js'
import { verifyTail } from '../rows/tail.js'
import type { ProofFacts, Random, Tail, TailRole, VerifiedManifest, VerifiedProof } from '../types.js'
import { bundleTranscript, challengesOf, type Challenges } from './challenges.js'
import { decodeBundle, type Bundle } from './decode.js'
import { addEquations, pointsOf, scalarsOf, type GroupBasis } from './equations.js'
import type { Statement } from './layout.js'
import { merkleRoot } from './merkle.js'

/** A bundle with the manifest of its adapter. */
export interface VerifyItem {
  readonly manifest: VerifiedManifest
  readonly bundle: Uint8Array
}

export interface VerifyInit extends VerifyItem {
  readonly kernel: Kernel
  readonly random: Random
}

export interface VerifyBatchInit {
  readonly kernel: Kernel
  readonly items: readonly VerifyItem[]
  readonly random: Random
}

/** A bundle of canonical layout, which fits its manifest. */
export interface Opened {
  readonly manifest: VerifiedManifest
  readonly bundle: Bundle
  readonly points: Points
}

/** A bundle that has passed everything but equations 1 to 6. */
export interface Prepared extends Opened {
  readonly challenges: Challenges
}

/**
 * Verifies one bundle.
 * @throws MalformedMessageError, LimitExceededError, InvalidProofError naming the step (protocols/bundle, Errors)
 */
export function verify({ kernel, manifest, bundle, random }: VerifyInit): VerifiedProof {
  return conclude(kernel, random, prepare(kernel, open(kernel, { manifest, bundle })))
}

/** The last check, of one bundle. @throws InvalidProofError('equations') */
function conclude(kernel: Kernel, random: Random, prepared: Prepared): VerifiedProof {
  if (!equationsHold(kernel, random, [prepared])) throw new InvalidProofError('equations', 'the sum of the equations is not the identity')
  return verified(prepared)
}

/**
 * Verifies many bundles in one multi-scalar multiplication; when that fails, one by one.
 * @returns for each item in order what it shows, or the error for which it is refused
 */
export function verifyBatch({ kernel, items, random }: VerifyBatchInit): (VerifiedProof | PeerError)[] {
  const prepared = items.map(item => attempt(() => prepare(kernel, open(kernel, item))))
  const candidates = prepared.filter((candidate): candidate is Prepared => !(candidate instanceof Error))
  const all = equationsHold(kernel, random, candidates)
  return prepared.map(candidate => {
    if (candidate instanceof Error) return candidate
    return all ? verified(candidate) : attempt(() => conclude(kernel, random, candidate))
  })
}

/**
 * Verifies bundles that belong together, all or none.
 * @param check what must hold between them, before anything that costs
 * @throws what verify throws, for the first bundle that is refused, and what check throws
 */
export function verifyTogether(
  { kernel, items, random }: VerifyBatchInit,
  check: (statements: readonly Statement[]) => void
): VerifiedProof[] {
  const opened = items.map(item => open(kernel, item))
  check(opened.map(({ bundle }) => bundle.statement))
  const prepared = opened.map(each => prepare(kernel, each))
  if (equationsHold(kernel, random, prepared)) return prepared.map(verified)
  return prepared.map(each => conclude(kernel, random, each))
}

/** What a peer's bytes may cause becomes a value; anything else is a fault of ours and is thrown. */
function attempt<T>(work: () => T): T | PeerError {
  try {
    return work()
  } catch (error) {
    if (isPeerError(error)) return error
    throw error
  }
}

/** Checks 1 to 4: what the bytes alone show. */
export function open(kernel: Kernel, { manifest, bundle: bytes }: VerifyItem): Opened {
  const bundle = decodeBundle(bytes, manifest)
  kernel.checkScalars(scalarsOf(bundle.proof))
  return { manifest, bundle, points: kernel.decode(concat(Object.values(pointsOf(bundle)))) }
}

/** Checks 5 to 9: all that come before equations 1 to 6, each with its own error. */
export function prepare(kernel: Kernel, opened: Opened, transcript = bundleTranscript(kernel)): Prepared {
  const { manifest, points } = opened
  const { statement, proof } = opened.bundle
  checkKey(statement, manifest)
  for (const role of ROLES) checkCounts(statement, role)
  for (const role of ROLES) checkSignature(statement, role)
  const identity = kernel.indexOfIdentity(points)
  if (identity !== -1) throw new InvalidProofError('identity', `point ${identity} is the identity`)
  const challenges = challengesOf(transcript, statement, proof)
  checkInnerProduct(kernel, proof, challenges, 'inner product')
  return { ...opened, challenges }
}

const ROLES: readonly TailRole[] = ['user', 'contributor']

/** The contributor's key is the owner's, or one to which the owner has delegated. */
function checkKey({ context }: Statement, { owner, id }: VerifiedManifest): void {
  const { contributorKey, delegation, started } = context
  if (delegation === undefined) {
    if (!equal(contributorKey, owner)) throw new InvalidProofError('context', "the contributor's key is not the owner's")
    return
  }
  if (equal(contributorKey, owner)) throw new InvalidProofError('delegation', "it is to the owner's own key, which needs none")
  if (!verifyDelegation(owner, id, contributorKey, delegation)) {
    throw new InvalidProofError('delegation', "it is not signed by the adapter's owner for this key")
  }
  if (started > delegation.expiry) {
    throw new InvalidProofError('delegation', `it ended at ${delegation.expiry}, the session started at ${started}`)
  }
}

function tailOf({ userTail, contributorTail }: Statement, role: TailRole): Tail {
  return role === 'user' ? userTail : contributorTail
}

function checkCounts(statement: Statement, role: TailRole): void {
  const { context, end } = statement
  const tail = tailOf(statement, role)
  if (tail.rows < end || tail.rows > context.rows) {
    throw new InvalidProofError('signature', `the ${role}'s tail counts ${tail.rows} rows; ${end} to ${context.rows} are possible`)
  }
}

/** A tail's public hash is that of the bundle's rows, so the signature covers these. */
function checkSignature(statement: Statement, role: TailRole): void {
  const { context, session } = statement
  const tail = tailOf(statement, role)
  const publicKey = role === 'user' ? context.userKey : context.contributorKey
  if (!verifyTail({ publicKey, role, session, tail }))
    throw new InvalidProofError('signature', `the ${role}'s tail is not signed by its key`)
}

/** Equations 1 to 6 of all bundles, each with a weight of its own drawn now. */
export function equationsHold(kernel: Kernel, random: Random, items: readonly Prepared[]): boolean {
  const combination = new Combination(kernel, random)
  const known = new Map<VerifiedManifest, Map<number, GroupBasis>>()
  for (const { manifest, bundle, challenges, points } of items) {
    const bases = known.get(manifest) ?? new Map<number, GroupBasis>()
    known.set(manifest, bases)
    const commitments = bundle.statement.groups.map(({ index }) => {
      const basis = bases.get(index) ?? groupBasis(kernel, combination, manifest.groups[index]!)
      bases.set(index, basis)
      return basis
    })
    addEquations(combination, { kernel, bundle, challenges, points, commitments })
  }
  return combination.holds()
}

function groupBasis(kernel: Kernel, combination: Combination, { modules }: VerifiedManifest['groups'][number]): GroupBasis {
  return {
    ca: combination.basis(kernel.decode(concat(modules.map(({ ca }) => ca)))),
    cb: combination.basis(kernel.decode(concat(modules.map(({ cb }) => cb))))
  }
}

function verified({ manifest, bundle }: Prepared): VerifiedProof {
  const { statement, digest, length } = bundle
  const { context, session, start, end, userTail, contributorTail } = statement
  const complete = [userTail, contributorTail].every(({ closed, rows }) => closed && rows === end)
  const facts: ProofFacts = {
    session,
    context,
    adapter: context.adapter,
    base: context.base,
    owner: manifest.owner,
    contributorKey: context.contributorKey,
    userKey: context.userKey,
    start,
    end,
    rowsPerGroup: statement.groups.map(({ index, rows }) => ({ group: index, rows })),
    publicStart: statement.publicStart,
    publicEnd: statement.publicEnd,
    userTail,
    contributorTail,
    complete,
    whole: complete && start === 0,
    root: merkleRoot(session, statement.rows),
    digest,
    bundleBytes: length
  }
  return facts as VerifiedProof
}
