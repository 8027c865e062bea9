import test from 'ava'
import { InvalidProofError, LimitExceededError, MalformedMessageError, ProtocolViolationError, RefusedError } from '../../src/errors.js'
import { encodeDelegation, publicKeyOf, signDelegation } from '../../src/proof/index.js'
import {
  type Accept,
  checkAccept,
  checkOpen,
  codeOf,
  encodeMessage,
  makeAccept,
  makeOpening,
  takeAnswer,
  type Terms
} from '../../src/session/index.js'
import { checkBegin, signAccept, signBegin } from '../../src/session/terms/terms.js'
import { OWNER_SECRET, register } from '../proof/fixture.js'
import { NOW, PEERS, random, smallAdapter } from './pair.js'

const { adapter, manifest } = smallAdapter()
const other = register('another')
const REPLICA = new Uint8Array(32).fill(6)
const LIMITS = { requests: 4, outstandingRows: 100, outstandingBytes: 1000n }
const { open, secretKey } = makeOpening({ manifest, groups: [0, 1], rows: 100, random })

function served(change: Partial<Parameters<typeof makeAccept>[0]> = {}): Terms {
  return makeAccept({ open, adapter, peers: PEERS, secretKey: OWNER_SECRET, started: NOW, limits: LIMITS, random, ...change })
}

/** As the user takes it, with its own view of the peers. */
function taken({ accept }: Terms, peers = PEERS): Terms {
  return takeAnswer(encodeMessage({ accept }), { open, manifest, peers, peer: 'P' })
}

/** Changed by the contributor, who signs again. */
function changed(change: Partial<Accept>): Terms {
  const accept = { ...served().accept, ...change }
  const terms = taken({ ...served(), accept })
  return { ...terms, accept: { ...accept, signature: signAccept(terms, OWNER_SECRET) } }
}

const delegated = (expiry: bigint, key = REPLICA, owner = OWNER_SECRET): Terms =>
  served({ secretKey: REPLICA, delegation: signDelegation(owner, { adapter: manifest.id, key: publicKeyOf(key), expiry, share: 10n }) })

test('terms are the same on both sides, and their scales are those of the adapter', t => {
  const terms = served()
  const mine = taken(terms)
  t.deepEqual(mine.session, terms.session)
  t.deepEqual(mine.hash, terms.hash)
  const scales = adapter.quantized.groups.flatMap(({ modules }) => modules.map(({ scale }) => scale))
  t.deepEqual([...checkAccept(mine, manifest, NOW)], scales)
  t.notThrows(() => checkBegin(terms, signBegin(mine, secretKey)))
})

test("a replica's terms hold with the owner's delegation", t => {
  t.notThrows(() => checkAccept(taken(delegated(NOW)), manifest, NOW))
})

const refused = test.macro({
  exec(t, terms: Terms, error: new (...given: never[]) => Error, step?: string, now: bigint = NOW) {
    const thrown = t.throws(() => checkAccept(terms, manifest, now), { instanceOf: error as never })
    if (step !== undefined) t.is((thrown as unknown as InvalidProofError).step, step)
  },
  title: (what = '') => `${what} are refused before the first row`
})

const strangers = new Uint8Array(34).fill(9)
test('terms that were signed towards another user', refused, taken(served(), { ...PEERS, user: strangers }), InvalidProofError, 'signature')
test(
  "terms of somebody who stands in the contributor's place",
  refused,
  taken(served(), { ...PEERS, contributor: strangers }),
  InvalidProofError,
  'signature'
)
test(
  'terms that were changed on the way',
  refused,
  taken({ ...served(), accept: { ...served().accept, requests: 5 } }),
  InvalidProofError,
  'signature'
)
test('terms signed by a stranger to the adapter', refused, taken(served({ secretKey: REPLICA })), InvalidProofError, 'delegation')
test("terms with a delegation that is not the owner's", refused, taken(delegated(NOW, REPLICA, REPLICA)), InvalidProofError, 'delegation')
test('terms with a delegation to another key', refused, taken(delegated(NOW, OWNER_SECRET)), InvalidProofError, 'delegation')
const toItself = signDelegation(OWNER_SECRET, { adapter: manifest.id, key: publicKeyOf(OWNER_SECRET), expiry: NOW, share: 10n })
const ownTerms = taken(served({ secretKey: OWNER_SECRET, delegation: toItself }))
test("terms with the owner's delegation to its own key", refused, ownTerms, InvalidProofError, 'delegation')
test('terms with a delegation that is over', refused, taken(delegated(NOW - 1n)), InvalidProofError, 'delegation')
test('terms from 11 minutes ago', refused, taken(served()), ProtocolViolationError, undefined, NOW + 660n)
test('terms from 11 minutes ahead', refused, taken(served()), ProtocolViolationError, undefined, NOW - 660n)
test('terms of more rows than asked for', refused, changed({ rows: 101 }), LimitExceededError)
test('terms with scales of too few modules', refused, changed({ scales: new Uint8Array(16) }), MalformedMessageError)
test('terms with a scale of zero', refused, changed({ scales: new Uint8Array(24) }), ProtocolViolationError)
test(
  'terms with an infinite scale',
  refused,
  changed({ scales: new Uint8Array(new Float64Array([1, 1, Infinity]).buffer) }),
  ProtocolViolationError
)
test(
  "terms with other scales than the manifest's",
  refused,
  changed({ scales: new Uint8Array(new Float64Array([1, 1, 1]).buffer) }),
  InvalidProofError,
  'scales'
)

test('terms for another adapter than the manifest at hand are refused', t => {
  t.throws(() => checkAccept(taken(served()), other.manifest, NOW), { instanceOf: ProtocolViolationError })
})

test('a signature of the user over other terms is refused', t => {
  const terms = served()
  t.throws(() => checkBegin(terms, signBegin(served(), secretKey)), { instanceOf: InvalidProofError })
  t.throws(() => checkBegin(terms, signBegin(terms, REPLICA)), { instanceOf: InvalidProofError })
})

test('what a contributor answers instead of accepting is told in words', t => {
  const answer = (message: Parameters<typeof encodeMessage>[0]): Terms =>
    takeAnswer(encodeMessage(message), { open, manifest, peers: PEERS, peer: 'P' })
  t.throws(() => answer({ refuse: { code: 5, retryAfter: 0 } }), {
    instanceOf: RefusedError,
    message: 'peer P refused: extraction budget spent; its owner allows no more rows of this adapter; look for another contributor'
  })
  t.throws(() => answer({ refuse: { code: 6, retryAfter: 30 } }), { message: 'peer P refused: busy; try again later (it says: in 30 s)' })
  t.throws(() => answer({ failure: { code: 99 } }), { message: /code 99/ })
  t.throws(() => answer({ cancel: { request: 0 } }), { instanceOf: ProtocolViolationError })
})

test('a contributor refuses by code what its manifest does not have', t => {
  const code = (change: Partial<typeof open>): number | undefined => {
    try {
      checkOpen({ ...open, ...change }, manifest, 100)
      return undefined
    } catch (error) {
      return codeOf(error)
    }
  }
  t.is(code({}), undefined)
  t.is(code({ base: new Uint8Array(32) }), 2)
  t.is(code({ groups: [0, 2] }), 3)
  t.is(code({ rows: 101 }), 4)
  t.is(code({ activationBits: 8 }), 8)
})

test('a delegation travels as its 80 bytes', t => {
  const { accept, context } = delegated(NOW)
  t.is(accept.delegation.length, 80)
  t.deepEqual(encodeDelegation(context.delegation!), accept.delegation)
})
