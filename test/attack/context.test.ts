/** A valid proof shown for something else: another session, peer, adapter, base model, part of the session. */
import test from 'ava'
import { encodeContext, prove, publicKeyOf, sessionId, signDelegation, signTail, type SessionContext } from '../../src/proof/index.js'
import type { Statement } from '../../src/proof/bundle/layout.js'
import { publicNext, publicStart } from '../../src/proof/rows/tail.js'
import {
  BASE,
  contextOf,
  honestSession,
  kernel,
  makeAdapter,
  makeTails,
  OWNER_SECRET,
  register,
  seeded,
  USER_SECRET
} from '../proof/fixture.js'
import { proveSteps } from '../proof/steps.js'
import { commitAdapter, verifyManifest } from '../../src/proof/index.js'
import { FLAT, verdict } from './claims.js'

const { adapter, manifest } = register('context', makeAdapter('context', FLAT))
const session = honestSession(adapter, 'context', { groups: [0, 1] })
const STRANGER_SECRET = new Uint8Array(32).fill(9)

/** The statement with another context, everything that follows from it, and both tails signed anew by the given keys. */
function moved(statement: Statement, change: Partial<SessionContext>, user = USER_SECRET, contributor = OWNER_SECRET): Statement {
  const context = { ...statement.context, ...change }
  const id = sessionId(context)
  const before = publicStart(id)
  const publicHash = statement.rows.reduce(publicNext, before)
  const sign = (secretKey: Uint8Array, role: 'user' | 'contributor') =>
    signTail({ secretKey, role, session: id, tail: { ...statement.userTail, publicHash } })
  return {
    ...statement,
    context,
    contextBytes: encodeContext(context),
    session: id,
    publicStart: before,
    publicEnd: publicHash,
    userTail: sign(user, 'user'),
    contributorTail: sign(contributor, 'contributor')
  }
}

test('a proof moved to another session of the same two keys is refused', t => {
  for (const change of [{ userNonce: new Uint8Array(32) }, { contributorNonce: new Uint8Array(32) }, { started: 0n }, { rows: 999 }]) {
    t.is(verdict(manifest, proveSteps(session, { statement: statement => moved(statement, change) }).bundle), 'equations')
  }
})

test('a proof moved to another user is refused', t => {
  const change = { userKey: publicKeyOf(STRANGER_SECRET) }
  const { bundle } = proveSteps(session, { statement: statement => moved(statement, change, STRANGER_SECRET) })
  t.is(verdict(manifest, bundle), 'equations')
})

test('a contributor that is neither the owner nor delegated is refused', t => {
  const change = { contributorKey: publicKeyOf(STRANGER_SECRET) }
  const { bundle } = proveSteps(session, { statement: statement => moved(statement, change, USER_SECRET, STRANGER_SECRET) })
  t.is(verdict(manifest, bundle), 'context')
})

test('a bundle shown with the manifest of another adapter is refused', t => {
  const other = register('another', makeAdapter('another', FLAT))
  t.is(verdict(other.manifest, prove(session).bundle), 'context')
  // Also when its context says so.
  const { bundle } = proveSteps(session, { statement: statement => moved(statement, { adapter: other.manifest.id }) })
  t.is(verdict(other.manifest, bundle), 'equations')
})

test('a bundle for another base model is refused, also under a manifest with the same weights and commitments', t => {
  const base = new Uint8Array(32).fill(8)
  const { bundle } = proveSteps(session, { statement: statement => moved(statement, { base }) })
  t.is(verdict(manifest, bundle), 'context')
  const random = seeded('context/registration')
  const secret = random(32)
  const other = commitAdapter({
    ...{ kernel, adapter: adapter.quantized, base, name: 'tiny', ownerKey: manifest.owner },
    ...{ secret, salt: random(32), random }
  })
  const verified = verifyManifest({ kernel, manifest: other.manifest, random })
  // Blindings depend on the base model, so that not even a difference of commitments shows that the weights are the same.
  t.notDeepEqual(other.manifest.groups[0]!.modules[0]!.ca, manifest.groups[0]!.modules[0]!.ca)
  const copied = proveSteps(session, { statement: statement => moved(statement, { base, adapter: verified.id }) })
  t.is(verdict(verified, copied.bundle), 'equations')
  t.deepEqual(manifest.base, BASE)
})

test('bits or groups that the manifest does not have are refused', t => {
  for (const change of [{ activationBits: 8 }, { weightBits: 9 }, { groups: [0, 1, 2] }]) {
    t.is(verdict(manifest, proveSteps(session, { statement: statement => moved(statement, change) }).bundle), 'context')
  }
})

test('tails that are not signed by the keys of the context, or swapped, are refused', t => {
  const { userTail, contributorTail } = session
  const stranger = signTail({ secretKey: STRANGER_SECRET, role: 'user', session: sessionId(session.context), tail: userTail })
  for (const tails of [{ userTail: stranger }, { contributorTail: stranger }, { userTail: contributorTail, contributorTail: userTail }]) {
    t.is(verdict(manifest, prove({ ...session, ...tails }).bundle), 'signature')
  }
})

test('a session of one key with itself is refused', t => {
  const context = { ...session.context, userKey: publicKeyOf(OWNER_SECRET) }
  t.is(verdict(manifest, prove({ ...session, context, ...makeTails(context, session.rows) }).bundle), 'MalformedMessageError')
})

test('a signature of one side does not serve as that of the other: the role is signed', t => {
  const id = sessionId(session.context)
  const userTail = signTail({ secretKey: USER_SECRET, role: 'contributor', session: id, tail: session.userTail })
  t.is(verdict(manifest, prove({ ...session, userTail }).bundle), 'signature')
})

test('tails that count fewer rows than the bundle has, or more than the session may have, are refused', t => {
  for (const rows of [1, 1001]) {
    t.is(verdict(manifest, prove({ ...session, ...makeTails(session.context, session.rows, { change: { rows } }) }).bundle), 'signature')
  }
})

test('a later part of a session with another running hash before it is refused', t => {
  const before = new Uint8Array(32).fill(7)
  const options = { groups: [1, 0, 0], first: 4, publicAtStart: before }
  const part = honestSession(adapter, 'part', options)
  t.is(verdict(manifest, prove(part).bundle), 'accepted')
  // Signatures cover the running hash at the end, and so the one at the start.
  const { bundle } = proveSteps(part, { statement: statement => ({ ...statement, publicStart: new Uint8Array(32) }) })
  t.is(verdict(manifest, bundle), 'signature')
})

test('rows left out at the end of a session are refused: the tails name where it ended', t => {
  const whole = honestSession(adapter, 'whole', { groups: [0, 1, 0] })
  const { bundle } = proveSteps(whole, { statement: statement => ({ ...statement, end: 2, rows: statement.rows.slice(0, 2) }) })
  t.is(verdict(manifest, bundle), 'signature')
})

const replica = publicKeyOf(STRANGER_SECRET)
const delegate = (expiry: bigint, key = replica) => signDelegation(OWNER_SECRET, { adapter: manifest.id, key, expiry, share: 100n })

function delegated(delegation: SessionContext['delegation']): string {
  const context = contextOf(adapter, { contributorKey: replica, delegation })
  const { userTail, contributorTail } = makeTails(context, session.rows)
  const signed = signTail({ secretKey: STRANGER_SECRET, role: 'contributor', session: sessionId(context), tail: contributorTail })
  return verdict(manifest, prove({ ...session, context, userTail, contributorTail: signed }).bundle)
}

test('a replica with a delegation is accepted up to its expiry', t => {
  t.is(delegated(delegate(session.context.started)), 'accepted')
  t.is(delegated(delegate(session.context.started - 1n)), 'delegation')
})

test('a delegation to another key, or changed afterwards, is refused', t => {
  t.is(delegated(delegate(2n ** 40n, publicKeyOf(USER_SECRET))), 'delegation')
  t.is(delegated({ ...delegate(2n ** 40n), share: 101n }), 'delegation')
})

test('a delegation of the owner to its own key is refused', t => {
  const context = contextOf(adapter, { delegation: delegate(2n ** 40n, publicKeyOf(OWNER_SECRET)) })
  t.is(verdict(manifest, prove({ ...session, context, ...makeTails(context, session.rows) }).bundle), 'delegation')
})
