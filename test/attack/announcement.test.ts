/** An announcement that fits its bundle, with one thing in it changed: each is found out by what the bundle shows. */
import test from 'ava'
import { InvalidProofError } from '../../src/errors.js'
import { prove, publicKeyOf, sessionId, signDelegation, signTail, verify } from '../../src/proof/index.js'
import { checkStatement } from '../../src/store/statement.js'
import { type Announcement, NO_PREVIOUS, type Statement } from '../../src/wire/announcement.js'
import { statementOf } from '../network/bundles.js'
import { contextOf, honestSession, kernel, makeAdapter, makeTails, OWNER_SECRET, register, seeded } from '../proof/fixture.js'
import { FLAT } from './claims.js'

const REPLICA_SECRET = new Uint8Array(32).fill(9)
const other = new Uint8Array(32).fill(7)
const { adapter, manifest } = register('announced', makeAdapter('announced', FLAT))
const delegate = { adapter: manifest.id, key: publicKeyOf(REPLICA_SECRET), expiry: 2n ** 40n, share: 100n }
const delegation = signDelegation(OWNER_SECRET, delegate)

/** Verified, of a session that the owner or a replica served. */
function proofOf(by: 'owner' | 'replica') {
  const session = honestSession(adapter, 'announced', { groups: [0, 1] })
  if (by === 'owner') return verify({ kernel, manifest, bundle: prove(session).bundle, random: seeded('verifier') })
  const context = contextOf(adapter, { contributorKey: delegate.key, delegation })
  const { userTail, contributorTail } = makeTails(context, session.rows)
  const signed = signTail({ secretKey: REPLICA_SECRET, role: 'contributor', session: sessionId(context), tail: contributorTail })
  const { bundle } = prove({ ...session, context, userTail, contributorTail: signed })
  return verify({ kernel, manifest, bundle, random: seeded('verifier') })
}

const [own, replicated] = [proofOf('owner'), proofOf('replica')]

function announced(proof: typeof own, change: Partial<Announcement> = {}, statement: Partial<Statement> = {}): Announcement {
  return {
    statement: { ...statementOf(proof), ...statement },
    receipt: null,
    delegation: proof === replicated ? { owner: manifest.owner, ...delegation } : null,
    time: 1_700_000_000_000n,
    index: 0n,
    previous: NO_PREVIOUS,
    holder: other,
    signature: new Uint8Array(64),
    ...change
  }
}

test('an announcement that fits is accepted, of the owner and of a replica', t => {
  t.notThrows(() => checkStatement(announced(own), own))
  t.notThrows(() => checkStatement(announced(replicated), replicated))
})

const changes: Partial<Statement>[] = [
  { session: other },
  { adapter: other },
  { base: other },
  { userKey: other },
  { contributorKey: other },
  { start: 1 },
  { end: 3 },
  { publicStart: other },
  { publicEnd: other },
  { root: other },
  { digest: other },
  { length: own.bundleBytes - 1 }
]

for (const change of changes) {
  const [field] = Object.keys(change)
  test(`a statement with another ${field} than the bundle’s does not fit`, t => {
    t.throws(() => checkStatement(announced(own, {}, change), own), { instanceOf: InvalidProofError, message: /^announcement: the / })
  })
}

const misfit = (message: RegExp) => ({ instanceOf: InvalidProofError, message })

test('a replica’s statement under its own key does not fit a bundle that the owner served, and the other way round', t => {
  t.throws(() => checkStatement(announced(replicated, {}, { ...statementOf(own) }), own), misfit(/delegation/))
  t.throws(() => checkStatement(announced(replicated, {}, { ...statementOf(own), contributorKey: delegate.key }), own), misfit(/key/))
  t.throws(() => checkStatement(announced(own, {}, statementOf(replicated)), replicated), misfit(/owner/))
})

test('another delegation of the same owner to the same key does not fit', t => {
  const longer = signDelegation(OWNER_SECRET, { ...delegate, share: 101n })
  t.throws(
    () => checkStatement(announced(replicated, { delegation: { owner: manifest.owner, ...longer } }), replicated),
    misfit(/delegation/)
  )
})

test('an owner that is not the manifest’s does not fit', t => {
  t.throws(() => checkStatement(announced(replicated, { delegation: { owner: other, ...delegation } }), replicated), misfit(/owner/))
})

test('a session that starts more than ten minutes after its announcement does not fit', t => {
  const { started } = own.context
  t.notThrows(() => checkStatement(announced(own, { time: (started - 600n) * 1000n }), own))
  t.throws(() => checkStatement(announced(own, { time: (started - 600n) * 1000n - 1n }), own), misfit(/session started later/))
})
